"""The check: a CronJob that compares the window with the reference."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import CHECK_CONTAINER, Body
from driftmonitor_operator.resources import common, pods
from driftmonitor_operator.resources.common import child
from driftmonitor_operator.resources.pods import CREDENTIALS_MOUNT, env, mount

REFERENCE_MOUNT = "/reference"
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
    volumes = [*mounted, *credentials, pods.token_volume(monitor), pods.empty_dir("tmp")]
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
                    ),
                    _JOB_NAME,
                ],
                "resources": pods.resources(monitor.spec.checks.resources, "100m", "512Mi", "2Gi"),
                "securityContext": pods.container_security(),
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [
                    *([mount("reference", REFERENCE_MOUNT, read_only=True)] if mounted else []),
                    *([mount("credentials", CREDENTIALS_MOUNT, read_only=True)] if credentials else []),
                    mount("token", pods.TOKEN_MOUNT, read_only=True),
                    mount("tmp", "/tmp"),  # noqa: S108 - an emptyDir
                ],
            }
        ],
        volumes=volumes,
    )
