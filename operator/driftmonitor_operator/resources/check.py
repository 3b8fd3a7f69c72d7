"""The check: a CronJob that compares the window with the reference."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import CHECK_CONTAINER, Body
from driftmonitor_operator.resources import common, pods
from driftmonitor_operator.resources.common import child
from driftmonitor_operator.resources.pods import CREDENTIALS_MOUNT, env, mount

REFERENCE_MOUNT = "/reference"
SKEW_MOUNT = "/skew"
SKEW_CREDENTIALS_MOUNT = "/etc/driftmonitor-skew-credentials"
MODEL_MOUNT = "/model-source"
MODEL_CREDENTIALS_MOUNT = "/etc/driftmonitor-model-credentials"
CUSTOM_MOUNT = "/custom-checks"
MLFLOW_MOUNT = "/etc/driftmonitor-mlflow"
_JOB_NAME: Body = {
    "name": "JOB_NAME",  # the same for all tries of one scheduled run
    "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}},
}


def cron_job(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    """The CronJob; one check at a time."""
    return child(
        "CronJob",
        monitor,
        "check",
        spec={
            "schedule": monitor.spec.checks.schedule,
            "timeZone": monitor.spec.checks.time_zone,
            "suspend": monitor.spec.suspend,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 120,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": common.labels(monitor, "check")},
                "spec": {
                    "backoffLimit": 2,
                    "activeDeadlineSeconds": 600,
                    "template": {
                        "metadata": {"labels": common.labels(monitor, "check")},
                        "spec": _pod(monitor, config),
                    },
                },
            },
        },
    )


def _pod(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    reference = monitor.spec.reference
    mounted = pods.source_volumes("reference", reference.storage_uri)
    credentials = pods.credentials_volumes(reference.credentials_secret)
    training, training_keys = _training_volumes(monitor)
    model, model_keys = _model_volumes(monitor)
    code = _code(monitor)
    tracking = monitor.spec.checks.mlflow
    mlflow = pods.credentials_volumes(tracking.credentials_secret if tracking is not None else None, "mlflow")
    own = [pods.optional_config_map_volume(volume, name) for name, volume in code.items()]
    given = [*mounted, *credentials, *training, *training_keys, *model, *model_keys, *own, *mlflow]
    volumes = [*given, pods.token_volume(monitor), pods.empty_dir("tmp")]
    return pods.pod_spec(
        monitor,
        config,
        "check",
        restartPolicy="Never",
        automountServiceAccountToken=True,  # it reads its monitor and writes its status
        containers=[
            {
                "name": CHECK_CONTAINER,
                "image": config.images.check,
                "imagePullPolicy": config.images.pull_policy,
                "args": ["run"],
                "env": [
                    *env(
                        MONITOR_NAME=monitor.metadata.name,
                        MONITOR_NAMESPACE=monitor.metadata.namespace,
                        COLLECTOR_URL=common.collector_url(monitor),
                        COLLECTOR_TOKEN_FILE=f"{pods.TOKEN_MOUNT}/{common.TOKEN_KEY}",
                        REFERENCE_MOUNT=REFERENCE_MOUNT,
                        **({"REFERENCE_CREDENTIALS_DIR": CREDENTIALS_MOUNT} if credentials else {}),
                        **({"SKEW_MOUNT": SKEW_MOUNT} if training else {}),
                        **({"SKEW_CREDENTIALS_DIR": SKEW_CREDENTIALS_MOUNT} if training_keys else {}),
                        **({"MODEL_MOUNT": MODEL_MOUNT} if model else {}),
                        **({"MODEL_CREDENTIALS_DIR": MODEL_CREDENTIALS_MOUNT} if model_keys else {}),
                        **({"CUSTOM_CHECKS_DIR": CUSTOM_MOUNT} if code else {}),
                        **({"MLFLOW_CREDENTIALS_DIR": MLFLOW_MOUNT} if mlflow else {}),
                    ),
                    _JOB_NAME,
                ],
                "resources": pods.resources(monitor.spec.checks.resources, "100m", "512Mi", "2Gi"),
                "securityContext": pods.container_security(),
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [
                    *([mount("reference", REFERENCE_MOUNT, read_only=True)] if mounted else []),
                    *([mount("credentials", CREDENTIALS_MOUNT, read_only=True)] if credentials else []),
                    *([mount("skew", SKEW_MOUNT, read_only=True)] if training else []),
                    *([mount("skew-credentials", SKEW_CREDENTIALS_MOUNT, read_only=True)] if training_keys else []),
                    *([mount("model", MODEL_MOUNT, read_only=True)] if model else []),
                    *([mount("model-credentials", MODEL_CREDENTIALS_MOUNT, read_only=True)] if model_keys else []),
                    *([mount("mlflow", MLFLOW_MOUNT, read_only=True)] if mlflow else []),
                    *(mount(volume, f"{CUSTOM_MOUNT}/{name}", read_only=True) for name, volume in code.items()),
                    mount("token", pods.TOKEN_MOUNT, read_only=True),
                    mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
                ],
            }
        ],
        volumes=volumes,
    )


def _training_volumes(monitor: DriftMonitor) -> tuple[list[Body], list[Body]]:
    """The training's rows where they are mounted, and the Secret for fetching them. What is missing of either is the
    program's to name."""
    skew = monitor.spec.checks.skew
    if skew is None:
        return [], []
    return _optional("skew", skew.storage_uri), pods.credentials_volumes(skew.credentials_secret, "skew-credentials")


def _model_volumes(monitor: DriftMonitor) -> tuple[list[Body], list[Body]]:
    """The same for the model, where importances are to be found with it. The check fetches it by itself and not an init
    container before it: a model that cannot be had costs the importances, and not the verdict."""
    if monitor.spec.checks.importances is None:
        return [], []
    model = monitor.spec.model
    return _optional("model", model.storage_uri), pods.credentials_volumes(
        model.credentials_secret, "model-credentials"
    )


def _optional(name: str, uri: str) -> list[Body]:
    return [
        pods.optional_config_map_volume(name, volume["configMap"]["name"]) if "configMap" in volume else volume
        for volume in pods.source_volumes(name, uri)
    ]


def _code(monitor: DriftMonitor) -> dict[str, str]:
    """The name of the volume for each ConfigMap with code of custom checks."""
    names = {check.source_config_map for check in monitor.spec.checks.custom if check.source_config_map is not None}
    return {name: f"custom-checks-{common.digest(name)}" for name in sorted(names)}
