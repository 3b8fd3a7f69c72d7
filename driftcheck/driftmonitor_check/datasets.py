"""Compares two folders of Parquet files, of any size, by the columns' tests alone."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, Severity, Violation
from driftmonitor_check import comparison
from driftmonitor_check.check import VALUES_SHARE, Outcome
from driftmonitor_check.cleaning import ColumnFaultError
from driftmonitor_check.columns import Column, redacted_features, resolve
from driftmonitor_check.methods import ConfigurationError, Score
from driftmonitor_check.streaming.comparing import compare
from driftmonitor_check.streaming.scripts import StreamedScore
from driftmonitor_check.streaming.sources import ParquetSource, Source
from driftmonitor_check.verdict import Conclusion, conclude, listed, worst_first

_ONLY = (
    "Data sets are compared column by column; quality, predictions and shifts are not looked at, and no page is made."
)


class DataSetError(Exception):
    """A folder is not what it must be; the message says why."""


def data_set(folder: Path) -> ParquetSource:
    """The Parquet files of a folder and of those in it; a file is one by itself. Raises DataSetError."""
    paths = sorted(folder.rglob("*.parquet")) if folder.is_dir() else [folder]
    if not paths:
        raise DataSetError(f"{folder} has no *.parquet files")
    try:
        return ParquetSource(paths)
    except (ValueError, OSError) as error:  # Arrow's own errors are ValueErrors
        raise DataSetError(f"{folder} cannot be read as a data set of Parquet files: {error}") from error


def compare_data_sets(spec: DriftMonitorSpec, reference: Source, current: Source, now: datetime) -> Outcome:
    """The verdict over all rows of both sides. A score within bounds counts as the bound that tells of less drift."""
    outcome = Outcome(Conclusion("CheckFailed", ""), now, now, now, rows=current.num_rows, subject=spec.subject)
    least = spec.checks.window.min_rows
    for side, source in (("window", current), ("reference", reference)):
        if source.num_rows < least:
            few = f"The {side} has {source.num_rows} of the {least} rows that spec.checks.window.minRows asks for."
            return replace(outcome, conclusion=Conclusion("InsufficientData", few))
    try:
        columns = resolve(spec, current.schema, reference.schema)
    except ConfigurationError as error:
        return replace(outcome, conclusion=Conclusion("CheckFailed", str(error)))
    found = compare(reference, current, columns, min_values=max(1, round(least * VALUES_SHARE)))
    scores: dict[str, Score] = {}
    violations: list[Violation] = []
    notes: list[str] = []
    for column in columns:
        each = found[column.name]
        try:
            if isinstance(each, ColumnFaultError):
                raise each
            scores[column.name] = comparison.finite(column, each.score)
            if _severity(column, each, each.lower) != _severity(column, each, each.upper):
                notes.append(f"{column.name} ({each.lower:.4g} to {each.upper:.4g})")
        except ColumnFaultError as fault:
            violations.append(comparison.violation_of(column.name, fault))
    correct = spec.checks.policy.correction == "BenjaminiHochberg"
    results = worst_first(comparison.judged(columns, scores, correct=correct))
    conclusion = conclude(results, violations, spec.checks.drift.drift_share)
    bounded = f"A threshold lies within the bounds of: {listed(notes)}." if notes else ""
    left_out = (
        f"Not compared, by spec.logging.redact: {listed(redacted)}." if (redacted := redacted_features(spec)) else ""
    )
    message = " ".join(part for part in (conclusion.message, bounded, left_out, _ONLY) if part)
    return replace(outcome, conclusion=replace(conclusion, message=message), columns=results, violations=violations)


def _severity(column: Column, found: StreamedScore, value: float) -> Severity:
    return column.test.severity(value, effect=found.score.effect, p_value=found.score.p_value)
