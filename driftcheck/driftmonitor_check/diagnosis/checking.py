"""Pure: a check that is made -> its diagnosis."""

from collections.abc import Sequence

import pyarrow as pa

from driftmonitor_api.v1alpha1 import ColumnResult, DriftMonitorSpec, PerformanceStatus, Violation
from driftmonitor_api.v1alpha1.diagnosis import Diagnosis
from driftmonitor_check.columns import Column
from driftmonitor_check.diagnosis.evidence import Answered
from driftmonitor_check.diagnosis.gathering import Found, Sides, gather
from driftmonitor_check.diagnosis.rules import diagnose
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.performance.classes import spelled
from driftmonitor_check.performance.rows import LABEL, SCORE, TARGET, VALUE, Labelled, of_file


def of_check(
    spec: DriftMonitorSpec,
    columns: Sequence[Column],
    window: Window,
    reference: Reference,
    results: Sequence[ColumnResult],
    violations: Sequence[Violation],
    performance: PerformanceStatus | None = None,
) -> Diagnosis:
    """What kind of change it is. Whatever the data are, there is an answer."""
    found = Found(results, violations, _errors(performance))
    try:
        return diagnose(gather(columns, found, _sides(spec, window, reference)))
    except Exception as error:  # odd data end no check: the verdict stands without its cause
        return Diagnosis(name="Undetermined", message=f"It was not looked at: {type(error).__name__}: {error}"[:1024])


def _errors(performance: PerformanceStatus | None) -> list[str] | None:
    measured = [metric for metric in performance.metrics if not metric.estimated] if performance else []
    return [metric.name for metric in measured if metric.severity is not None] if measured else None


def _sides(spec: DriftMonitorSpec, window: Window, reference: Reference) -> Sides:
    outputs = _answered(window.table, window.outputs)
    if reference.outputs is None:
        classifies = window.outputs is None or not _present(window.outputs, VALUE)
        known = _labelled(of_file(spec, reference.table, classifies))
    elif reference.labelled is not None and reference.labelled.answers.num_rows:
        known = _labelled(reference.labelled)
    else:
        known = _answered(reference.table, reference.outputs)
    return Sides(outputs, known, None if window.labelled is None else _labelled(window.labelled))


def _labelled(rows: Labelled) -> Answered:
    return _answered(rows.features, rows.answers)


def _answered(features: pa.Table, answers: pa.Table | None) -> Answered:
    if answers is None or answers.num_rows != features.num_rows:
        return Answered(features)
    classifies = _present(answers, LABEL) or not _present(answers, VALUE)
    return Answered(
        features,
        predicted=_column(answers, LABEL if classifies else VALUE, classifies),
        target=_column(answers, TARGET, _is_text(answers, TARGET)),
        score=_column(answers, SCORE, False),
    )


def _column(answers: pa.Table, name: str, names: bool) -> pa.ChunkedArray | None:
    """Names of classes in one spelling, or doubles; None where there is nothing."""
    if not _present(answers, name):
        return None
    column = answers.column(name)
    return pa.chunked_array([spelled(column)]) if names else column.cast(pa.float64())


def _present(answers: pa.Table, name: str) -> bool:
    return name in answers.column_names and answers.column(name).null_count < answers.num_rows


def _is_text(answers: pa.Table, name: str) -> bool:
    return name in answers.column_names and not pa.types.is_floating(answers.schema.field(name).type)
