"""Pure: which columns are compared, as which type, with which test."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.records import CLASS_SCORE_COLUMN_PREFIX, FEATURE_COLUMN_PREFIX
from driftmonitor_api.v1alpha1 import DriftMonitorSpec, FeatureType
from driftmonitor_check.methods import ConfigurationError, DriftTest, drift_test

PREDICTION_COLUMNS = ("prediction.label", "prediction.score", "prediction.value")
"""What the model says of a row, by its place in the record."""
CLASS_SCORE_PREFIX = "prediction.score."
"""Of the column with the score of each class, where the model's rows have them: `prediction.score.<class>`."""
TARGET_COLUMN = "target"
"""What a row turned out to be."""

_ANSWERS = (*PREDICTION_COLUMNS, TARGET_COLUMN)


@dataclass(frozen=True)
class Column:
    """One column to compare."""

    name: str
    type: FeatureType
    test: DriftTest


def stored_class_scores(names: Iterable[str]) -> dict[str, str]:
    """Of the columns of the collector's table those with the scores of classes, and their names here."""
    return {
        name: CLASS_SCORE_PREFIX + name.removeprefix(CLASS_SCORE_COLUMN_PREFIX)
        for name in names
        if name.startswith(CLASS_SCORE_COLUMN_PREFIX)
    }


def feature_columns(table: pa.Table) -> pa.Table:
    """The features of a window, under their own names.

    A table as the collector stores it has them behind a prefix, among other columns; any other table has features only.
    """
    if "request_id" not in table.column_names:
        return table
    kept = [index for index, name in enumerate(table.column_names) if name.startswith(FEATURE_COLUMN_PREFIX)]
    features = table.select(kept)
    return features.rename_columns([name.removeprefix(FEATURE_COLUMN_PREFIX) for name in features.column_names])


def written_features(spec: DriftMonitorSpec) -> frozenset[str]:
    """The features whose digits are no numbers, by the object: names, times, texts."""
    return frozenset(
        feature.name for feature in spec.model.features or [] if feature.type in ("Categorical", "Datetime", "Text")
    )


def redacted_features(spec: DriftMonitorSpec) -> list[str]:
    """The features that records leave out or have a hash of, sorted: the store has not what the reference has."""
    redact = spec.logging.redact
    return sorted({*(redact.drop or []), *(redact.hash or [])}) if redact is not None else []


def compared_features(spec: DriftMonitorSpec, stored: Sequence[str]) -> list[str]:
    """The features to compare, in the object's order: `spec.model.features`, or without those what is stored."""
    redacted = redacted_features(spec)
    names = [feature.name for feature in spec.model.features or []] or stored
    return [name for name in names if name not in redacted]


def resolve(
    spec: DriftMonitorSpec, window: pa.Schema, reference: pa.Schema | None, *, texts: Collection[str] = ()
) -> list[Column]:
    """The columns to compare, in the object's order.

    They are `spec.model.features`, or without those the window's columns, with types from the reference, where `texts`
    are the columns of `free_texts`; in both cases without what is redacted. ConfigurationError when the object asks for
    what cannot be.
    """
    bounds = spec.checks.window
    if bounds.min_rows > bounds.max_rows:
        raise ConfigurationError(
            f"spec.checks.window.minRows: {bounds.min_rows} rows can never be reached, because maxRows is "
            f"{bounds.max_rows}; lower minRows or raise maxRows"
        )
    types = _types(spec, window, reference, texts)
    redacted = redacted_features(spec)
    if hidden := [name for name in spec.checks.drift.columns if name in redacted]:
        raise ConfigurationError(
            f"spec.checks.drift.columns.{hidden[0]}: spec.logging.redact keeps this feature out of the store, so it"
            " cannot be compared; remove one of the two"
        )
    unknown = [name for name in spec.checks.drift.columns if name not in types and name not in _ANSWERS]
    if unknown and types:
        raise ConfigurationError(
            f"spec.checks.drift.columns.{unknown[0]}: the model has no such feature; its features are {_some(types)}"
        )
    return [Column(name, type_, drift_test(spec.checks.drift, name, type_)) for name, type_ in types.items()]


def _types(
    spec: DriftMonitorSpec, window: pa.Schema, reference: pa.Schema | None, texts: Collection[str]
) -> dict[str, FeatureType]:
    declared = {feature.name: feature.type for feature in spec.model.features or []}
    names = compared_features(spec, window.names)
    if declared:
        return {name: declared[name] for name in names}
    return {name: "Text" if name in texts else _inferred(name, reference, window) for name in names}


def _inferred(name: str, *schemas: pa.Schema | None) -> FeatureType:
    fields = [field for schema in schemas if schema is not None for field in schema if field.name == name]
    known = [field.type for field in fields if not pa.types.is_null(field.type)]
    if not known:
        return "Categorical"
    type_ = known[0]
    if is_number(type_):
        return "Numerical"
    if pa.types.is_boolean(type_):
        return "Boolean"
    if pa.types.is_timestamp(type_) or pa.types.is_date(type_):
        return "Datetime"
    return "Embedding" if is_vector(type_) else "Categorical"


def free_texts(table: pa.Table) -> frozenset[str]:
    """The columns that people wrote texts into: mostly different ones, mostly of _WORDS words or more.

    Looked at are the first _LOOKED_AT values.
    """
    return frozenset(
        field.name
        for place, field in enumerate(table.schema)
        if is_text(field.type) and _free(table.column(place).slice(0, _LOOKED_AT))
    )


_LOOKED_AT = 1000
_WORDS = 4


def _free(values: pa.ChunkedArray) -> bool:
    texts = values.drop_null()
    if len(texts) < 2 or pc.count_distinct(texts).as_py() <= len(texts) / 2:
        return False
    spaces = pc.count_substring_regex(pc.utf8_trim_whitespace(texts), r"\s+").to_numpy()
    return bool((spaces >= _WORDS - 1).mean() > 0.5)


def is_number(type_: pa.DataType) -> bool:
    """Whether values of the type are numbers, or lengths of time, which count in seconds; a boolean is none."""
    return bool(
        pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_) or is_duration(type_)
    )


def is_duration(type_: pa.DataType) -> bool:
    """Whether values of the type are lengths of time, or times of a day, which is the length since its begin."""
    return bool(pa.types.is_duration(type_) or pa.types.is_time(type_))


def is_text(type_: pa.DataType) -> bool:
    """Whether values of the type are texts."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def is_vector(type_: pa.DataType) -> bool:
    """Whether values of the type are lists of numbers."""
    listed = pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_)
    return listed and bool(pa.types.is_integer(type_.value_type) or pa.types.is_floating(type_.value_type))


def _some(names: dict[str, FeatureType], limit: int = 20) -> str:
    shown = ", ".join(list(names)[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
