"""The inference server with the sidecar that ships its log."""

from driftmonitor_api.v1alpha1 import DriftMonitor, Model, OutlierDetector
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import (
    CONFIGURATION_ANNOTATION,
    FETCH_CONTAINER,
    FETCH_OUTLIERS_CONTAINER,
    SERVER_CONTAINER,
    Body,
)
from driftmonitor_operator.resources import common, pods, shipper
from driftmonitor_operator.resources.common import child
from driftmonitor_operator.resources.configmaps import INFERENCE_FILE, config_name, inference_data, shipper_data
from driftmonitor_operator.resources.pods import CREDENTIALS_MOUNT, REDACTION_FILE, REDACTION_MOUNT, env, mount

CONFIG_MOUNT = "/etc/driftmonitor"
MODEL_MOUNT = "/model"
MODEL_FILE = f"{MODEL_MOUNT}/model.onnx"
OUTLIER_MODEL_FILE = f"{MODEL_MOUNT}/outlier-detector.onnx"
SOURCE_MOUNT = "/source"
_CPU_REQUEST = "100m"


def deployment(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    """The Deployment; a new pod must be ready before an old one goes. An autoscaler sets its replicas where one is."""
    serving = monitor.spec.serving
    return child(
        "Deployment",
        monitor,
        "inference",
        spec={
            **({"replicas": serving.least_replicas} if serving.autoscaling is None else {}),
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
    model = monitor.spec.model
    files: list[object] = [model.storage_uri, inference_data(monitor), shipper_data(monitor, config)]
    # Only where they are given: without them the digest is that of an operator that did not know them.
    if model.sha256 is not None:
        files.append(model.sha256)
    if model.outlier_detector is not None:
        files.append([model.outlier_detector.storage_uri, model.outlier_detector.sha256])
    return common.digest(files)


def _pod(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    model, detector = monitor.spec.model, monitor.spec.model.outlier_detector
    fetching = [_fetch(monitor, config, model)]
    sources = _sources(model)
    if detector is not None:
        fetching.append(_fetch(monitor, config, detector))
        sources += _sources(detector)
    return pods.pod_spec(
        monitor,
        config,
        "inference",
        terminationGracePeriodSeconds=60,  # the server waits up to 40 s until its log has been stored
        topologySpreadConstraints=pods.spread(monitor, "inference"),
        initContainers=[*fetching, shipper.container(monitor, config)],
        containers=[_server(monitor, config)],
        volumes=[
            pods.empty_dir("model"),
            *sources,
            pods.config_map_volume("config", config_name(monitor)),
            pods.token_volume(monitor),
            *pods.redaction_volumes(monitor.spec.logging.redact),
            pods.empty_dir("tmp"),
            *shipper.volumes(monitor, config),
        ],
    )


def _sources(file: Model | OutlierDetector) -> list[Body]:
    """The volumes that this file is fetched from and with."""
    prefix = "outlier-" if isinstance(file, OutlierDetector) else ""
    return [
        *pods.source_volumes(f"{prefix}source", file.storage_uri),
        *pods.credentials_volumes(file.credentials_secret, f"{prefix}credentials"),
    ]


def _fetch(monitor: DriftMonitor, config: OperatorConfig, file: Model | OutlierDetector) -> Body:
    """The init container that fetches the model or its outlier detector."""
    second = isinstance(file, OutlierDetector)
    mounts = {"source": SOURCE_MOUNT, "credentials": CREDENTIALS_MOUNT}
    sources = [volume["name"] for volume in _sources(file)]
    credentials = file.credentials_secret is not None
    return {
        "name": FETCH_OUTLIERS_CONTAINER if second else FETCH_CONTAINER,
        "image": config.images.inference,
        "imagePullPolicy": config.images.pull_policy,
        "args": ["fetch"],
        "env": env(
            MODEL_URI=file.storage_uri,
            MODEL_VERSION=monitor.spec.model.version,
            MODEL_FILE=OUTLIER_MODEL_FILE if second else MODEL_FILE,
            MODEL_MOUNT=SOURCE_MOUNT,
            **({"MODEL_CREDENTIALS_DIR": CREDENTIALS_MOUNT} if credentials else {}),
            **({"MODEL_SHA256": file.sha256} if file.sha256 is not None else {}),
            **({"MODEL_FIELD": "spec.model.outlierDetector"} if second else {}),
        ),
        # It runs before the server and not beside it, so the same amounts cost nothing more.
        "resources": _resources(monitor),
        "securityContext": pods.container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            mount("model", MODEL_MOUNT),
            *(mount(name, mounts[name.removeprefix("outlier-")], read_only=True) for name in sources),
            mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
        ],
    }


def _server(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    redaction = pods.redaction_volumes(monitor.spec.logging.redact)
    health = {"httpGet": {"path": "/health", "port": "http"}, "timeoutSeconds": 5}
    return {
        "name": SERVER_CONTAINER,
        "image": config.images.inference,
        "imagePullPolicy": config.images.pull_policy,
        "args": ["serve"],
        "env": [
            *env(
                CONFIG_FILE=f"{CONFIG_MOUNT}/{INFERENCE_FILE}",
                MODEL_FILE=MODEL_FILE,
                **({"OUTLIER_MODEL_FILE": OUTLIER_MODEL_FILE} if monitor.spec.model.outlier_detector else {}),
                LOG_DIR=shipper.LOG_DIR,
                LOG_LIMIT_BYTES=shipper.buffer_bytes(monitor),
                **({"SERVER_LOG_DIR": shipper.LOG_DIR} if monitor.spec.logging.server_log is not None else {}),
                COLLECTOR_URL=common.collector_url(monitor),
                COLLECTOR_TOKEN_FILE=f"{pods.TOKEN_MOUNT}/{common.TOKEN_KEY}",
                GRPC_PORT=common.GRPC_PORT,
                WORKERS=monitor.spec.serving.workers,
                **({"REDACT_KEY_FILE": f"{REDACTION_MOUNT}/{REDACTION_FILE}"} if redaction else {}),
            ),
            {"name": "POD_UID", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.uid"}}},
        ],
        "ports": [
            {"name": "http", "containerPort": common.HTTP_PORT, "protocol": "TCP"},
            {"name": "grpc", "containerPort": common.GRPC_PORT, "protocol": "TCP"},
        ],
        "startupProbe": health | {"periodSeconds": 2, "failureThreshold": 150},
        "readinessProbe": health | {"periodSeconds": 2, "failureThreshold": 3},
        "livenessProbe": health | {"periodSeconds": 10, "failureThreshold": 6},
        "resources": _resources(monitor),
        "securityContext": pods.container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            mount("model", MODEL_MOUNT, read_only=True),
            mount("config", CONFIG_MOUNT, read_only=True),
            mount("token", pods.TOKEN_MOUNT, read_only=True),
            *([mount("redaction", REDACTION_MOUNT, read_only=True)] if redaction else []),
            mount("log", shipper.LOG_DIR),
            mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
        ],
    }


def _resources(monitor: DriftMonitor) -> Body:
    serving = monitor.spec.serving
    wanted = pods.resources(serving.resources, _CPU_REQUEST, "256Mi", "1Gi")
    if serving.autoscaling is not None and "cpu" not in wanted.get("limits", {}):
        # The autoscaler reckons in percent of the request, and does nothing without one. A limit stands in for it.
        wanted["requests"] = {"cpu": _CPU_REQUEST, **wanted.get("requests", {})}
    return wanted
