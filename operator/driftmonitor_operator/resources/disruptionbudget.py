"""The PodDisruptionBudget: a drained node must not take all inference pods at once."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import child, selector


def disruption_budget(monitor: DriftMonitor) -> list[Body]:
    """None for a single pod: it would protect nothing."""
    if monitor.spec.serving.least_replicas < 2:
        return []
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector(monitor, "inference")},
        # A pod that is not ready serves nobody, and must not keep a node from being drained.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return [child("PodDisruptionBudget", monitor, "inference", spec=spec)]
