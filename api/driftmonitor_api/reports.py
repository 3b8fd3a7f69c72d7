"""The drift report: what one check concludes, stored beside its HTML and condensed into the object's status."""

from driftmonitor_api.base import StatusModel
from driftmonitor_api.v1alpha1 import CheckResult, ColumnResult, ReferenceStatus, Violation


class DriftReport(StatusModel):
    """One check, whole: every column, where the status holds the worst ones only."""

    monitor: str
    """`namespace/name` of the DriftMonitor."""
    check: CheckResult
    """The verdict and what it stands on."""
    reference: ReferenceStatus | None = None
    """What the window was compared with; none where it could not be read."""
    columns: list[ColumnResult] = []
    """Every column checked, worst first."""
    violations: list[Violation] = []
    """Every fault of the data, critical ones first."""
