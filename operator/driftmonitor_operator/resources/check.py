"""The check: a CronJob that compares the window with the reference."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import CHECK_CONTAINER, Body
from driftmonitor_operator.resources import common
from driftmonitor_operator.resources.common import child, child_name, env, mount

REFERENCE_MOUNT = "/reference"


def cron_job(monitor: DriftMonitor, config: OperatorConfig) -> Body:
    """The CronJob; one check at a time."""
    return child(
        "CronJob",
        monitor,
        "check",
        spec={
            "schedule": monitor.spec.checks.schedule,
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
    volumes = common.source_volumes("reference", monitor.spec.reference.storage_uri)
    return {
        "restartPolicy": "Never",
        "serviceAccountName": child_name(monitor, "check"),
        "automountServiceAccountToken": True,  # it reads its monitor and writes its status
        "enableServiceLinks": False,
        "securityContext": common.pod_security(),
        "containers": [
            {
                "name": CHECK_CONTAINER,
                "image": config.images.check,
                "imagePullPolicy": config.images.pull_policy,
                "args": ["run"],
                "env": env(
                    MONITOR_NAME=monitor.metadata.name,
                    MONITOR_NAMESPACE=monitor.metadata.namespace,
                    COLLECTOR_URL=common.collector_url(monitor),
                    COLLECTOR_TOKEN_FILE=f"{common.TOKEN_MOUNT}/{common.TOKEN_KEY}",
                    REFERENCE_MOUNT=REFERENCE_MOUNT,
                ),
                "resources": common.resources(monitor.spec.checks.resources, "100m", "512Mi", "2Gi"),
                "securityContext": common.container_security(),
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [
                    *([mount("reference", REFERENCE_MOUNT, read_only=True)] if volumes else []),
                    mount("token", common.TOKEN_MOUNT, read_only=True),
                    mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
                ],
            }
        ],
        "volumes": [*volumes, common.token_volume(monitor), common.empty_dir("tmp")],
    }
