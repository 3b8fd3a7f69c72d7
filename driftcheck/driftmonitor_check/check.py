"""Pure: evidence -> outcome. The checks are ordered; the first that finds a reason ends it without a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from driftmonitor_api.base import parse_duration
from driftmonitor_api.v1alpha1 import ColumnResult, DriftMonitorSpec, ReferenceStatus, Violation
from driftmonitor_check import comparison
from driftmonitor_check.columns import Column, redacted_features, resolve
from driftmonitor_check.driftfindings import of_predictions, of_shifts
from driftmonitor_check.evidence import Reference, ReferenceProblem, Window
from driftmonitor_check.methods import ConfigurationError
from driftmonitor_check.outputs import predictions
from driftmonitor_check.quality import assessment, levels
from driftmonitor_check.verdict import Conclusion, conclude, listed, with_findings, worst_first

VALUES_SHARE = 0.5
"""A column may lack values, but as its score is noise with few of them, half of minRows must be there."""


@dataclass(frozen=True)
class Outcome:
    """One check, whole."""

    conclusion: Conclusion
    time: datetime
    window_start: datetime
    window_end: datetime
    rows: int = 0
    rows_written: int | None = None
    rows_stored: int | None = None
    rows_lost: int | None = None
    coverage: float | None = None
    subject: str | None = None
    reference: ReferenceStatus | None = None
    columns: Sequence[ColumnResult] = ()
    """Every column, worst first."""
    violations: Sequence[Violation] = ()
    html: str | None = None
    """The report; none where nothing was compared or it could not be drawn."""


def check(
    spec: DriftMonitorSpec,
    window: Window,
    reference: Reference | ReferenceProblem,
    *,
    title: str,
    now: datetime,
    draw: bool = True,
) -> Outcome:
    """The verdict over one window. `title` heads the report, which is not made without `draw`."""
    known = reference if isinstance(reference, Reference) else None
    outcome = Outcome(
        conclusion=Conclusion("CheckFailed", ""),
        time=now,
        window_start=window.start,
        window_end=window.end,
        rows=window.table.num_rows,
        rows_written=window.coverage.written if window.coverage else None,
        rows_stored=window.coverage.stored if window.coverage else None,
        rows_lost=window.coverage.lost if window.coverage else None,
        coverage=window.coverage.share if window.coverage else None,
        subject=spec.subject,
        reference=known.status if known else None,
    )
    try:
        columns = resolve(spec, window.table.schema, known.table.schema if known else None)
        levels.verify(spec)
    except ConfigurationError as error:
        return replace(outcome, conclusion=Conclusion("CheckFailed", str(error)))
    if isinstance(reference, ReferenceProblem):
        return replace(outcome, conclusion=Conclusion("ReferenceMissing", reference.message))
    reason = _insufficient(spec, window.table, reference, now) if reference.rolling else None
    reason = reason or _reference_missing(reference, columns) or _insufficient(spec, window.table, reference, now)
    if reason:
        return replace(outcome, conclusion=reason, violations=assessment.count(spec, window.table.num_rows))
    return _compare(spec, columns, window, reference, outcome, title if draw else None)


def _reference_missing(reference: Reference, columns: Sequence[Column]) -> Conclusion | None:
    if reference.table.num_rows == 0:
        return Conclusion("ReferenceMissing", f"{reference.source} has no rows; give the model's training data")
    names = reference.table.column_names
    if columns and not any(column.name in names for column in columns):
        wanted = ", ".join(column.name for column in columns[:10])
        found = ", ".join(names[:10])
        return Conclusion(
            "ReferenceMissing",
            f"{reference.source} has none of the features ({wanted}); its columns are {found or 'none'}",
        )
    return None


def _insufficient(spec: DriftMonitorSpec, window: pa.Table, reference: Reference, now: datetime) -> Conclusion | None:
    least = spec.checks.window.min_rows
    asked = f"of the {least} rows that spec.checks.window.minRows asks for"
    short = []
    if window.num_rows < least:
        short.append(f"The window has {window.num_rows} {asked}.")
    if reference.table.num_rows < least:
        short.append(f"The reference has {reference.table.num_rows} {asked} ({reference.source}).")
        start = reference.status.window_start
        if start and start < now - parse_duration(spec.collector.retention):
            short.append(f"What is older than spec.collector.retention ({spec.collector.retention}) is deleted.")
    return Conclusion("InsufficientData", " ".join(short)) if short else None


def _compare(
    spec: DriftMonitorSpec,
    columns: Sequence[Column],
    window: Window,
    reference: Reference,
    outcome: Outcome,
    title: str | None,
) -> Outcome:
    drift_share = spec.checks.drift.drift_share
    least = max(1, round(spec.checks.window.min_rows * VALUES_SHARE))
    correct = spec.checks.policy.correction == "BenjaminiHochberg"
    compared = comparison.compare_columns(columns, window.table, reference.table, min_values=least, correct=correct)
    said, faults = _predictions(spec, window, reference, least, correct)
    moved = [*of_predictions(said), *of_shifts(columns, window.table, reference.table, spec.checks.shifts)]
    conclusion = conclude(worst_first(compared.results), compared.violations, drift_share)
    conclusion = with_findings(conclusion, moved)
    if redacted := redacted_features(spec):
        left_out = f"Not compared, by spec.logging.redact: {listed(redacted)}."
        conclusion = replace(conclusion, message=f"{conclusion.message} {left_out}")
    if reference.cut:
        cut = f"The reference is the newest {reference.table.num_rows} rows of its window (checks.window.maxRows)."
        conclusion = replace(conclusion, message=f"{conclusion.message} {cut}")
    page = comparison.ReportPage(None)
    if compared.checked and title is not None:
        note = f"{title}: {conclusion.verdict}. {conclusion.message}"
        page = comparison.draw(compared, drift_share=drift_share, note=note)
    return replace(
        outcome,
        conclusion=replace(conclusion, message=f"{conclusion.message} {page.remark}".rstrip()),
        columns=worst_first([*compared.results, *said]),
        violations=assessment.assess(spec, columns, window, reference.table, [*compared.violations, *faults, *moved]),
        html=page.html,
    )


def _predictions(
    spec: DriftMonitorSpec, window: Window, reference: Reference, least: int, correct: bool
) -> tuple[Sequence[ColumnResult], Sequence[Violation]]:
    """The results of the predictions' columns, which no share counts, and what kept some from having any."""
    found = predictions(spec, window.outputs, reference)
    if found is None:
        return (), ()
    compared = comparison.compare_columns(
        found.columns, found.window, found.reference, min_values=least, correct=correct
    )
    return compared.results, [*found.faults, *compared.violations]
