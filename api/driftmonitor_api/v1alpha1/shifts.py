"""`spec.checks.prediction`, `outliers` and `shifts`: what is looked at beside the columns."""

from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import SpecModel
from driftmonitor_api.v1alpha1.methods import Threshold
from driftmonitor_api.v1alpha1.quality import LEVEL_RULES


class PredictionDrift(SpecModel):
    """What the predictions of the window are compared with: those of a `reference.window`, or a column of a reference
    file. They go into the verdict beside the features: drift of one of them is drift."""

    column: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Column of the reference file with the classes or the values that the model predicts for its rows. Default: none,
    and predictions are not compared with a file."""
    score_column: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Column of the reference file with the probability of the class that the model predicts. Default: none. The
    probability of the class `a` is in the column of this name with `_a` behind it, where `checks.performance` is to
    tell ROC AUC and log loss of more than two classes."""
    ignore: bool = False
    """Whether predictions are not compared at all."""


class Outliers(SpecModel):
    """What is told of rows that `model.outlierDetector` flags."""

    max_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the rows that are outliers, 0 to 1, from which on the data quality is degraded."""


class ShiftLevels(SpecModel):
    """From which value on a shift is told."""

    model_config = {"json_schema_extra": LEVEL_RULES}

    warning: Threshold | None = None
    """Value from which on drift is suspected."""
    critical: Threshold | None = None
    """Value from which on there is drift."""


class Shifts(SpecModel):
    """Shifts of single properties, looked for beside `checks.drift` where they are named here. They go into the
    verdict: one critical shift is drift. Small samples raise the thresholds by what chance may do."""

    mean: ShiftLevels | None = None
    """Shift of a numerical column's mean, by the reference's mean or, where that is larger, its standard deviation.
    Default: not looked for; of `{}`: 0.05 and 0.1."""
    quantiles: ShiftLevels | None = None
    """Shift of a numerical column's median or 95 % quantile, by the distance from the reference's 5 % to its 95 %
    quantile. Default: not looked for; of `{}`: 0.1 and 0.2."""
    correlation: ShiftLevels | None = None
    """Change of the rank correlation (Spearman) of two numerical columns. Default: not looked for; of `{}`: 0.2 and
    0.4."""
