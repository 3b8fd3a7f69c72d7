"""The drift report: what one check concludes, stored beside its HTML and condensed into the object's status."""

from driftmonitor_api.base import StatusModel
from driftmonitor_api.v1alpha1 import CheckResult, ColumnResult, PerformanceStatus, ReferenceStatus, Violation
from driftmonitor_api.v1alpha1.multivariate import MultivariateResult
from driftmonitor_api.v1alpha1.segments import SegmentDisparity, SegmentResult


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
    performance: PerformanceStatus | None = None
    """How good the predictions were; none where `checks.performance` does not ask."""
    segments: list[SegmentResult] = []
    """Every segment, worst first."""
    segment_disparities: list[SegmentDisparity] = []
    """How unlike they are to each other, by column."""
    multivariate: MultivariateResult | None = None
    """The columns taken together; none where `checks.multivariate` does not ask."""
