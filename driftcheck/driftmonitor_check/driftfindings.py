"""Pure: the violations that tell of drift beside the columns' tests: of predictions, means, quantiles, correlations."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from driftmonitor_api.v1alpha1 import ColumnResult, Shifts, Violation
from driftmonitor_check.cleaning import ColumnFaultError, numbers, raw_column
from driftmonitor_check.columns import Column
from driftmonitor_check.quality import shifts
from driftmonitor_check.quality.assessment import violation


def of_predictions(results: Sequence[ColumnResult]) -> Iterator[Violation]:
    """The compared predictions that drifted."""
    for result in results:
        if result.severity not in ("DriftDetected", "DriftSuspected") or result.score is None:
            continue
        critical = result.severity == "DriftDetected"
        value = result.score if result.adjusted_score is None else result.adjusted_score
        yield Violation(
            column=result.name,
            check="baseline_drift_check",
            message=f"the predictions differ from the reference's: {result.method} {value:.3g}",
            value=value,
            threshold=result.critical if critical else result.warning,
            severity="Critical" if critical else "Warning",
        )


def of_shifts(columns: Sequence[Column], window: pa.Table, reference: pa.Table, asked: Shifts) -> Iterator[Violation]:
    """What has moved in the numerical columns, of what is asked for."""
    if asked.mean is None and asked.quantiles is None and asked.correlation is None:
        return
    sides = {column.name: _both(column.name, window, reference) for column in columns if column.type == "Numerical"}
    known = {name: both for name, both in sides.items() if both is not None}
    for name, (before, after) in known.items():
        if asked.mean is not None:
            for found in shifts.mean(before, after, shifts.levels(asked.mean, shifts.DEFAULT_MEAN)):
                yield violation(name, found)
        if asked.quantiles is not None:
            for found in shifts.quantiles(before, after, shifts.levels(asked.quantiles, shifts.DEFAULT_QUANTILES)):
                yield violation(name, found)
    if asked.correlation is not None:
        bounds = shifts.levels(asked.correlation, shifts.DEFAULT_CORRELATION)
        references, windows = ({name: both[side] for name, both in known.items()} for side in (0, 1))
        for name, found in shifts.correlations(references, windows, bounds):
            yield violation(name, found)


def _both(name: str, window: pa.Table, reference: pa.Table) -> tuple[np.ndarray, np.ndarray] | None:
    """Doubles with NaN, of the reference and of the window; None where a side cannot be read as numbers."""
    try:
        before = numbers(raw_column(reference, name, "reference"), "reference")
        after = numbers(raw_column(window, name, "window"), "window")
    except (ColumnFaultError, pa.ArrowException):
        return None
    return before.finite.to_numpy(zero_copy_only=False), after.finite.to_numpy(zero_copy_only=False)
