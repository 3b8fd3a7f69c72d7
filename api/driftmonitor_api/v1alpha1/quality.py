"""`spec.checks.quality`: which faults of the data are told."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import Share, SpecModel, rules
from driftmonitor_api.v1alpha1.fields import in_order

LEVEL_RULES = rules(
    ("has(self.warning) == has(self.critical)", "set warning and critical together, or neither"),
    in_order("warning", "critical"),
)


class QualityLevels(SpecModel):
    """From which share on a fault is told."""

    model_config = {"json_schema_extra": LEVEL_RULES}

    warning: Share | None = None
    """Share, 0 to 1, from which on it is a warning, which the conditions do not count."""
    critical: Share | None = None
    """Share, 0 to 1, from which on it degrades the data quality."""


class RowCount(SpecModel):
    """How many rows a window is expected to have."""

    model_config = {"json_schema_extra": rules(in_order("minimum", "maximum"))}

    minimum: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Fewer are a violation, also where they are too few to compare. Default: any number is in order."""
    maximum: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """More are a violation; it must be less than `checks.window.maxRows`. Default: any number is in order."""


QualityCheck = Literal[
    "completeness_check",
    "missing_column_check",
    "extra_column_check",
    "data_type_check",
    "range_check",
    "infinity_check",
    "categorical_values_check",
    "vanished_categories_check",
    "constant_value_check",
    "duplicate_rows_check",
    "row_count_check",
    "outlier_share_check",
    "statistic_check",
    "training_serving_skew_check",
    "custom_check",
    "custom_failure_check",
]


CUSTOM_CHECK, CUSTOM_FAILURE = "custom_check", "custom_failure_check"
"""A finding of a check of the user's own, and one that could not be made."""
CUSTOM_DRIFT_CHECK, CUSTOM_DRIFT_FAILURE = "custom_drift_check", "custom_drift_failure_check"
"""The same of checks that tell of drift."""
DRIFT_CHECKS = (
    "baseline_drift_check",
    "mean_shift_check",
    "quantile_shift_check",
    "correlation_check",
    "target_drift_check",
    "segment_drift_check",
    "multivariate_drift_check",
    "sequential_drift_check",
    CUSTOM_DRIFT_CHECK,
    CUSTOM_DRIFT_FAILURE,
)
"""Violations that tell of drift: they go into the verdict, and are no fault of the data's quality."""


class IgnoredViolation(SpecModel):
    """Violations that are in order."""

    column: Annotated[str, Field(min_length=1, max_length=128)]
    """The column, or `(rows)` for what concerns whole rows."""
    check: QualityCheck | None = None
    """The check. Default: all of them."""


class Quality(SpecModel):
    """Which faults of the data are told, and from which share of rows on. The share that the reference has itself is
    added to the thresholds of missing and infinite values, of text and of duplicates, and small samples raise them by
    what chance may do."""

    missing: QualityLevels = QualityLevels()
    """Rows without a value. Default: 0.05 and 0.1."""
    type_mismatch: QualityLevels = QualityLevels()
    """Rows with text where there are numbers. Default: 0, which is any, and 0.01."""
    infinite: QualityLevels = QualityLevels()
    """Rows with an infinite number. Default: 0, which is any, and 0.01."""
    out_of_range: QualityLevels = QualityLevels()
    """Numbers below the reference's smallest or above its largest. Default: 0.05 and 0.1."""
    new_categories: QualityLevels = QualityLevels()
    """Values that are categories which the reference has not. Default: 0.01 and 0.05."""
    vanished_categories: QualityLevels = QualityLevels()
    """Values of the reference that are categories which the window has not. Default: 0.1 and 0.5."""
    duplicates: QualityLevels = QualityLevels()
    """Rows that are copies of an earlier row in all features. Default: 0.1 and 0.5."""
    constant: Literal["Warning", "Critical", "Ignore"] = "Warning"
    """What a column is that has one value in the window and several in the reference."""
    row_count: RowCount = RowCount()
    """Rows of the window. Default: any number is in order."""
    ignore: Annotated[list[IgnoredViolation], Field(max_length=100)] = []
    """What is no fault, such as a weekday that is the same all day."""
