"""Pure: how much the drift of each column matters: its importance for the model by how far it has moved."""

import math
from collections.abc import Collection, Mapping, Sequence

from driftmonitor_api.v1alpha1 import P_VALUE_METHODS, ColumnResult, DriftMonitorSpec
from driftmonitor_check.methods import SIGNIFICANCE, ConfigurationError
from driftmonitor_check.verdict import listed

MOST = 10.0
"""The largest drift that counts, in units of its critical threshold."""
_SMALLEST = 1e-300  # p-values underflow to 0


def verify(spec: DriftMonitorSpec, features: Collection[str]) -> None:
    """Whether the importances are of features and say something. Raises ConfigurationError."""
    given = spec.model.importances
    if given and spec.checks.importances is not None:
        raise ConfigurationError("spec.checks.importances: spec.model.importances gives them; set one of the two")
    if unknown := [name for name in given if features and name not in features]:
        raise ConfigurationError(f"spec.model.importances.{unknown[0]}: the model has no such feature")
    if given and not any(value > 0 for value in given.values()):
        raise ConfigurationError("spec.model.importances: all are 0, which weighs nothing; give one above 0")


def with_impact(results: Sequence[ColumnResult], importances: Mapping[str, float]) -> list[ColumnResult]:
    """The results with their share of all importance, and that share by their drift; the order stays."""
    total = sum(importances.values())
    if total <= 0:
        return list(results)
    weighed = []
    for result in results:
        given, moved = importances.get(result.name), drift(result)
        if given is not None:
            share = given / total
            impact = None if moved is None else share * moved
            result = result.model_copy(update={"importance": share, "impact": impact})
        weighed.append(result)
    return weighed


def drift(result: ColumnResult) -> float | None:
    """How far a column has moved, in units of its critical threshold, 0 to MOST; None where that is not known.

    Of a p-value it is the ratio of the logarithms, so that twice as many rows count about twice. It is 0 where the
    difference is no more than chance, or smaller than `minEffect`.
    """
    score = result.score if result.adjusted_score is None else result.adjusted_score
    if result.severity == "NotChecked" or score is None:
        return None
    small = result.effect is not None and result.min_effect is not None and result.effect < result.min_effect
    if small or (result.p_value is not None and result.p_value > SIGNIFICANCE):
        return 0.0
    if result.method in P_VALUE_METHODS:
        if not 0 < result.critical < 1:
            return MOST if score <= result.critical else 0.0
        return min(MOST, math.log(max(score, _SMALLEST)) / math.log(result.critical))
    return min(MOST, score / result.critical) if result.critical else MOST


def told(results: Sequence[ColumnResult]) -> str:
    """The drifted columns by their impact, as a sentence; empty where there are none, or no importances."""
    moved = [
        (result.impact, result.name)
        for result in results
        if result.impact is not None and result.severity in ("DriftDetected", "DriftSuspected")
    ]
    if not moved:
        return ""
    moved.sort(key=lambda each: (-each[0], each[1]))
    return f"By impact: {listed([f'{name} ({impact:.2g})' for impact, name in moved])}."
