"""The validation service: the check's image as a server that judges rows on request."""

from driftmonitor_api.v1alpha1 import DriftMonitor, Validation
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources import common, pods
from driftmonitor_operator.resources.common import child
from driftmonitor_operator.resources.configmaps import VALIDATION_FILE, validation_name
from driftmonitor_operator.resources.pods import CREDENTIALS_MOUNT, env, mount

CONFIG_MOUNT = "/etc/driftmonitor"
REFERENCE_MOUNT = "/reference"


def deployment(monitor: DriftMonitor, config: OperatorConfig) -> list[Body]:
    """The Deployment, where one is asked for; a new pod must have read the reference before an old one goes."""
    validation = monitor.spec.checks.validation
    if validation is None:
        return []
    spec = {
        "replicas": validation.replicas,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "selector": {"matchLabels": common.selector(monitor, "validation")},
        "template": {
            "metadata": {"labels": common.labels(monitor, "validation")},
            "spec": _pod(monitor, config, validation),
        },
    }
    return [child("Deployment", monitor, "validation", spec=spec)]


def _pod(monitor: DriftMonitor, config: OperatorConfig, validation: Validation) -> Body:
    reference = monitor.spec.reference
    mounted = pods.source_volumes("reference", reference.storage_uri)
    credentials = pods.credentials_volumes(reference.credentials_secret)
    return pods.pod_spec(
        monitor,
        config,
        "validation",
        topologySpreadConstraints=pods.spread(monitor, "validation"),
        containers=[
            {
                "name": "validation",
                "image": config.images.check,
                "imagePullPolicy": config.images.pull_policy,
                "args": ["serve"],
                "env": env(
                    CONFIG_FILE=f"{CONFIG_MOUNT}/{VALIDATION_FILE}",
                    COLLECTOR_TOKEN_FILE=f"{pods.TOKEN_MOUNT}/{common.TOKEN_KEY}",
                    **({"COLLECTOR_URL": common.collector_url(monitor)} if reference.storage_uri is None else {}),
                    **({"REFERENCE_MOUNT": REFERENCE_MOUNT} if mounted else {}),
                    **({"REFERENCE_CREDENTIALS_DIR": CREDENTIALS_MOUNT} if credentials else {}),
                ),
                "ports": [{"name": "http", "containerPort": common.HTTP_PORT, "protocol": "TCP"}],
                "readinessProbe": {
                    "httpGet": {"path": "/readyz", "port": "http"},
                    "periodSeconds": 2,
                    "timeoutSeconds": 5,
                    "failureThreshold": 3,
                },
                "livenessProbe": {
                    "httpGet": {"path": "/healthz", "port": "http"},
                    "periodSeconds": 10,
                    "timeoutSeconds": 5,
                    "failureThreshold": 6,
                },
                "resources": pods.resources(validation.resources, "100m", "512Mi", "2Gi"),
                "securityContext": pods.container_security(),
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [
                    mount("config", CONFIG_MOUNT, read_only=True),
                    *([mount("reference", REFERENCE_MOUNT, read_only=True)] if mounted else []),
                    *([mount("credentials", CREDENTIALS_MOUNT, read_only=True)] if credentials else []),
                    mount("token", pods.TOKEN_MOUNT, read_only=True),
                    mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
                ],
            }
        ],
        volumes=[
            pods.config_map_volume("config", validation_name(monitor)),
            *mounted,
            *credentials,
            pods.token_volume(monitor),
            pods.empty_dir("tmp"),
        ],
    )
