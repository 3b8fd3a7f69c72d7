"""Pure: what the model said of rows and what they turned out to be, out of the store's table or a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.records import (
    PREDICTION_LABEL_COLUMN,
    PREDICTION_SCORE_COLUMN,
    PREDICTION_VALUE_COLUMN,
)
from driftmonitor_api.v1alpha1 import DriftMonitorSpec
from driftmonitor_check.cleaning import ColumnFaultError, numbers, raw_column
from driftmonitor_check.columns import (
    CLASS_SCORE_PREFIX,
    PREDICTION_COLUMNS,
    TARGET_COLUMN,
    feature_columns,
    is_duration,
    is_number,
    stored_class_scores,
)
from driftmonitor_check.performance.classes import spelled

LABEL, SCORE, VALUE = PREDICTION_COLUMNS
SCORE_TOLERANCE = 1e-3
"""Scores of single precision, as most models give them, do not add up to 1 exactly, and may be a little above it."""
TARGET = TARGET_COLUMN
STORED_COLUMNS = (PREDICTION_LABEL_COLUMN, PREDICTION_SCORE_COLUMN, PREDICTION_VALUE_COLUMN)
_ACTUAL_LABEL, _ACTUAL_VALUE = "actual_label", "actual_value"
_MOST_CLASSES = 20
"""A file's whole numbers are classes up to so many different ones, if nothing else tells."""


@dataclass(frozen=True)
class Labelled:
    """Rows whose labels are due, oldest first."""

    answers: pa.Table
    """Columns `prediction.label` (text), `prediction.score`, `prediction.value` and `target`: text where the model
    predicts classes, else doubles; null where there is none. And `prediction.score.<class>`, where scores of all
    classes are known."""
    features: pa.Table
    """The same rows' features, under their names."""
    start: datetime | None = None
    """Begin of their window, inclusive."""
    end: datetime | None = None
    """End of it, exclusive."""
    times: pa.ChunkedArray | None = None
    """When each row was predicted, where that is known."""
    problem: str = ""
    """Why there are no labels."""

    @property
    def classifies(self) -> bool | None:
        """Whether the model predicts classes; None where it predicts nothing."""
        return predicts_classes(self.answers)


def predicts_classes(answers: pa.Table) -> bool | None:
    """Whether there are labels among the predictions, or values; None where there is neither."""
    if LABEL in answers.column_names and pc.count(answers.column(LABEL)).as_py():
        return True
    return False if VALUE in answers.column_names and pc.count(answers.column(VALUE)).as_py() else None


def without_labels(problem: str, start: datetime | None = None, end: datetime | None = None) -> Labelled:
    """No rows, for a reason."""
    return Labelled(_answers(0), pa.table({}), start, end, problem=problem)


def of_store(table: pa.Table, start: datetime | None = None, end: datetime | None = None) -> Labelled:
    """A window as the collector answers with labels, or as it was downloaded from there."""
    known = {name: table.column(name) for name in table.column_names if name in (*STORED_COLUMNS, *_ACTUAL)}
    label, value = known.get(_ACTUAL_LABEL), known.get(_ACTUAL_VALUE)
    answers = {
        LABEL: known.get(PREDICTION_LABEL_COLUMN),
        SCORE: known.get(PREDICTION_SCORE_COLUMN),
        VALUE: known.get(PREDICTION_VALUE_COLUMN),
    }
    answers |= {own: table.column(name) for name, own in stored_class_scores(table.column_names).items()}
    stored = _answers(table.num_rows, {name: column for name, column in answers.items() if column is not None})
    if predicts_classes(stored):
        target = _first([spelled(column) for column in (label, value) if column is not None])
    else:
        target = _first([_doubles(column) for column in (value, label) if column is not None])
    times = table.column("timestamp") if "timestamp" in table.column_names else None
    if target is not None:
        stored = stored.set_column(stored.column_names.index(TARGET), TARGET, target)
    return Labelled(stored, feature_columns(table), start, end, times)


_ACTUAL = (_ACTUAL_LABEL, _ACTUAL_VALUE)


def of_file(spec: DriftMonitorSpec, table: pa.Table, classes: bool | None = None) -> Labelled:
    """A file's rows, by the columns that the object names; `classes` says what the model predicts, where it is known.

    Its columns need not be there. What cannot be read becomes the problem.
    """
    asked, prediction = spec.checks.performance, spec.checks.prediction
    target = asked.target_column if asked else None
    named = {TARGET: target, LABEL: prediction.column, SCORE: prediction.score_column}
    try:
        found = {
            role: raw_column(table, name, "file")
            for role, name in named.items()
            if name is not None and name in table.column_names
        }
        found |= {
            CLASS_SCORE_PREFIX + name: raw_column(table, column, "file")
            for column, name in class_columns(spec, table).items()
        }
        answers = _of_columns(found, table.num_rows, _classes(spec, found) if classes is None else classes)
    except (ColumnFaultError, pa.ArrowException) as error:
        return Labelled(_answers(table.num_rows), table, problem=f"its predictions or labels cannot be read: {error}")
    missing = [repr(name) for role, name in named.items() if name is not None and role not in found]
    problem = f"it has no column {', '.join(missing)}" if missing else ""
    return Labelled(answers, table, problem=problem)


