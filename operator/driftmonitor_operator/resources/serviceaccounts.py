"""One ServiceAccount for each program, so that each has its own rights; only the check mounts its token."""

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import child, components


def service_accounts(monitor: DriftMonitor) -> list[Body]:
    """The accounts; pods that need the token say so themselves."""
    return [
        child("ServiceAccount", monitor, component, automountServiceAccountToken=False)
        for component in components(monitor)
    ]
