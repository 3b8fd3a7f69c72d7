"""Pure: evidence -> outcome. The checks are ordered; the first that finds a reason ends it without a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa

from driftmonitor_api.base import parse_duration
from driftmonitor_api.v1alpha1 import ColumnResult, DriftMonitorSpec, PerformanceStatus, ReferenceStatus, Violation
from driftmonitor_api.v1alpha1.diagnosis import Diagnosis
from driftmonitor_check import beyond, comparison, impact
from driftmonitor_check.columns import Column, free_texts, redacted_features, resolve
from driftmonitor_check.custom.judging import Perform, Sides, judge
from driftmonitor_check.diagnosis.checking import of_check
from driftmonitor_check.driftfindings import of_predictions, of_shifts
from driftmonitor_check.evidence import Reference, ReferenceProblem, Window
from driftmonitor_check.importances.weights import Weigh, weights
from driftmonitor_check.methods import ConfigurationError
from driftmonitor_check.outputs import predictions
from driftmonitor_check.performance.assessment import assess
from driftmonitor_check.performance.target import TargetDrift
from driftmonitor_check.quality import assessment, levels
from driftmonitor_check.segments import findings as segmentation
from driftmonitor_check.skew import assessment as skew
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
    performance: PerformanceStatus | None = None
    """How good the predictions were; none where the object does not ask."""
    target: TargetDrift = field(default_factory=TargetDrift)
    """What the comparison of the labels says, as far as there is one."""
    snapshot: str | None = None
    """The report as Evidently's own user interface reads it, JSON; none where there is no page."""
    segments: segmentation.Findings = segmentation.NOTHING
    """What the rows by the values of `spec.checks.segments` say."""
    diagnosis: Diagnosis | None = None
    """What kind of change it is; none where nothing was compared."""
    further: beyond.Findings = beyond.NOTHING
    """What the columns together and the rows in the order of time say."""


def check(
    spec: DriftMonitorSpec,
    window: Window,
    reference: Reference | ReferenceProblem,
    *,
    title: str,
    now: datetime,
    draw: bool = True,
    custom: Perform | None = None,
    compared: comparison.Comparison | None = None,
    weigh: Weigh | None = None,
    segmented: segmentation.Rows | None = None,
) -> Outcome:
    """The verdict over one window. `title` heads the report, which is not made without `draw`. `custom` makes those of
    `spec.checks.custom`, of which nothing is said without it. `compared` is the columns' comparison where it is made
    already: of more rows than are given here; `segmented` has the rows of segments where those are more. `weigh` finds
    those of `spec.checks.importances`, of which nothing is said without it."""
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
        reference=reference.status,
    )
    try:
        texts = free_texts(known.table) if known and not spec.model.features else ()
        columns = resolve(spec, window.table.schema, known.table.schema if known else None, texts=texts)
        levels.verify(spec)
        segmentation.verify(spec)
        skew.verify(spec)
        impact.verify(spec, [column.name for column in columns])
        performance = assess(spec, columns, window, known)
    except ConfigurationError as error:
        return replace(outcome, conclusion=Conclusion("CheckFailed", str(error)))
    outcome = replace(outcome, performance=performance.status, target=performance.target)
    if isinstance(reference, ReferenceProblem):
        return replace(outcome, conclusion=Conclusion(reference.verdict, reference.message))
    reason = _insufficient(spec, window.table, reference, now) if reference.rolling else None
    reason = reason or _reference_missing(reference, columns) or _insufficient(spec, window.table, reference, now)
    if reason:
        return replace(outcome, conclusion=reason, violations=assessment.count(spec, window.table.num_rows))
    rows = segmented or segmentation.in_memory(window.table, reference.table)
    made = _compare(spec, columns, window, reference, outcome, title if draw else None, custom, compared, weigh, rows)
    named = of_check(spec, columns, window, reference, made.columns, made.violations, made.performance)
    return replace(made, diagnosis=named)


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
    custom: Perform | None,
    compared: comparison.Comparison | None,
    weigh: Weigh | None,
    rows: segmentation.Rows,
) -> Outcome:
    drift_share = spec.checks.drift.drift_share
    least = max(1, round(spec.checks.window.min_rows * VALUES_SHARE))
    correct = spec.checks.policy.correction == "BenjaminiHochberg"
    if compared is None:
        compared = comparison.compare_columns(columns, window.table, reference.table, min_values=least, correct=correct)
    said, faults = _predictions(spec, window, reference, least, correct)
    parts = segmentation.assess(spec, columns, rows, reference.table, compared.results, window.labelled)
    more = beyond.columns(spec.checks, compared.checked, window, reference.table)
    types = {column.name: column.type for column in columns}
    own = judge(spec.checks.custom, custom, lambda: Sides.of(window, reference, types))
    moved = [
        *of_predictions(said),
        *outcome.target.violations,
        *of_shifts(columns, window.table, reference.table, spec.checks.shifts),
        *parts.violations,
        *more.violations,
        *own.drift,
    ]
    differing = skew.assess(spec, columns, window)
    conclusion = conclude(worst_first(compared.results), compared.violations, drift_share)
    conclusion = own.heeded(with_findings(conclusion, moved))
    if redacted := redacted_features(spec):
        left_out = f"Not compared, by spec.logging.redact: {listed(redacted)}."
        conclusion = replace(conclusion, message=f"{conclusion.message} {left_out}")
    found = weights(spec, weigh, reference.table)
    weighed = impact.with_impact(compared.results, found.importances)
    if notes := " ".join(filter(None, [impact.told(weighed), found.remark, parts.remark, more.remark])):
        conclusion = replace(conclusion, message=f"{conclusion.message} {notes}")
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
        columns=worst_first([*weighed, *said, *outcome.target.results]),
        violations=assessment.assess(
            spec, columns, window, reference.table, [*compared.violations, *faults, *moved, *own.violations, *differing]
        ),
        html=page.html,
        snapshot=page.snapshot,
        segments=parts,
        further=more,
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
