"""Pure: from which share on a fault is a warning or critical, and what a share says against that."""

from dataclasses import dataclass
from typing import Literal

from pydantic.alias_generators import to_camel

from driftmonitor_api.v1alpha1 import MAX_SCORE, DriftMonitorSpec, QualityLevels, ShiftLevels, ViolationSeverity
from driftmonitor_api.v1alpha1.multivariate import Multivariate
from driftmonitor_api.v1alpha1.sequential import Sequential
from driftmonitor_check.methods import ConfigurationError

Kind = Literal[
    "missing", "type_mismatch", "infinite", "out_of_range", "new_categories", "vanished_categories", "duplicates"
]
DEFAULT_LEVELS: dict[Kind, tuple[float, float]] = {
    "missing": (0.05, 0.1),
    "type_mismatch": (0.0, 0.01),
    "infinite": (0.0, 0.01),
    "out_of_range": (0.05, 0.1),
    "new_categories": (0.01, 0.05),
    "vanished_categories": (0.1, 0.5),
    "duplicates": (0.1, 0.5),
}
"""Warning and critical share by kind of fault, as the API documents them."""


@dataclass(frozen=True)
class Finding:
    """One fault, not yet of a column."""

    check: str
    value: float
    threshold: float
    severity: ViolationSeverity
    message: str

    @property
    def bounded(self) -> tuple[float, float]:
        """Value and threshold within the API's bounds."""
        return min(max(self.value, 0.0), MAX_SCORE), min(self.threshold, MAX_SCORE)


def levels(chosen: QualityLevels, kind: Kind) -> tuple[float, float]:
    """Warning and critical share: the object's, else the default."""
    if chosen.warning is None or chosen.critical is None:
        return DEFAULT_LEVELS[kind]
    return chosen.warning, chosen.critical


def verify(spec: DriftMonitorSpec) -> None:
    """The CRD's rules, for a file that no apiserver has admitted, and those over fields. Raises ConfigurationError."""
    quality, field = spec.checks.quality, "spec.checks.quality"
    for kind in DEFAULT_LEVELS:
        _verify(getattr(quality, kind), f"{field}.{to_camel(kind)}")
    for name in ("mean", "quantiles", "correlation"):
        shift: ShiftLevels | None = getattr(spec.checks.shifts, name)
        if shift is not None:
            _verify(shift, f"spec.checks.shifts.{name}")
    for name, chosen in (("multivariate", spec.checks.multivariate), ("sequential", spec.checks.sequential)):
        if chosen is not None:
            _verify(chosen, f"spec.checks.{name}")
    minimum, maximum = quality.row_count.minimum, quality.row_count.maximum
    most = spec.checks.window.max_rows
    if minimum is not None and minimum > min(most, maximum or most):
        raise ConfigurationError(
            f"{field}.rowCount.minimum: {minimum} rows can never be seen, because "
            f"{'rowCount.maximum' if maximum and maximum < minimum else 'checks.window.maxRows'} is less; lower it"
        )
    if maximum is not None and maximum >= most:
        raise ConfigurationError(
            f"{field}.rowCount.maximum: more than {maximum} rows are never seen, because checks.window.maxRows is"
            f" {most}; lower it, or raise maxRows"
        )


def _verify(chosen: QualityLevels | ShiftLevels | Multivariate | Sequential, field: str) -> None:
    if (chosen.warning is None) != (chosen.critical is None):
        raise ConfigurationError(f"{field}: set warning and critical together, or neither")
    if chosen.warning is not None and chosen.critical is not None and chosen.warning > chosen.critical:
        both = f"warning {chosen.warning:g} must not be more than critical {chosen.critical:g}"
        raise ConfigurationError(f"{field}: {both}")


def judged(
    value: float, bounds: tuple[float, float], *, usual: float = 0.0, chance: float = 0.0, most: float = 1.0
) -> tuple[ViolationSeverity, float] | None:
    """What a share says, with the threshold that it reached; None where it is in order.

    Both bounds lie above what is `usual`, by no less than what `chance` may add to it: where that is beyond 1, no share
    says anything. A share of 0 is in order. `most` is what a value can be at all.
    """
    warning, critical = (max(min(most, usual + bound), usual + chance) for bound in bounds)
    if value <= usual:
        return None
    if value >= critical:
        return "Critical", critical
    return ("Warning", warning) if value >= warning else None
