"""Pure: the violations that tell of drift beside the columns' tests: of predictions, means, quantiles, correlations."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from driftmonitor_api.v1alpha1 import ColumnResult, Shifts, Violation
from driftmonitor_check.cleaning import ColumnFaultError, numbers, raw_column
from driftmonitor_check.columns import Column
from driftmonitor_check.quality import shifts
from driftmonitor_check.quality.assessment import violation
from driftmonitor_check.verdict import scored


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
            message=f"the predictions differ from the reference's: {scored(result)}",
            value=value,
            threshold=result.critical if critical else result.warning,
            severity="Critical" if critical else "Warning",
        )


def of_shifts(columns: Sequence[Column], window: pa.Table, reference: pa.Table, asked: Shifts) -> Iterator[Violation]:
    """What has moved in the numerical columns, of what is asked for."""
    if asked.mean is None and asked.quantiles is None and asked.correlation is None:
        return
    numerical = [column.name for column in columns if column.type == "Numerical"]
    sampled: tuple[dict[str, shifts.Doubles], dict[str, shifts.Doubles]] = {}, {}
    for name in numerical:
        both = _both(name, window, reference)  # one column at a time: all of them may not fit into memory
        if both is None:
            continue
        before, after = both
        if asked.correlation is not None:
            for side, values in zip(sampled, both, strict=True):
                side[name] = shifts.sample(values)
        if asked.mean is not None:
            for found in shifts.mean(before, after, shifts.levels(asked.mean, shifts.DEFAULT_MEAN)):
                yield violation(name, found)
        if asked.quantiles is not None:
            for found in shifts.quantiles(before, after, shifts.levels(asked.quantiles, shifts.DEFAULT_QUANTILES)):
                yield violation(name, found)
    if asked.correlation is not None:
        bounds = shifts.levels(asked.correlation, shifts.DEFAULT_CORRELATION)
        for name, found in shifts.correlations(*sampled, bounds):
            yield violation(name, found)


def _both(name: str, window: pa.Table, reference: pa.Table) -> tuple[shifts.Doubles, shifts.Doubles] | None:
    """Doubles with NaN, of the reference and of the window; None where a side cannot be read as numbers."""
    try:
        before = numbers(raw_column(reference, name, "reference"), "reference")
        after = numbers(raw_column(window, name, "window"), "window")
    except (ColumnFaultError, pa.ArrowException):
        return None
    return before.finite.to_numpy(zero_copy_only=False), after.finite.to_numpy(zero_copy_only=False)
