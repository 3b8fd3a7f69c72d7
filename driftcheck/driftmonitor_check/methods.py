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
    "psi_quantile": (0.05, 0.1),
    "psi": (0.1, 0.2),
    "jensenshannon": (0.1, 0.2),
    "kl_div": (0.1, 0.2),
    "hellinger": (0.1, 0.2),
    "wasserstein": (0.1, 0.2),
    "ks_statistic": (0.1, 0.2),
    "linfinity": (0.03, 0.05),
    "domain_classifier": (0.55, 0.6),
    **dict.fromkeys(P_VALUE_METHODS, (0.05, 0.01)),
}
"""Warning and critical threshold by method, as the API documents them; docs/drift.md has their sources."""

DEFAULT_MIN_EFFECT: dict[Method, float] = {method: 0.2 if method == "t_test" else 0.1 for method in P_VALUE_METHODS}
"""The smallest effect that counts, beside a p-value."""

_OF_NUMBERS: tuple[Method, ...] = (
    "psi_quantile", "psi", "jensenshannon", "kl_div", "hellinger", "wasserstein", "ks_statistic",
    "ks", "cramer_von_mises", "anderson", "t_test", "chi2_contingency",
)  # fmt: skip
_OF_CATEGORIES: tuple[Method, ...] = (
    "linfinity", "psi", "jensenshannon", "kl_div", "hellinger",
    "chi2_contingency", "chisquare", "z", "fisher_exact", "TVD",
)  # fmt: skip
APPLICABLE: dict[FeatureType, tuple[Method, ...]] = {
    "Numerical": _OF_NUMBERS,
    "Categorical": _OF_CATEGORIES,
    "Boolean": _OF_CATEGORIES,
    "Datetime": _OF_NUMBERS,
    "Text": ("domain_classifier",),
    "Embedding": ("domain_classifier",),
}
"""The methods for each type of column."""

BEYOND_CHANCE: tuple[Method, ...] = ("psi_quantile", "linfinity", "domain_classifier")
"""Distances that say drift only where they are larger than chance explains."""
SIGNIFICANCE = 0.0002
"""The probability of a distance by chance from which on it counts as beyond it: with 50 undrifted columns one window of
a hundred has one."""

_REACHED_BELOW: tuple[Method, ...] = ("ks", "cramer_von_mises")
"""p-values that reach a threshold when they equal it: Evidently's bounds, so that its report and the verdict agree."""


class ConfigurationError(Exception):
    """The object asks for what cannot be; the message names the field and the fix."""


@dataclass(frozen=True)
class Score:
    """What a method says of one column."""

    value: float
    """A distance or a p-value. May be NaN."""
    effect: float | None = None
    """Beside a p-value: how large the difference is, whatever the number of rows."""
    p_value: float | None = None
    """Beside a distance of BEYOND_CHANCE: how likely one as large is by chance."""


@dataclass(frozen=True)
class DriftTest:
    """A method with the scores from which drift is suspected and detected."""

    method: Method
    warning: float
    critical: float
    min_effect: float = 0.0
    """Beside a p-value: the effect below which there is no drift."""

    @property
    def inverted(self) -> bool:
        """Whether the score is a p-value: the smaller, the more drift."""
        return self.method in P_VALUE_METHODS

    def severity(self, score: float, *, effect: float | None = None, p_value: float | None = None) -> Severity:
        """What the score says. One that is not finite, or has nothing beside it that is a number, is no "no drift"."""
        if not math.isfinite(score) or any(value is not None and math.isnan(value) for value in (effect, p_value)):
            return "NotChecked"
        if not self.matters(effect, p_value):
            return "NoDrift"
        if self.reached(score, self.critical):
            return "DriftDetected"
        return "DriftSuspected" if self.reached(score, self.warning) else "NoDrift"

    def matters(self, effect: float | None, p_value: float | None) -> bool:
        """Whether the difference is large enough (beside a p-value), or more than chance (beside a distance)."""
        return (effect is None or effect >= self.min_effect) and (p_value is None or p_value <= SIGNIFICANCE)

    def reached(self, score: float, threshold: float) -> bool:
        """Whether a score is at the threshold or beyond."""
        if not self.inverted:
            return score >= threshold
        return score <= threshold if self.method in _REACHED_BELOW else score < threshold


def drift_test(drift: Drift, name: str, type_: FeatureType) -> DriftTest:
    """The test of one column; ConfigurationError if its method has no meaning for the type or its thresholds none."""
    own = drift.columns.get(name)
    test: NumericalTest | CategoricalTest | ColumnTest
    if own:
        field, test = f"spec.checks.drift.columns.{name}", own
    elif type_ in ("Numerical", "Datetime"):
        field, test = "spec.checks.drift.numerical", drift.numerical
    elif type_ in ("Categorical", "Boolean"):
        field, test = "spec.checks.drift.categorical", drift.categorical
    else:
        field, test = "spec.checks.drift", ColumnTest(method="domain_classifier")
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
    chosen = DriftTest(test.method, warning, critical, _min_effect(test, field))
    if chosen.inverted and max(warning, critical) > 1:
        raise ConfigurationError(f"{field}: the thresholds of {test.method} are p-values: at most 1")
    if warning < critical if chosen.inverted else warning > critical:
        raise ConfigurationError(
            f"{field}: warning {warning:g} must be reached before critical {critical:g}: for {test.method} "
            f"warning {'>=' if chosen.inverted else '<='} critical"
        )
    return chosen


def _min_effect(test: NumericalTest | CategoricalTest | ColumnTest, field: str) -> float:
    if test.method in P_VALUE_METHODS:
        return DEFAULT_MIN_EFFECT[test.method] if test.min_effect is None else test.min_effect
    if test.min_effect is not None:
        raise ConfigurationError(f"{field}: minEffect is for p-values; {test.method} is a distance, an effect itself")
    return 0.0
