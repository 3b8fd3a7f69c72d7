"""Pure: what the model said of the rows of a window, and what that is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.records import (
    OUTLIER_FLAG_COLUMN,
    PREDICTION_LABEL_COLUMN,
    PREDICTION_SCORE_COLUMN,
    PREDICTION_VALUE_COLUMN,
)
from driftmonitor_api.v1alpha1 import DriftMonitorSpec, FeatureType, Violation
from driftmonitor_check.columns import (
    CLASS_SCORE_PREFIX,
    PREDICTION_COLUMNS,
    Column,
    compared_features,
    redacted_features,
    stored_class_scores,
)
from driftmonitor_check.evidence import Reference
from driftmonitor_check.methods import drift_test

LABEL, SCORE, VALUE = PREDICTION_COLUMNS
OUTLIER_FLAG = "outlier.flag"
PREDICTIONS: dict[str, FeatureType] = {LABEL: "Categorical", SCORE: "Numerical", VALUE: "Numerical"}
_STORED = {
    PREDICTION_LABEL_COLUMN: LABEL,
    PREDICTION_SCORE_COLUMN: SCORE,
    PREDICTION_VALUE_COLUMN: VALUE,
    OUTLIER_FLAG_COLUMN: OUTLIER_FLAG,
}


@dataclass(frozen=True)
class Predictions:
    """The columns of predictions to compare, with both sides' data."""

    columns: Sequence[Column]
    window: pa.Table
    reference: pa.Table
    faults: Sequence[Violation] = ()
    """Columns that the object names and the reference has not."""


def output_columns(table: pa.Table) -> pa.Table | None:
    """The predictions and outlier flags of a table as the collector stores it; None for any other table."""
    if "request_id" not in table.column_names:
        return None
    names = {name: _STORED[name] for name in _STORED if table.schema.get_field_index(name) >= 0}
    names |= stored_class_scores(table.column_names)
    return table.select(list(names)).rename_columns(list(names.values()))


def identity_columns(table: pa.Table) -> pa.Table | None:
    """The ids of the rows of a table as the collector stores it; None for any other table."""
    names = [name for name in ("request_id", "row") if name in table.column_names]
    return table.select(names) if "request_id" in names else None


def scored_classes(*tables: pa.Table | None) -> list[str]:
    """The classes whose scores such tables of predictions have."""
    names = dict.fromkeys(name for table in tables if table is not None for name in table.column_names)
    return [name.removeprefix(CLASS_SCORE_PREFIX) for name in names if name.startswith(CLASS_SCORE_PREFIX)]


def reference_columns(spec: DriftMonitorSpec, stored: Sequence[str], classes: Sequence[str] = ()) -> list[str]:
    """The columns of a reference file that are needed; none where that cannot be said, which is all of them. `classes`
    are those whose scores the window has."""
    features = compared_features(spec, stored)
    prediction, performance = spec.checks.prediction, spec.checks.performance
    target = performance.target_column if performance else None
    named = [name for name in (prediction.column, prediction.score_column, target) if name is not None]
    if performance is not None and prediction.score_column is not None:
        named += [f"{prediction.score_column}_{name}" for name in classes]
    if spec.checks.importances is not None:
        named += redacted_features(spec)  # the model takes them, too
    return [*features, *(name for name in named if name not in features)] if features else []


def predictions(spec: DriftMonitorSpec, window: pa.Table | None, reference: Reference) -> Predictions | None:
    """The predictions of both sides; None where there are none to compare.

    A reference of predictions has its own; a file has them in the columns that `spec.checks.prediction` names.
    """
    if spec.checks.prediction.ignore or window is None:
        return None
    known, faults = (reference.outputs, []) if reference.live else _of_file(spec, window, reference.table)
    if known is None:
        return None
    names = [name for name in PREDICTIONS if _present(window, name) or _present(known, name)]
    names = [name for name in names if name in known.column_names and name in window.column_names]
    columns = [
        Column(name, PREDICTIONS[name], drift_test(spec.checks.drift, name, PREDICTIONS[name])) for name in names
    ]
    return Predictions(columns, window, known, faults) if columns or faults else None


def _of_file(spec: DriftMonitorSpec, window: pa.Table, reference: pa.Table) -> tuple[pa.Table, list[Violation]]:
    """A file's columns under the names of what they are compared with; a model gives labels or values."""
    chosen = spec.checks.prediction
    main = LABEL if _present(window, LABEL) else VALUE
    wanted = {main: ("column", chosen.column), SCORE: ("scoreColumn", chosen.score_column)}
    arrays, faults = {}, []
    for name, (field, column) in wanted.items():
        if column is None:
            continue
        places = reference.schema.get_all_field_indices(column)
        if len(places) == 1:
            arrays[name] = reference.column(places[0])
        else:
            found = f"has {len(places)} columns" if places else "has no column"
            message = f"the reference {found} {column!r}, which spec.checks.prediction.{field} names"
            faults.append(Violation(column=name, check="missing_column_check", message=message, severity="Critical"))
    return pa.table(arrays), faults


def _present(table: pa.Table, name: str) -> bool:
    """Whether there are values."""
    return name in table.column_names and bool(pc.count(table.column(name)).as_py())