def file_columns(spec: DriftMonitorSpec) -> list[str]:
    """The columns of a reference file that tell of predictions and labels."""
    asked, prediction = spec.checks.performance, spec.checks.prediction
    named = (asked.target_column if asked else None, prediction.column, prediction.score_column)
    return [name for name in named if name is not None]


def class_columns(spec: DriftMonitorSpec, table: pa.Table) -> dict[str, str]:
    """The columns of a file with the score of each class, and the class of each: `<scoreColumn>_<class>`. They are
    numbers: those of the classes that the object names, or without those from 0 to 1. A declared feature is none."""
    if spec.checks.prediction.score_column is None:
        return {}
    prefix = f"{spec.checks.prediction.score_column}_"
    features = {feature.name for feature in spec.model.features or []}
    found = {
        field.name: field.name.removeprefix(prefix)
        for field in table.schema
        if field.name.startswith(prefix) and is_number(field.type) and field.name not in features
    }
    known = set(spelled(pa.array(spec.model.classes or [], pa.string())).to_pylist())
    classes = spelled(pa.array(list(found.values()), pa.string())).to_pylist()
    return {
        name: found[name]
        for name, known_as in zip(found, classes, strict=True)
        if (known_as in known if known else _are_shares(table, name))
    }


def _are_shares(table: pa.Table, name: str) -> bool:
    """Whether the values of a column lie between 0 and 1, but for the last digits of single precision."""
    places = table.schema.get_all_field_indices(name)
    if len(places) > 1 or is_duration(table.schema.field(places[0]).type):
        return False
    bounds = pc.min_max(numbers(raw_column(table, name, "file"), "file").finite).as_py()
    return bounds["min"] is not None and -SCORE_TOLERANCE <= bounds["min"] <= bounds["max"] <= 1 + SCORE_TOLERANCE


def _of_columns(found: dict[str, pa.Array], rows: int, classes: bool) -> pa.Table:
    read = spelled if classes else _doubles
    columns = {LABEL if classes else VALUE: read(found[LABEL])} if LABEL in found else {}
    for name in found:
        if name == SCORE or name.startswith(CLASS_SCORE_PREFIX):
            columns[name] = _doubles(found[name])
    if TARGET in found:
        columns[TARGET] = read(found[TARGET])
    return _answers(rows, columns)


def _classes(spec: DriftMonitorSpec, found: dict[str, pa.Array]) -> bool:
    """Whether a file's predictions, or without those its labels, are classes."""
    asked = spec.checks.performance
    if spec.model.classes or SCORE in found or (asked and asked.positive_class is not None):
        return True
    column = found.get(LABEL, found.get(TARGET))
    if column is None or not is_number(column.type):
        return True
    unique = pc.unique(column.cast(pa.float64(), safe=False).drop_null())
    return len(unique) <= _MOST_CLASSES and bool(pc.all(pc.equal(pc.floor(unique), unique)).as_py())


def _answers(rows: int, columns: Mapping[str, pa.Array | pa.ChunkedArray] = MappingProxyType({})) -> pa.Table:
    types = {LABEL: pa.string(), SCORE: pa.float64(), VALUE: pa.float64(), TARGET: pa.string()}
    missing = {name: pa.nulls(rows, type_) for name, type_ in types.items() if name not in columns}
    of_classes = {name: column for name, column in columns.items() if name not in types}
    return pa.table({name: columns.get(name, missing.get(name)) for name in types} | of_classes)


def _doubles(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if not len(column) - column.null_count:
        return pa.nulls(len(column), pa.float64())
    return numbers(column, "file").finite


def _first(columns: Sequence[pa.Array]) -> pa.Array | None:
    return pc.coalesce(*columns) if columns else None


def of_current(spec: DriftMonitorSpec, table: pa.Table) -> Labelled | None:
    """The rows of a file that stands for a window; None where the object does not ask for the performance."""
    if spec.checks.performance is None:
        return None
    return of_store(table) if "request_id" in table.column_names else of_file(spec, table)


def without_answers(spec: DriftMonitorSpec, table: pa.Table) -> pa.Table:
    """The features of a file that stands for a window: not its predictions and labels, unless they are declared."""
    declared = {feature.name for feature in spec.model.features or []}
    features = feature_columns(table)
    named = {*file_columns(spec), *class_columns(spec, features)}
    others = named - declared if spec.checks.performance is not None else set()
    return features.select([place for place, name in enumerate(features.column_names) if name not in others])
