"""The HorizontalPodAutoscaler, where one is asked for."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.kinds import BY_NAME, SERVER_CONTAINER, Body
from driftmonitor_operator.resources.common import child, child_name


def autoscaler(monitor: DriftMonitor) -> list[Body]:
    """It steers by the server's processor use alone: the shipper beside it has little to do with the load."""
    wanted = monitor.spec.serving.autoscaling
    if wanted is None:
        return []
    use = {"type": "Utilization", "averageUtilization": wanted.target_cpu_utilization_percent}
    spec = {
        "scaleTargetRef": {
            "apiVersion": BY_NAME["Deployment"].api_version,
            "kind": "Deployment",
            "name": child_name(monitor, "inference"),
        },
        "minReplicas": wanted.min_replicas,
        "maxReplicas": wanted.max_replicas,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {"name": "cpu", "container": SERVER_CONTAINER, "target": use},
            }
        ],
    }
    return [child("HorizontalPodAutoscaler", monitor, "inference", spec=spec)]
