"""Compares two data sets of Parquet files, of any size: columns and segments on all rows, all else on a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus, Severity, Violation
from driftmonitor_check import comparison
from driftmonitor_check.check import VALUES_SHARE, Outcome, check
from driftmonitor_check.cleaning import ColumnFaultError
from driftmonitor_check.columns import Column, free_texts, resolve
from driftmonitor_check.custom.judging import Perform
from driftmonitor_check.evidence import Reference, TrainingRows, Window
from driftmonitor_check.importances.weights import Weigh
from driftmonitor_check.methods import ConfigurationError, Score
from driftmonitor_check.outputs import identity_columns, output_columns
from driftmonitor_check.performance.rows import of_current, without_answers
from driftmonitor_check.quality import assessment
from driftmonitor_check.sequential.ordering import row_times
from driftmonitor_check.spans import bounds
from driftmonitor_check.streaming.comparing import compare
from driftmonitor_check.streaming.features import features_of
from driftmonitor_check.streaming.sampling import sampled
from driftmonitor_check.streaming.scripts import StreamedScore
from driftmonitor_check.streaming.segments import rows_of
from driftmonitor_check.streaming.sources import ParquetSource, Source
from driftmonitor_check.verdict import Conclusion, listed

SAMPLE_ROWS = 200_000
"""Rows of a side that all but the tests of columns and segments look at."""


_PARTS_OF_REQUESTS = (
    "the rows are a sample, which does not show how many rows a request has; name spec.checks.skew.feature, or compare"
    " fewer rows"
)


class DataSetError(Exception):
    """A folder is not what it must be; the message says why."""


@dataclass(frozen=True)
class Compared:
    """The columns' tests over all rows."""

    scores: Mapping[str, Score]
    violations: Sequence[Violation]
    uncertain: Sequence[str]
    """Columns of whose score's bounds a threshold lies within."""


def data_set(folder: Path) -> ParquetSource:
    """The Parquet files of a folder and of those in it; a file is one by itself. Raises DataSetError."""
    paths = sorted(folder.rglob("*.parquet")) if folder.is_dir() else [folder]
    if not paths:
        raise DataSetError(f"{folder} has no *.parquet files")
    try:
        return ParquetSource(paths)
    except (ValueError, OSError) as error:  # Arrow's own errors are ValueErrors
        raise DataSetError(f"{folder} cannot be read as a data set of Parquet files: {error}") from error


def compare_data_sets(
    spec: DriftMonitorSpec,
    reference: Source,
    current: Source,
    now: datetime,
    *,
    title: str = "",
    draw: bool = False,
    custom: Perform | None = None,
    weigh: Weigh | None = None,
    training: TrainingRows | None = None,
    sample_rows: int = SAMPLE_ROWS,
) -> Outcome:
    """The verdict over all rows of both sides. A score within bounds counts as the bound that tells of less drift.

    What looks at columns together, at quality, predictions and shifts, the diagnosis and the page stand on a sample of
    so many rows.
    """
    least = spec.checks.window.min_rows
    for side, source in (("window", current), ("reference", reference)):
        if source.num_rows < least:
            few = f"The {side} has {source.num_rows} of the {least} rows that spec.checks.window.minRows asks for."
            return _without(spec, "InsufficientData", few, current, now)
    rows = max(sample_rows, least)
    before, after = sampled(reference, rows), sampled(current, rows)
    start, end = bounds(after, now)
    skew = spec.checks.skew
    if skew is not None and skew.feature is None and after.num_rows < current.num_rows:
        training = TrainingRows(None, _PARTS_OF_REQUESTS)
    window = Window(
        without_answers(spec, after),
        start,
        end,
        outputs=output_columns(after),
        labelled=of_current(spec, after),
        times=row_times(after),
        identities=identity_columns(after),
        training=training,
    )
    status = ReferenceStatus(rows=reference.num_rows, time=now)
    known = Reference(before, status, "--reference")
    try:
        texts = () if spec.model.features else free_texts(before)
        columns = resolve(spec, window.table.schema, before.schema, texts=texts)
    except ConfigurationError as error:
        return _without(spec, "CheckFailed", str(error), current, now)
    features = features_of(reference), features_of(current)
    found = _compared(*features, columns, least)
    correct = spec.checks.policy.correction == "BenjaminiHochberg"
    cut = max(reference.num_rows, current.num_rows) > rows
    outcome = check(
        spec,
        window,
        known,
        title=title,
        now=now,
        draw=draw,
        custom=custom,
        weigh=weigh,
        compared=_with_rows(found, columns, window, known, correct=correct, cut=cut),
        segmented=rows_of(window=features[1], reference=features[0]),
    )
    notes = [f"A threshold lies within the bounds of: {listed(found.uncertain)}."] if found.uncertain else []
    if cut:
        looked_at = "Columns and segments were" if spec.checks.segments else "Columns were"
        notes.append(f"{looked_at} compared on all rows, all else stands on a sample of {rows} of each side.")
    message = " ".join([outcome.conclusion.message, *notes])
    counted = [each for each in outcome.violations if each.check != "row_count_check"]
    return replace(
        outcome,
        conclusion=replace(outcome.conclusion, message=message),
        rows=current.num_rows,
        violations=[*assessment.count(spec, current.num_rows), *counted],
    )


def _without(spec: DriftMonitorSpec, verdict: str, message: str, current: Source, now: datetime) -> Outcome:
    conclusion = Conclusion("InsufficientData" if verdict == "InsufficientData" else "CheckFailed", message)
    return Outcome(conclusion, now, now, now, rows=current.num_rows, subject=spec.subject)


def _compared(reference: Source, current: Source, columns: Sequence[Column], least: int) -> Compared:
    found = compare(reference, current, columns, min_values=max(1, round(least * VALUES_SHARE)))
    scores: dict[str, Score] = {}
    violations: list[Violation] = []
    uncertain: list[str] = []
    for column in columns:
        each = found[column.name]
        try:
            if isinstance(each, ColumnFaultError):
                raise each
            scores[column.name] = comparison.finite(column, each.score)
            if _severity(column, each, each.lower) != _severity(column, each, each.upper):
                uncertain.append(f"{column.name} ({each.lower:.4g} to {each.upper:.4g})")
        except ColumnFaultError as fault:
            violations.append(comparison.violation_of(column.name, fault))
    return Compared(scores, violations, uncertain)


def _with_rows(
    found: Compared, columns: Sequence[Column], window: Window, reference: Reference, *, correct: bool, cut: bool
) -> comparison.Comparison:
    """The comparison over all rows, with the sample's rows for the page."""
    shown = comparison.compare_columns(columns, window.table, reference.table, min_values=1, correct=correct)
    return replace(
        shown,
        results=comparison.judged(columns, found.scores, correct=correct),
        violations=found.violations,
        checked=[column for column in shown.checked if column.name in found.scores],
        sampled=shown.sampled or cut,
    )


def _severity(column: Column, found: StreamedScore, value: float) -> Severity:
    return column.test.severity(value, effect=found.score.effect, p_value=found.score.p_value)
