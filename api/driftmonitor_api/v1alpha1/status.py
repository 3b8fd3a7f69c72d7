"""`status`: what is the case. The operator writes the judgement, the check the facts."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import Count, StatusModel
from driftmonitor_api.v1alpha1.multivariate import MultivariateResult
from driftmonitor_api.v1alpha1.names import MAX_ENDED_WRITERS, MAX_HISTORY, MAX_STATUS_COLUMNS, MAX_STATUS_VIOLATIONS
from driftmonitor_api.v1alpha1.performance import PerformanceStatus
from driftmonitor_api.v1alpha1.results import (
    CheckResult,
    ColumnResult,
    Condition,
    EndedWriter,
    Endpoints,
    HistoryEntry,
    ModelStatus,
    ReferenceStatus,
    Violation,
)
from driftmonitor_api.v1alpha1.segments import (
    MAX_DISPARITIES,
    MAX_STATUS_SEGMENTS,
    SegmentDisparity,
    SegmentResult,
)


class DriftMonitorStatus(StatusModel):
    """What is the case. The operator writes the judgement, the check the facts."""

    observed_generation: Count | None = None
    """The generation of the spec that the operator has applied."""
    conditions: Annotated[
        list[Condition],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = []
    """Written by the operator."""
    drift: Annotated[str, Field(max_length=16)] | None = None
    """`Stable`, `Warning`, `Drifted` or `Unknown`: the DriftDetected condition in a word. Written by the operator."""
    last_drift_time: datetime | None = None
    """When a check last found drift that counted, by `checks.policy`, in this model with this reference. Written by the
    operator."""
    endpoints: Endpoints | None = None
    """Written by the operator."""
    model: ModelStatus | None = None
    """Written by the operator."""
    ended_writers: Annotated[list[EndedWriter], Field(max_length=MAX_ENDED_WRITERS)] | None = None
    """Of pods that ended before the collector had confirmed all of their rows; the last ones. The next check tells the
    collector, so that what never came is missing in its coverage. Written by the operator."""
    last_check: CheckResult | None = None
    """Written by the check."""
    reference: ReferenceStatus | None = None
    """Written by the check."""
    columns: Annotated[list[ColumnResult], Field(max_length=MAX_STATUS_COLUMNS)] | None = None
    """The worst columns of the last check. Written by the check."""
    violations: Annotated[list[Violation], Field(max_length=MAX_STATUS_VIOLATIONS)] | None = None
    """Faults of the data that the last check found, critical ones first. Written by the check."""
    segments: Annotated[list[SegmentResult], Field(max_length=MAX_STATUS_SEGMENTS)] | None = None
    """The worst segments of the last check, where `checks.segments` asks for them. Written by the check."""
    segment_disparities: Annotated[list[SegmentDisparity], Field(max_length=MAX_DISPARITIES)] | None = None
    """How unlike these segments are to each other, by column and metric. Written by the check."""
    performance: PerformanceStatus | None = None
    """How good the predictions were, as far as `checks.performance` asks. Written by the check."""
    multivariate: MultivariateResult | None = None
    """The columns of the last check taken together, where `checks.multivariate` asks for it. Written by the check."""
    history: Annotated[list[HistoryEntry], Field(max_length=MAX_HISTORY)] | None = None
    """The last verdicts, newest first. Written by the check."""
