"""The inference server with the sidecar that ships its log."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import CONFIGURATION_ANNOTATION, FETCH_CONTAINER, Body
from driftmonitor_operator.resources import common, shipper
from driftmonitor_operator.resources.common import child, child_name, env, mount
from driftmonitor_operator.resources.configmaps import INFERENCE_FILE, config_name, inference_data, shipper_data

CONFIG_MOUNT = "/etc/driftmonitor"
MODEL_MOUNT = "/model"
MODEL_FILE = f"{MODEL_MOUNT}/model.onnx"
SOURCE_MOUNT = "/source"


def deployment(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    """The Deployment; a new pod must be ready before an old one goes."""
    return child(
        "Deployment",
        monitor,
        "inference",
        spec={
            "replicas": monitor.spec.serving.least_replicas,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": common.selector(monitor, "inference")},
            "template": {
                "metadata": {
                    "labels": common.labels(monitor, "inference"),
                    "annotations": {CONFIGURATION_ANNOTATION: configuration(monitor, config)},
                },
                "spec": _pod(monitor, config),
            },
        },
    )


def configuration(monitor: DriftMonitor, config: OperatorConfig) -> str:
    """Digest of what a pod reads at its start: a change of it needs new pods."""
    return common.digest(
        [monitor.spec.model.storage_uri, inference_data(monitor), shipper_data(monitor, config)],
    )


def _pod(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    return {
        "serviceAccountName": child_name(monitor, "inference"),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,  # the server waits up to 40 s until its log has been stored
        "securityContext": common.pod_security(),
        "initContainers": [_fetch_model(monitor, config), shipper.container(monitor, config)],
        "containers": [_server(monitor, config)],
        "volumes": [
            common.empty_dir("model"),
            *common.source_volumes("source", monitor.spec.model.storage_uri),
            common.config_map_volume("config", config_name(monitor)),
            common.token_volume(monitor),
            common.empty_dir("tmp"),
            *shipper.volumes(monitor),
        ],
    }


def _fetch_model(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    model = monitor.spec.model
    mounted = common.source_volumes("source", model.storage_uri)
    return {
        "name": FETCH_CONTAINER,
        "image": config.images.inference,
        "imagePullPolicy": config.images.pull_policy,
        "args": ["fetch"],
        "env": env(
            MODEL_URI=model.storage_uri, MODEL_VERSION=model.version, MODEL_FILE=MODEL_FILE, MODEL_MOUNT=SOURCE_MOUNT
        ),
        # It runs before the server and not beside it, so the same amounts cost nothing more.
        "resources": _resources(monitor),
        "securityContext": common.container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            mount("model", MODEL_MOUNT),
            *([mount("source", SOURCE_MOUNT, read_only=True)] if mounted else []),
            mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
        ],
    }


def _server(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    health = {"httpGet": {"path": "/health", "port": "http"}, "timeoutSeconds": 5}
    return {
        "name": "inference",
        "image": config.images.inference,
        "imagePullPolicy": config.images.pull_policy,
        "args": ["serve"],
        "env": [
            *env(
                CONFIG_FILE=f"{CONFIG_MOUNT}/{INFERENCE_FILE}",
                MODEL_FILE=MODEL_FILE,
                LOG_DIR=shipper.LOG_DIR,
                LOG_LIMIT_BYTES=shipper.buffer_bytes(monitor),
                COLLECTOR_URL=common.collector_url(monitor),
                COLLECTOR_TOKEN_FILE=f"{common.TOKEN_MOUNT}/{common.TOKEN_KEY}",
            ),
            {"name": "POD_UID", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.uid"}}},
        ],
        "ports": [{"name": "http", "containerPort": common.HTTP_PORT, "protocol": "TCP"}],
        "startupProbe": health | {"periodSeconds": 2, "failureThreshold": 150},
        "readinessProbe": health | {"periodSeconds": 2, "failureThreshold": 3},
        "livenessProbe": health | {"periodSeconds": 10, "failureThreshold": 6},
        "resources": _resources(monitor),
        "securityContext": common.container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            mount("model", MODEL_MOUNT, read_only=True),
            mount("config", CONFIG_MOUNT, read_only=True),
            mount("token", common.TOKEN_MOUNT, read_only=True),
            mount("log", shipper.LOG_DIR),
            mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
        ],
    }


def _resources(monitor: DriftMonitor) -> Body:
    return common.resources(monitor.spec.serving.resources, "100m", "256Mi", "1Gi")
