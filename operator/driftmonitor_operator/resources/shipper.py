"""The sidecar that carries the prediction log to the collector."""

from driftmonitor_api.base import parse_quantity
from driftmonitor_api.v1alpha1 import DriftMonitor, ServerLog
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources import common, kafka, pods, shipperprograms
from driftmonitor_operator.resources.configmaps import shipper_name
from driftmonitor_operator.resources.pods import env, mount
from driftmonitor_operator.resources.shipperprograms import CONFIG_MOUNT, STATE_DIR, TEMPORARY

LOG_DIR = "/var/log/driftmonitor"
CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
"""The certificates that the images have."""
_HEADROOM_BYTES = 256 << 20  # an emptyDir over its limit evicts the pod, so the programs' own limit must come first


def container(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    """A native sidecar: an init container that goes on running, and that ends after the server has ended."""
    shipper = monitor.spec.logging.shipper
    return {
        "name": "shipper",
        "image": shipperprograms.image(shipper.type, config.images),
        "imagePullPolicy": config.images.pull_policy,
        "restartPolicy": "Always",
        "command": kafka.shipper_command(monitor, shipperprograms.command(shipper.type)),
        "env": [
            *env(
                LOG_DIR=LOG_DIR,
                STATE_DIR=STATE_DIR,
                COLLECTOR_URL=f"{common.collector_url(monitor)}/v1/records",
                CA_FILE=CA_FILE,
                BUFFER_BYTES=buffer_bytes(monitor),
                **shipperprograms.variables(monitor),
            ),
            {
                "name": "COLLECTOR_TOKEN",
                "valueFrom": {
                    "secretKeyRef": {"name": common.token_secret_name(monitor), "key": common.TOKEN_KEY},
                },
            },
            *_server_log(monitor.spec.logging.server_log),
            *kafka.shipper_variables(monitor, CA_FILE),
        ],
        **shipperprograms.health(shipper.type),
        "resources": pods.resources(shipper.resources, "50m", "64Mi", "512Mi"),
        "securityContext": pods.container_security(),
        "volumeMounts": [
            mount("log", LOG_DIR, read_only=True),
            mount("shipper-state", STATE_DIR),
            mount("shipper-config", CONFIG_MOUNT, read_only=True),
            mount("shipper-tmp", TEMPORARY),
            *kafka.mounts(monitor),
        ],
    }


def volumes(monitor: DriftMonitor, config: OperatorConfig) -> list[Body]:
    """The log that it reads, and its own volumes."""
    limit = f"{-(-(buffer_bytes(monitor) + _HEADROOM_BYTES) // 1024)}Ki"
    return [
        pods.empty_dir("log", limit),
        pods.empty_dir("shipper-state", limit),
        pods.config_map_volume("shipper-config", shipper_name(monitor, config)),
        pods.empty_dir("shipper-tmp"),
        *kafka.volumes(monitor),
    ]


def buffer_bytes(monitor: DriftMonitor) -> int:
    """The largest size of the prediction log, and of the sidecar's buffer."""
    return int(parse_quantity(monitor.spec.logging.shipper.buffer_size))


def _server_log(server_log: ServerLog | None) -> list[Body]:
    if server_log is None:
        return []
    variables = env(SERVER_LOG_URL=server_log.url)
    if (token := server_log.token_secret) is not None:
        # Without the Secret it goes without a token: the pod would wait for it, and predictions with it.
        reference = {"name": token.name, "key": token.key, "optional": True}
        variables.append({"name": "SERVER_LOG_TOKEN", "valueFrom": {"secretKeyRef": reference}})
    return variables
