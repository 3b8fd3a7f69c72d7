"""`spec.checks.segments`: parts of the rows that are compared on their own, and what was found in each."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import Count, Share, SpecModel, StatusModel, rules
from driftmonitor_api.v1alpha1.fields import FeatureName
from driftmonitor_api.v1alpha1.performance import Metric
from driftmonitor_api.v1alpha1.results import Score

MAX_SEGMENT_COLUMNS = 5
MAX_SEGMENT_VALUES = 20
MAX_STATUS_SEGMENTS = 20
"""The worst ones; the DriftReport has all."""
DEFAULT_SEGMENT_VALUES = 10
MAX_DISPARITIES = 7 * MAX_SEGMENT_COLUMNS
"""Of each column the drift shares, and the six metrics of a classifier."""


class Segments(SpecModel):
    """The rows with each value of a column, compared with the reference's rows of the same value."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.values) || !has(self.maxValues)",
                "set values, which names the segments, or maxValues, which takes the commonest; not both",
            ),
        )
    }

    column: FeatureName
    """The feature. Its missing values are no segment."""
    values: (
        Annotated[
            list[Annotated[str, Field(max_length=128)]],
            Field(min_length=1, max_length=MAX_SEGMENT_VALUES, json_schema_extra={"x-kubernetes-list-type": "set"}),
        ]
        | None
    ) = None
    """Its values that are segments, numbers as text. Default: the commonest of window and reference."""
    max_values: Annotated[int, Field(ge=1, le=MAX_SEGMENT_VALUES)] | None = None
    """How many of the commonest values are segments. Default: 10."""
    min_rows: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Fewer rows of a segment, in the window or in the reference, is `InsufficientData` for it, never "no drift".
    Default: `checks.window.minRows`."""


SegmentVerdict = Literal["NoDrift", "DriftSuspected", "DriftDetected", "InsufficientData", "CheckFailed"]


class SegmentResult(StatusModel):
    """The rows with one value of a column, compared."""

    column: Annotated[str, Field(max_length=128)]
    """The feature that makes the segment."""
    value: Annotated[str, Field(max_length=128)]
    """Its value in these rows."""
    rows: Count
    """Rows of the window with it."""
    reference_rows: Count
    """Rows of the reference with it."""
    verdict: SegmentVerdict
    """As `lastCheck.verdict`, of these rows alone."""
    drift_share: Share | None = None
    """Share of the columns that drifted in it, 0 to 1."""
    drifted: Annotated[str, Field(max_length=32)] = ""
    """Columns drifted of columns checked, such as `3/12`."""
    message: Annotated[str, Field(max_length=512)] = ""
    """Which columns, and how far."""


class SegmentDisparity(StatusModel):
    """How unlike the segments of one column are to each other."""

    column: Annotated[str, Field(max_length=128)]
    """The feature that makes the segments."""
    metric: Literal["driftShare", Metric] = "driftShare"
    """What is compared: the share of the columns that drifted, or a metric of `status.performance`, by labels."""
    value: Score
    """The largest less the smallest, of the segments that have a verdict; of a metric, of those with
    `checks.performance.minLabels` labels."""
    standard_error: Score | None = None
    """Of a metric's difference of these two segments. The largest of many is larger by chance alone."""
    highest: Annotated[str, Field(max_length=128)]
    """The segment with the largest."""
    lowest: Annotated[str, Field(max_length=128)]
    """The segment with the smallest."""
