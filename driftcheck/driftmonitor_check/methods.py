"""Pure: the drift test of each column, its thresholds, and what a score says against them."""

import math
from dataclasses import dataclass

from driftmonitor_api.v1alpha1 import (
    P_VALUE_METHODS,
    CategoricalTest,
    ColumnTest,
    Drift,
    FeatureType,
    Method,
    NumericalTest,
    Severity,
)

DEFAULT_THRESHOLDS: dict[Method, tuple[float, float]] = {
    "psi": (0.1, 0.2),
    "wasserstein": (0.1, 0.2),
    "jensenshannon": (0.1, 0.2),
    "ks": (0.05, 0.01),
    "chisquare": (0.05, 0.01),
}
"""Warning and critical threshold by method, as the API documents them."""

APPLICABLE: dict[FeatureType, tuple[Method, ...]] = {
    "Numerical": ("psi", "ks", "wasserstein", "jensenshannon"),
    "Categorical": ("psi", "chisquare", "jensenshannon"),
}
"""The methods that Evidently has for each type of column."""


class ConfigurationError(Exception):
    """The object asks for what cannot be; the message names the field and the fix."""


@dataclass(frozen=True)
class DriftTest:
    """A method with the scores from which drift is suspected and detected."""

    method: Method
    warning: float
    critical: float

    @property
    def inverted(self) -> bool:
        """Whether the score is a p-value: the smaller, the more drift."""
        return self.method in P_VALUE_METHODS

    def severity(self, score: float) -> Severity:
        """What the score says. A score that is not finite says nothing: never "no drift"."""
        if not math.isfinite(score):
            return "NotChecked"
        if self.reached(score, self.critical):
            return "DriftDetected"
        return "DriftSuspected" if self.reached(score, self.warning) else "NoDrift"

    def reached(self, score: float, threshold: float) -> bool:
        """Whether a score is at the threshold or beyond.

        With Evidently's own bounds, so that its report and the verdict agree on a score equal to its threshold.
        """
        match self.method:
            case "chisquare":
                return score < threshold
            case "ks":
                return score <= threshold
            case _:
                return score >= threshold


def drift_test(drift: Drift, name: str, type_: FeatureType) -> DriftTest:
    """The test of one column; ConfigurationError if its method has no meaning for the type or its thresholds none."""
    own = drift.columns.get(name)
    field = f"spec.checks.drift.columns.{name}" if own else f"spec.checks.drift.{type_.lower()}"
    test = own or (drift.numerical if type_ == "Numerical" else drift.categorical)
    if test.method not in APPLICABLE[type_]:
        raise ConfigurationError(
            f"{field}.method: {test.method} does not apply to {name}, which is {type_}; "
            f"use one of {', '.join(APPLICABLE[type_])}"
        )
    return _with_thresholds(test, field)


def _with_thresholds(test: NumericalTest | CategoricalTest | ColumnTest, field: str) -> DriftTest:
    """The rules here are the CRD's, for a file that no apiserver has admitted."""
    if (test.warning is None) != (test.critical is None):
        raise ConfigurationError(f"{field}: set warning and critical together, or neither")
    warning, critical = DEFAULT_THRESHOLDS[test.method]
    if test.warning is not None and test.critical is not None:
        warning, critical = test.warning, test.critical
    chosen = DriftTest(test.method, warning, critical)
    if chosen.inverted and max(warning, critical) > 1:
        raise ConfigurationError(f"{field}: the thresholds of {test.method} are p-values: at most 1")
    if warning < critical if chosen.inverted else warning > critical:
        raise ConfigurationError(
            f"{field}: warning {warning:g} must be reached before critical {critical:g}: for {test.method} "
            f"warning {'>=' if chosen.inverted else '<='} critical"
        )
    return chosen
