"""Pure: what a check has found -> the evidence, with what only the rows themselves tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import ColumnResult, FeatureType, Violation
from driftmonitor_check.columns import PREDICTION_COLUMNS, Column
from driftmonitor_check.diagnosis import classes, relation
from driftmonitor_check.diagnosis.binning import Binned, binned
from driftmonitor_check.diagnosis.evidence import Answered, Basis, Evidence, Explained
from driftmonitor_check.diagnosis.faults import faults

LEAST_LABELS = 200
"""Rows with a label that each side must have for the relation of labels and features."""
JOINT_CHECKS = ("correlation_check", "multivariate_drift_check", "segment_drift_check", "sequential_drift_check")
"""Violations that tell of features taken together, or of a part of the rows."""
ERRORS = "(errors)"
"""The column of a violation that tells of errors in the order of time."""
TARGET_CHECK = "target_drift_check"
_MAX_FEATURES = 100
"""Looked at for relations: those that moved, then the first others."""
_LEAST_VALUES = 20


@dataclass(frozen=True)
class Found:
    """What the check has found before."""

    results: Sequence[ColumnResult]
    """Of features and predictions."""
    violations: Sequence[Violation]
    errors: Sequence[str] | None = None
    """Measured metrics that are worse than they may be; None where none was measured."""


@dataclass(frozen=True)
class Sides:
    """The rows of window and reference."""

    window: Answered
    """All of its rows; labels it need not have."""
    reference: Answered
    labelled: Answered | None = None
    """Rows of the window, or of an earlier one, whose labels are due."""


def gather(columns: Sequence[Column], found: Found, sides: Sides) -> Evidence:
    """The evidence of one check."""
    features = {column.name for column in columns}
    moved = _moved([result for result in found.results if result.name in features])
    damaged = faults(columns, found.violations, moved, sides.reference.features, sides.window.features)
    sound = [column for column in columns if column.name not in damaged]
    sound = sorted(sound, key=lambda column: column.name not in moved)[:_MAX_FEATURES]
    reference, window = sides.reference.bounded, sides.window.bounded
    labelled = None
    if sides.labelled is not None and _labels(sides.labelled) and _labels(sides.reference):
        labelled = sides.labelled.bounded
    predictions_moved = bool(_moved([result for result in found.results if result.name in PREDICTION_COLUMNS]))
    labels_moved = None
    if labelled is not None:
        target = _classes(reference.target, labelled.target)
        told = any(violation.check == TARGET_CHECK for violation in found.violations)
        labels_moved = told or (target is not None and classes.moved(target))
    told_apart = [each for each in found.violations if each.check in JOINT_CHECKS]
    return Evidence(
        moved=moved,
        joint=tuple(dict.fromkeys(each.check for each in told_apart if each.column != ERRORS)),
        faults=damaged,
        predictions_moved=predictions_moved,
        labels_moved=labels_moved,
        explained=_explained(sound, reference, window, labelled, predictions_moved, labels_moved),
        relation=None if labelled is None else _relation(sound, reference, labelled),
        relation_known=labelled is not None,
        errors=(*(found.errors or ()), *("in the order of time" for each in told_apart if each.column == ERRORS)),
        confidence=_confidence(reference.score, window.score),
    )


def _moved(results: Sequence[ColumnResult]) -> tuple[str, ...]:
    """Those that drifted; where none did, those that are suspected to."""
    for severity in ("DriftDetected", "DriftSuspected"):
        if names := tuple(result.name for result in results if result.severity == severity):
            return names
    return ()


def _labels(side: Answered) -> bool:
    """Whether it has enough."""
    return side.target is not None and int(pc.count(side.target).as_py()) >= LEAST_LABELS


def _explained(
    columns: Sequence[Column],
    reference: Answered,
    window: Answered,
    labelled: Answered | None,
    predictions_moved: bool,
    labels_moved: bool | None,
) -> Explained | None:
    """How much of the features' drift the classes explain, by the best that there is to know them."""
    if labels_moved and labelled is not None:
        target = _classes(reference.target, labelled.target)
        weights = None if target is None else classes.weights(target)
        return _share(columns, reference, labelled, target, weights, "labels")
    predicted = _classes(reference.predicted, window.predicted)
    if labels_moved is not None or not predictions_moved or predicted is None:
        return None
    if _labels(reference):
        target = _classes(reference.target, reference.target)
        weights = None
        if target is not None:
            weights = classes.estimated_weights(target.reference, target.number, predicted)
        if (found := _share(columns, reference, window, target, weights, "labels of the reference")) is not None:
            return found
    return _share(columns, reference, window, predicted, classes.weights(predicted), "predictions")


def _share(
    columns: Sequence[Column],
    reference: Answered,
    window: Answered,
    target: Binned | None,
    weights: classes.Weights | None,
    basis: Basis,
) -> Explained | None:
    if target is None or weights is None:
        return None
    features = list(_binned(columns, reference, window).values())
    share = classes.explained(features, target.reference, weights)
    return None if share is None else Explained(share, basis)


def _relation(columns: Sequence[Column], reference: Answered, labelled: Answered) -> str | None:
    """The feature, or the prediction, from which labels follow otherwise than before."""
    profiles = _binned(columns, reference, labelled)
    predicted = _classes(reference.predicted, labelled.predicted)
    if predicted is not None:
        profiles["the prediction"] = predicted
    if reference.target is None or labelled.target is None:
        return None
    if _numerical(reference.target) and _numerical(labelled.target):
        return relation.of_values(profiles, _doubles(reference.target), _doubles(labelled.target))
    target = _classes(reference.target, labelled.target)
    return None if target is None else relation.of_classes(profiles, target)


def _binned(columns: Sequence[Column], reference: Answered, window: Answered) -> dict[str, Binned]:
    found: dict[str, Binned] = {}
    for column in columns:
        bins = binned(column.name, column.type, reference.features, window.features)
        if bins is not None:
            found[column.name] = bins
    return found


def _classes(reference: pa.ChunkedArray | None, window: pa.ChunkedArray | None) -> Binned | None:
    """The classes of both sides; of values, the deciles of the reference."""
    if reference is None or window is None:
        return None
    if min(len(side) - side.null_count for side in (reference, window)) < _LEAST_VALUES:
        return None
    type_: FeatureType = "Numerical" if _numerical(reference) and _numerical(window) else "Categorical"
    return binned("class", type_, pa.table({"class": reference}), pa.table({"class": window}))


def _numerical(values: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(values.type))


def _doubles(values: pa.ChunkedArray) -> relation.Doubles:
    return np.asarray(values.cast(pa.float64()).to_numpy(), np.float64)


def _confidence(reference: pa.ChunkedArray | None, window: pa.ChunkedArray | None) -> tuple[float, float] | None:
    means = []
    for side in (reference, window):
        values = np.array([]) if side is None else _doubles(side)
        values = values[np.isfinite(values)]
        if len(values) < _LEAST_VALUES:
            return None
        means.append(float(values.mean()))
    return means[0], means[1]
