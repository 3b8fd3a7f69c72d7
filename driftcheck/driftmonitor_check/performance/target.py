"""Pure: whether the labels of the window are distributed as those of the reference."""

from dataclasses import dataclass

import pyarrow as pa

from driftmonitor_api.v1alpha1 import ColumnResult, DriftMonitorSpec, FeatureType, Violation
from driftmonitor_check.cleaning import raw_column
from driftmonitor_check.columns import Column
from driftmonitor_check.comparison import compare_columns
from driftmonitor_check.methods import drift_test
from driftmonitor_check.performance.classes import alike
from driftmonitor_check.performance.rows import TARGET


@dataclass(frozen=True)
class TargetDrift:
    """What the comparison of the labels says."""

    results: tuple[ColumnResult, ...] = ()
    violations: tuple[Violation, ...] = ()
    """Of `target_drift_check`."""
    problem: str = ""
    """Why they were not compared."""


def compare_targets(
    spec: DriftMonitorSpec, window: pa.Table, reference: pa.Table, classes: bool, *, least: int
) -> TargetDrift:
    """The drift of the column `target` of two tables of answers; nothing of fewer than `least` labels on a side.

    Raises ConfigurationError for a test that does not apply to it.
    """
    type_: FeatureType = "Categorical" if classes else "Numerical"
    column = Column(TARGET, type_, drift_test(spec.checks.drift, TARGET, type_))
    sides = [
        raw_column(table, TARGET, side).drop_null() for table, side in ((window, "window"), (reference, "reference"))
    ]
    if min(map(len, sides)) < least:
        return TargetDrift()
    if classes:
        sides = alike(sides)
    tables = [pa.table({TARGET: side}) for side in sides]
    compared = compare_columns([column], tables[0], tables[1], min_values=least)
    problem = "; ".join(f"the labels were not compared: {fault.message}" for fault in compared.violations)
    return TargetDrift(
        tuple(compared.results), tuple(each for result in compared.results for each in _told(result)), problem
    )


def _told(result: ColumnResult) -> list[Violation]:
    if result.severity not in ("DriftDetected", "DriftSuspected") or result.score is None:
        return []
    critical = result.severity == "DriftDetected"
    return [
        Violation(
            column=result.name,
            check="target_drift_check",
            message=f"the labels are distributed otherwise than the reference's: {result.method} {result.score:.3g}",
            value=result.score,
            threshold=result.critical if critical else result.warning,
            severity="Critical" if critical else "Warning",
        )
    ]
