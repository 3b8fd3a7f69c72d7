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
from driftmonitor_check.columns import PREDICTION_COLUMNS, Column, compared_features
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
    stored = [name for name in _STORED if table.schema.get_field_index(name) >= 0]
    return table.select(stored).rename_columns([_STORED[name] for name in stored])


def reference_columns(spec: DriftMonitorSpec, stored: Sequence[str]) -> list[str]:
    """The columns of a reference file that are needed; none where that cannot be said, which is all of them."""
    features = compared_features(spec, stored)
    prediction = spec.checks.prediction
    named = [name for name in (prediction.column, prediction.score_column) if name is not None]
    return [*features, *(name for name in named if name not in features)] if features else []


def predictions(spec: DriftMonitorSpec, window: pa.Table | None, reference: Reference) -> Predictions | None:
    """The predictions of both sides; None where there are none to compare.

    A rolling reference has its own; a file has them in the columns that `spec.checks.prediction` names.
    """
    if spec.checks.prediction.ignore or window is None:
        return None
    known, faults = (reference.outputs, []) if reference.rolling else _of_file(spec, window, reference.table)
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
