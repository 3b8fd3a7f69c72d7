"""PodDisruptionBudgets: a drained node must not take all pods of a program at once."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import Component, child, selector


def disruption_budgets(monitor: DriftMonitor) -> list[Body]:
    """None for a single pod: it would protect nothing."""
    validation = monitor.spec.checks.validation
    replicas: list[tuple[Component, int]] = [
        ("inference", monitor.spec.serving.least_replicas),
        ("collector", monitor.spec.collector.replicas),
        ("validation", validation.replicas if validation is not None else 0),
    ]
    return [_budget(monitor, component) for component, number in replicas if number > 1]


def _budget(monitor: DriftMonitor, component: Component) -> Body:
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector(monitor, component)},
        # A pod that is not ready serves nobody, and must not keep a node from being drained.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return child("PodDisruptionBudget", monitor, component, spec=spec)
