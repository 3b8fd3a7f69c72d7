"""`spec.checks.performance` and what becomes of it in the status: how good the predictions are, by their labels."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import Count, DurationOrZero, Share, SpecModel, StatusModel, rules
from driftmonitor_api.v1alpha1.quality import LEVEL_RULES
from driftmonitor_api.v1alpha1.results import MAX_SCORE, ViolationSeverity

Metric = Literal["accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2"]
ERROR_METRICS: tuple[Metric, ...] = ("log_loss", "mae", "rmse")
"""Metrics of which less is better."""
MAX_METRICS = 18
"""Each metric twice: measured and estimated."""
_IS_ERROR = f"self.name in {list(ERROR_METRICS)}"
_Bound = Annotated[float, Field(ge=-1_000_000, le=1_000_000)]


class Drop(SpecModel):
    """From which loss against the reference's own value on a metric is told, as a share of that value: 0.05 of an
    accuracy of 0.9 is 0.855, of an RMSE of 2 it is 2.1. Of `r2`, whose 0 means nothing, it is the difference itself."""

    model_config = {"json_schema_extra": LEVEL_RULES}

    warning: Share | None = None
    """Loss, 0 to 1, from which on it is a warning. Default: 0.02."""
    critical: Share | None = None
    """Loss, 0 to 1, from which on the performance is degraded. Default: 0.05."""


class MetricLevels(SpecModel):
    """How one metric is judged."""

    model_config = {
        "json_schema_extra": rules(
            (f"!has(self.minimum) || !({_IS_ERROR})", "of an error give maximum: less is better"),
            (f"!has(self.maximum) || {_IS_ERROR}", "maximum is for errors; of this metric give minimum"),
        )
    }

    name: Metric
    """scikit-learn's name of the metric."""
    drop: Drop | None = None
    """Loss against the reference. Default: as in `performance.drop`."""
    minimum: _Bound | None = None
    """The least that it may be, whatever it is in the reference. Default: none."""
    maximum: _Bound | None = None
    """The most that an error may be, whatever it is in the reference. Default: none."""


class Performance(SpecModel):
    """How good the predictions are: by labels that are posted to the collector, and estimated without them. ROC AUC and
    log loss of more than two classes need `logging.scores: All`."""

    label_delay: DurationOrZero = "0s"
    """How long after a prediction its label is there. So long before `checks.window` the rows lie whose labels are
    looked at: younger rows do not count as unlabelled, nor do the labels of a few of them count that came early."""
    min_labels: Annotated[int, Field(ge=20, le=1_000_000)] = 100
    """Fewer labels than this in the window, or in the reference, say nothing."""
    target_column: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Column of the reference file with what its rows turned out to be. With it the labels are compared with the
    reference's, and with `checks.prediction.column`, too, the metrics with the reference's own. Default: none, and
    with a file metrics are held against `minimum` and `maximum` alone. A `reference.window` has labels of its own."""
    positive_class: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Of two classes the one that precision, recall, F1 and ROC AUC are about. Default: the second one of
    `model.classes`, or in alphabetical order."""
    drop: Drop = Drop()
    """From which loss against the reference on a metric is told."""
    metrics: Annotated[
        list[MetricLevels],
        Field(
            max_length=9,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = []
    """The metrics that are judged; others are told. Default: all that there are of what the model predicts."""
    estimate: bool = True
    """Whether metrics are estimated for rows without a label, where the reference has predictions and labels: by
    confidence (CBPE) of classes with a score, by the loss that the features make one expect (DLE) of values."""


_Value = Annotated[float, Field(ge=-MAX_SCORE, le=MAX_SCORE)]


class MetricResult(StatusModel):
    """One metric."""

    name: Metric
    """Its name."""
    value: _Value
    """What it is in the window."""
    reference: _Value | None = None
    """What it is in the reference; none where that has no labels with predictions."""
    estimated: bool = False
    """Whether it is an estimate without labels, of the rows of `lastCheck`."""
    rows: Count
    """Rows that it is made of."""
    warning: _Value | None = None
    """Beyond this value it is a warning, with what chance may do; none where it is not judged."""
    critical: _Value | None = None
    """Beyond this value the performance is degraded, with what chance may do; none where it is not judged."""
    severity: ViolationSeverity | None = None
    """`Critical` degrades the performance. None: as it should be, or not judged."""


class PerformanceStatus(StatusModel):
    """How good the predictions were."""

    window_start: datetime | None = None
    """Begin of the window whose labels were looked at, inclusive."""
    window_end: datetime | None = None
    """End of that window, exclusive."""
    rows: Count = 0
    """Rows in it: their labels are due."""
    labels: Count = 0
    """Rows of these that have a label."""
    labelled_share: Share | None = None
    """Share of the rows that have a label, 0 to 1; none where there are no rows."""
    labels_needed: Count = 0
    """`checks.performance.minLabels`, as it was."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """What was not looked at, and why."""
    metrics: Annotated[list[MetricResult], Field(max_length=MAX_METRICS)] = []
    """The worst first."""
