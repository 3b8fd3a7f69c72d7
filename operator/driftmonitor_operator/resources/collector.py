"""The collector: one pod over a volume, because that has one writer, or several over an object store."""

from driftmonitor_api.base import parse_duration, parse_quantity
from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources import common, kafka, pods
from driftmonitor_operator.resources.common import child, child_name
from driftmonitor_operator.resources.pods import env, mount

DATA_DIR = "/data"
_ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def deployment(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    """The Deployment; Recreate, so that the old pod lets go of the volume before the new one takes it."""
    spec = monitor.spec.collector
    shared = spec.storage.uri is not None
    data = {"name": "data", "persistentVolumeClaim": {"claimName": child_name(monitor, "collector")}}
    return child(
        "Deployment",
        monitor,
        "collector",
        spec={
            "replicas": spec.replicas,
            "strategy": _ROLLING if shared else {"type": "Recreate"},
            "selector": {"matchLabels": common.selector(monitor, "collector")},
            "template": {
                "metadata": {"labels": common.labels(monitor, "collector")},
                "spec": pods.pod_spec(
                    monitor,
                    config,
                    "collector",
                    containers=[_container(monitor, config)],
                    volumes=[
                        pods.empty_dir("data") if shared else data,
                        *pods.credentials_volumes(spec.storage.credentials_secret),
                        pods.token_volume(monitor),
                        pods.empty_dir("tmp"),
                        *kafka.volumes(monitor),
                    ],
                ),
            },
        },
    )


def retention_bytes(monitor: DriftMonitor) -> int:
    """What the records may take of the volume; the rest is for the log, for reports, and for files being made."""
    collector = monitor.spec.collector
    if collector.retention_size is not None:
        return int(parse_quantity(collector.retention_size))
    return int(parse_quantity(collector.storage.volume_size) * 8 / 10)


def _storage(monitor: DriftMonitor) -> dict[str, str | int]:
    """The variables that say where the records lie, and how many may."""
    uri = monitor.spec.collector.storage.uri
    if uri is None:
        return {"RETENTION_BYTES": retention_bytes(monitor)}
    metadata = monitor.metadata
    # A bucket may be for many monitors.
    address = f"{uri}/{metadata.namespace}/{metadata.name}"
    return {"STORAGE_URI": address, "STORAGE_CREDENTIALS_DIR": pods.CREDENTIALS_MOUNT}


def _container(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    secret = monitor.spec.collector.storage.credentials_secret
    credentials = [mount("credentials", pods.CREDENTIALS_MOUNT, read_only=True)] if secret is not None else []
    return {
        "name": "collector",
        "image": config.images.collector,
        "imagePullPolicy": config.images.pull_policy,
        "args": ["serve"],
        "env": [
            *env(
                DATA_DIR=DATA_DIR,
                COLLECTOR_TOKEN_FILE=f"{pods.TOKEN_MOUNT}/{common.TOKEN_KEY}",
                RETENTION_SECONDS=int(parse_duration(monitor.spec.collector.retention).total_seconds()),
                **_storage(monitor),
            ),
            *kafka.collector_variables(monitor),
        ],
        "ports": [{"name": "http", "containerPort": common.HTTP_PORT, "protocol": "TCP"}],
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": "http"},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "http"},
            "initialDelaySeconds": 30,  # it may read a long log back at its start
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
        "resources": pods.resources(monitor.spec.collector.resources, "100m", "128Mi", "1Gi"),
        "securityContext": pods.container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            mount("data", DATA_DIR),
            *credentials,
            mount("token", pods.TOKEN_MOUNT, read_only=True),
            mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
            *kafka.mounts(monitor),
        ],
    }
