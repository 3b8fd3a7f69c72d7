"""Pure: the window's rows with their labels, and the reference's -> how good the predictions are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, MetricResult, Performance, PerformanceStatus
from driftmonitor_check.columns import Column
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.methods import ConfigurationError
from driftmonitor_check.performance import confidence, levels, loss, manyclasses, results, rows, sides, unscored
from driftmonitor_check.performance.rows import LABEL, SCORE, TARGET, VALUE, Labelled
from driftmonitor_check.performance.sides import Classified, Side, Valued
from driftmonitor_check.performance.target import TargetDrift, compare_targets

MAX_ROWS = 1_000_000
"""Of each side, evenly chosen: a collector gives no more rows with labels."""


@dataclass(frozen=True)
class Assessment:
    """What is known of the performance, for the status, and of the labels, for the verdict."""

    status: PerformanceStatus | None = None
    target: TargetDrift = field(default_factory=TargetDrift)


def assess(
    spec: DriftMonitorSpec, columns: Sequence[Column], window: Window, reference: Reference | None
) -> Assessment:
    """What the labels, or the estimates, say. Nothing where the object does not ask.

    Whatever the data are, there is an answer: what could not be looked at is in its message. Raises ConfigurationError.
    """
    asked = spec.checks.performance
    if asked is None:
        return Assessment()
    levels.verify(spec)
    labelled = window.labelled or rows.without_labels("the window was read without labels")
    due, labels = labelled.answers.num_rows, _count(labelled.answers, TARGET)
    status = PerformanceStatus(
        window_start=labelled.start,
        window_end=labelled.end,
        rows=due,
        labels=labels,
        labelled_share=labels / due if due else None,
        labels_needed=asked.min_labels,
    )
    try:
        known = _reference_answers(spec, labelled, window, reference)
        metrics, remarks = _metrics(spec, asked, columns, window, reference, labelled, known)
        target = (
            compare_targets(spec, labelled.answers, known.answers, classes, least=asked.min_labels)
            if known is not None and (classes := labelled.classifies) is not None
            else TargetDrift()
        )
    except ConfigurationError:
        raise
    except Exception as error:  # odd data end no check: the verdict on drift stands
        said = f"The performance could not be looked at: {type(error).__name__}: {error}"
        return Assessment(status.model_copy(update={"message": said[:1024]}))
    sentences = [labelled.problem, *remarks, target.problem]
    message = " ".join(f"{part[:1].upper()}{part[1:]}." for part in sentences if part)
    update = {"metrics": results.worst_first(metrics), "message": message[:1024]}
    return Assessment(status.model_copy(update=update), target)


def _metrics(
    spec: DriftMonitorSpec,
    asked: Performance,
    columns: Sequence[Column],
    window: Window,
    reference: Reference | None,
    labelled: Labelled,
    known: Labelled | None,
) -> tuple[list[MetricResult], list[str]]:
    """The metrics that there are, and what to know of those that there are not."""
    least, remarks = asked.min_labels, []
    predicted = window.outputs if window.outputs is not None else labelled.answers
    classes = rows.predicts_classes(labelled.answers)
    classes = rows.predicts_classes(predicted) if classes is None else classes
    if classes is None:
        return [], ["no row has a prediction"]
    if known is not None and known.problem:
        remarks.append(f"of the reference: {known.problem}")
    tables = [labelled.answers, predicted, known.answers if known else None]
    tables = [_whole(table, min(MAX_ROWS, sides.most_rows(*tables))) for table in tables]
    now, unlabelled, before = _sides(spec, asked, tables, classes)
    given = len(now.labelled)
    ready = before is not None and len(before.labelled) >= least
    if before is not None and not ready and not (known and known.problem):
        few = f"the reference has {len(before.labelled)} rows with prediction and label of the {least} needed"
        unnamed = not (reference and reference.outputs is not None) and spec.checks.prediction.column is None
        remarks.append(f"{few}; name its column of predictions in checks.prediction.column" if unnamed else few)
    found = []
    if given >= least:
        found += results.measured(asked, now.labelled, before.labelled if ready and before is not None else None)
        if isinstance(now, Classified):
            against = before.labelled if ready and isinstance(before, Classified) else None
            remarks += unscored.reasons(spec, found, now.labelled, against)
    if asked.estimate and ready and before is not None and len(unlabelled) >= least:
        try:
            found += _estimates(asked, columns, window, known, before, unlabelled)
        except Exception as error:  # what was measured stands
            remarks.append(f"no estimate could be made: {type(error).__name__}: {error}")
    return found, remarks


def _estimates(
    asked: Performance,
    columns: Sequence[Column],
    window: Window,
    known: Labelled | None,
    before: Side,
    unlabelled: Side,
) -> list[MetricResult]:
    if isinstance(before, Classified) and isinstance(unlabelled, Classified):
        fitted, scored = before.labelled.scored, unlabelled.scored
        if len(fitted) < asked.min_labels or len(scored) < asked.min_labels:
            return []
        sure: confidence.Confidence | manyclasses.ClassConfidence
        rated, rated_now = before.labelled.rated, unlabelled.rated
        if rated.modelled == rated_now.modelled and min(len(rated), len(rated_now)) >= asked.min_labels:
            fitted, scored, sure = rated, rated_now, manyclasses.class_confidence(rated, rated_now)
        else:
            sure = confidence.confidence(fitted, scored)
        return results.estimated(asked, sure.estimate(), fitted, sides.together(fitted, sure.drawn()), len(scored))
    predicted = window.outputs if window.outputs is not None else (window.labelled.answers if window.labelled else None)
    if known is None or predicted is None or predicted.num_rows != window.table.num_rows:
        return []
    learned = _with_answers(known.features, known.answers, (TARGET, VALUE), loss.FITTED_ROWS)
    asked_of = _with_answers(window.table, predicted, (VALUE,), loss.ESTIMATED_ROWS)
    if min(learned[0].num_rows, asked_of[0].num_rows) < asked.min_labels or not isinstance(before, Valued):
        return []
    features, features_now, coded = loss.inputs(columns, learned[0], asked_of[0])
    truth, said = (sides.floats(learned[1].column(name)) for name in (TARGET, VALUE))
    values = loss.estimate(features, truth, said, features_now, sides.floats(asked_of[1].column(VALUE)), coded)
    return results.estimated(asked, values, before.labelled, before.labelled, asked_of[0].num_rows)


def _with_answers(
    features: pa.Table, answers: pa.Table, needed: tuple[str, ...], most: int
) -> tuple[pa.Table, pa.Table]:
    """Rows that have what is needed, evenly chosen: features, and answers."""
    whole = None
    for name in needed:
        finite = pc.fill_null(pc.is_finite(answers.column(name)), False)
        whole = finite if whole is None else pc.and_(whole, finite)
    return loss.evenly(features.filter(whole), most), loss.evenly(answers.filter(whole), most)


def _sides(
    spec: DriftMonitorSpec, asked: Performance, tables: Sequence[pa.Table | None], classes: bool
) -> tuple[Side, Side, Side | None]:
    present = [table for table in tables if table is not None]
    if classes:
        made: Sequence[Side] = sides.classified(present, spec.model.classes or (), asked.positive_class)
    else:
        made = sides.valued(present)
    return made[0], made[1], made[2] if len(made) > 2 else None


def _reference_answers(
    spec: DriftMonitorSpec, labelled: Labelled, window: Window, reference: Reference | None
) -> Labelled | None:
    """The reference's predictions and labels; None where there cannot be any."""
    if reference is None:
        return None
    if reference.labelled is not None or reference.rolling:
        return reference.labelled
    if spec.checks.performance is None or spec.checks.performance.target_column is None:
        return None
    classes = labelled.classifies
    if classes is None and window.outputs is not None:
        classes = rows.predicts_classes(window.outputs)
    return rows.of_file(spec, reference.table, classes)


def _whole(table: pa.Table | None, most: int) -> pa.Table | None:
    """With all columns of answers, and at most so many rows."""
    if table is None:
        return None
    types = {LABEL: pa.string(), SCORE: pa.float64(), VALUE: pa.float64(), TARGET: pa.string()}
    missing = {name: pa.nulls(table.num_rows, type_) for name, type_ in types.items() if name not in table.column_names}
    for name, nulls in missing.items():
        table = table.append_column(name, nulls)
    return loss.evenly(table, most)


def _count(table: pa.Table, name: str) -> int:
    return int(pc.count(table.column(name)).as_py())
