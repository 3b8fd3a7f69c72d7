"""Pure: which columns are compared, as which type, with which test."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from driftmonitor_api.records import FEATURE_COLUMN_PREFIX
from driftmonitor_api.v1alpha1 import DriftMonitorSpec, FeatureType
from driftmonitor_check.methods import ConfigurationError, DriftTest, drift_test

PREDICTION_COLUMNS = ("prediction.label", "prediction.score", "prediction.value")
"""What the model says of a row, by its place in the record."""


@dataclass(frozen=True)
class Column:
    """One column to compare."""

    name: str
    type: FeatureType
    test: DriftTest


def feature_columns(table: pa.Table) -> pa.Table:
    """The features of a window, under their own names.

    A table as the collector stores it has them behind a prefix, among other columns; any other table has features only.
    """
    if "request_id" not in table.column_names:
        return table
    kept = [index for index, name in enumerate(table.column_names) if name.startswith(FEATURE_COLUMN_PREFIX)]
    features = table.select(kept)
    return features.rename_columns([name.removeprefix(FEATURE_COLUMN_PREFIX) for name in features.column_names])


def categorical_features(spec: DriftMonitorSpec) -> frozenset[str]:
    """The features that the object declares to be categories: their digits are names, not numbers."""
    return frozenset(feature.name for feature in spec.model.features or [] if feature.type == "Categorical")


def redacted_features(spec: DriftMonitorSpec) -> list[str]:
    """The features that records leave out or have a hash of, sorted: the store has not what the reference has."""
    redact = spec.logging.redact
    return sorted({*(redact.drop or []), *(redact.hash or [])}) if redact is not None else []


def compared_features(spec: DriftMonitorSpec, stored: Sequence[str]) -> list[str]:
    """The features to compare, in the object's order: `spec.model.features`, or without those what is stored."""
    redacted = redacted_features(spec)
    names = [feature.name for feature in spec.model.features or []] or stored
    return [name for name in names if name not in redacted]


def resolve(spec: DriftMonitorSpec, window: pa.Schema, reference: pa.Schema | None) -> list[Column]:
    """The columns to compare, in the object's order.

    They are `spec.model.features`, or without those the window's columns, with types from the reference (a number is
    Numerical, all else Categorical); in both cases without what is redacted. ConfigurationError when the object asks
    for what cannot be.
    """
    bounds = spec.checks.window
    if bounds.min_rows > bounds.max_rows:
        raise ConfigurationError(
            f"spec.checks.window.minRows: {bounds.min_rows} rows can never be reached, because maxRows is "
            f"{bounds.max_rows}; lower minRows or raise maxRows"
        )
    types = _types(spec, window, reference)
    redacted = redacted_features(spec)
    if hidden := [name for name in spec.checks.drift.columns if name in redacted]:
        raise ConfigurationError(
            f"spec.checks.drift.columns.{hidden[0]}: spec.logging.redact keeps this feature out of the store, so it"
            " cannot be compared; remove one of the two"
        )
    unknown = [name for name in spec.checks.drift.columns if name not in types and name not in PREDICTION_COLUMNS]
    if unknown and types:
        raise ConfigurationError(
            f"spec.checks.drift.columns.{unknown[0]}: the model has no such feature; its features are {_some(types)}"
        )
    return [Column(name, type_, drift_test(spec.checks.drift, name, type_)) for name, type_ in types.items()]


def _types(spec: DriftMonitorSpec, window: pa.Schema, reference: pa.Schema | None) -> dict[str, FeatureType]:
    declared = {feature.name: feature.type for feature in spec.model.features or []}
    names = compared_features(spec, window.names)
    return {name: declared[name] if declared else _inferred(name, reference, window) for name in names}


def _inferred(name: str, *schemas: pa.Schema | None) -> FeatureType:
    fields = [field for schema in schemas if schema is not None for field in schema if field.name == name]
    known = [field.type for field in fields if not pa.types.is_null(field.type)]
    return "Numerical" if known and is_number(known[0]) else "Categorical"


def is_number(type_: pa.DataType) -> bool:
    """Whether values of the type are numbers; a boolean is none."""
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))


def _some(names: dict[str, FeatureType], limit: int = 20) -> str:
    shown = ", ".join(list(names)[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
