"""Pure: from which value on a metric is told, and what a value says against that.

A drop counts only beyond what chance does to samples of this size: DEVIATIONS standard errors of the difference of two
samples of the same rows, all of both sides together, and the influence of the wildest row. Both come from the metric's
influence function. Of a mean over classes it counts beyond what rare classes do to it, too: the mean jumps where none
of their rows comes, or one that is wrong, as a misspelt label is. A floor counts as a warning as it is, and is critical
where the value lies below it by more than FLOOR_DEVIATIONS standard errors.
"""

import math
from dataclasses import dataclass

import numpy as np

from driftmonitor_api.v1alpha1 import ERROR_METRICS, DriftMonitorSpec, Metric, Performance, ViolationSeverity
from driftmonitor_api.v1alpha1.performance import Drop
from driftmonitor_check.methods import ConfigurationError
from driftmonitor_check.performance.metrics import Measured
from driftmonitor_check.quality.chance import DEVIATIONS

DEFAULT_DROP = (0.02, 0.05)
"""Warning and critical loss, as the API documents them."""
LEAST_OF_CLASS = 10
"""Rows that must be expected of a class for its part of a mean to be told from chance."""
FLOOR_DEVIATIONS = 2.0
"""Standard errors, one-sided: a model that is just as good as its floor is critical in one of forty checks."""


@dataclass(frozen=True)
class Thresholds:
    """The values beyond which a metric is told; None where nothing says."""

    warning: float | None = None
    critical: float | None = None
    error: bool = False
    """Whether less is better."""

    def severity(self, value: float) -> ViolationSeverity | None:
        """What a value says."""
        if self.critical is not None and self._beyond(value, self.critical):
            return "Critical"
        return "Warning" if self.warning is not None and self._beyond(value, self.warning) else None

    def _beyond(self, value: float, threshold: float) -> bool:
        return value > threshold if self.error else value < threshold


def judged(asked: Performance, metric: Metric) -> bool:
    """Whether the object has this metric judged."""
    return not asked.metrics or any(levels.name == metric for levels in asked.metrics)


def thresholds(
    asked: Performance, metric: Metric, *, reference: float | None, noise: float, standard_error: float
) -> Thresholds:
    """The thresholds of one metric.

    `noise` is what chance may do to its difference from the reference, `standard_error` that of its value alone.
    """
    if not judged(asked, metric):
        return Thresholds()
    own = next((levels for levels in asked.metrics if levels.name == metric), None)
    error = metric in ERROR_METRICS
    worse = 1.0 if error else -1.0
    warning: list[float] = []
    critical: list[float] = []
    if reference is not None:
        scale = 1.0 if metric == "r2" else abs(reference)
        for found, loss in zip((warning, critical), _drop(own.drop if own and own.drop else asked.drop), strict=True):
            found.append(reference + worse * max(loss * scale, noise))
    bound = None if own is None else (own.maximum if error else own.minimum)
    if bound is not None:
        warning.append(bound)
        critical.append(bound + worse * FLOOR_DEVIATIONS * standard_error)
    nearest = min if error else max
    return Thresholds(nearest(warning, default=None), nearest(critical, default=None), error)


def noise(pooled: Measured, reference_rows: int, window_rows: int) -> float:
    """How far a metric of the window may differ from the reference's by chance; `pooled` is that of rows of both."""
    deviation = float(pooled.influence.std())
    wildest = float(np.abs(pooled.influence).max(initial=0.0))
    fewest = min(reference_rows, window_rows)
    jumps = sum(jump for share, jump in pooled.jumps if share * fewest < LEAST_OF_CLASS)
    return DEVIATIONS * deviation * math.sqrt(1 / reference_rows + 1 / window_rows) + wildest / window_rows + jumps


def standard_error(measured: Measured, rows: int) -> float:
    """Of the metric of so many rows like these."""
    return float(measured.influence.std()) / math.sqrt(rows)


def verify(spec: DriftMonitorSpec) -> None:
    """The CRD's rules, for a file that no apiserver has admitted. Raises ConfigurationError."""
    asked, field = spec.checks.performance, "spec.checks.performance"
    if asked is None:
        return
    _verify(asked.drop, f"{field}.drop")
    names = [levels.name for levels in asked.metrics]
    for place, levels in enumerate(asked.metrics):
        where = f"{field}.metrics[{place}]"
        if names.index(levels.name) != place:
            raise ConfigurationError(f"{where}.name: {levels.name} is there twice; remove one")
        if levels.drop is not None:
            _verify(levels.drop, f"{where}.drop")
        if levels.minimum is not None and levels.name in ERROR_METRICS:
            raise ConfigurationError(f"{where}.minimum: less {levels.name} is better; give maximum instead")
        if levels.maximum is not None and levels.name not in ERROR_METRICS:
            raise ConfigurationError(f"{where}.maximum: more {levels.name} is better; give minimum instead")


def _verify(drop: Drop, field: str) -> None:
    if (drop.warning is None) != (drop.critical is None):
        raise ConfigurationError(f"{field}: set warning and critical together, or neither")
    if drop.warning is not None and drop.critical is not None and drop.warning > drop.critical:
        both = f"warning {drop.warning:g} must not be more than critical {drop.critical:g}"
        raise ConfigurationError(f"{field}: {both}")


def _drop(chosen: Drop) -> tuple[float, float]:
    if chosen.warning is None or chosen.critical is None:
        return DEFAULT_DROP
    return chosen.warning, chosen.critical
