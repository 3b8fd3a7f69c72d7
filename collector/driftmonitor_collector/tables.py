"""Records -> Arrow tables of flat, typed columns; tables of differing columns -> one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

import pyarrow as pa
from pyarrow import compute

from driftmonitor_collector.records import FeatureValue, Record

FEATURE_COLUMN_PREFIX = "feature_"  # as driftmonitor_api.records has it, without the cost of importing pydantic
TIMESTAMP = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    {
        "request_id": pa.string(),
        "row": pa.int32(),
        "timestamp": TIMESTAMP,
        "monitor": pa.string(),
        "model": pa.string(),
        "model_version": pa.string(),
        "writer": pa.string(),
        "seq": pa.int64(),
        "latency_ms": pa.float64(),
        "trace_id": pa.string(),
        "prediction_label": pa.string(),
        "prediction_score": pa.float64(),
        "prediction_value": pa.float64(),
        "outlier_flag": pa.bool_(),
        "outlier_score": pa.float64(),
    }
)
"""The columns of every table; those of features follow."""
_RECORD_FIELDS = ("request_id", "row", "timestamp", "monitor", "model", "model_version", "writer", "seq", "latency_ms", "trace_id")  # fmt: skip  # noqa: E501  # one list
_PREDICTION_FIELDS = ("label", "score", "value")
_OUTLIER_FIELDS = ("flag", "score")
_HOUR_MICROSECONDS = 3_600_000_000


def from_records(records: Sequence[Record]) -> pa.Table:
    """A column for each field and for each feature of any record."""
    arrays = [
        pa.array([getattr(record, name) for record in records], SCHEMA.field(name).type) for name in _RECORD_FIELDS
    ]
    predictions = [record.prediction for record in records]
    for name in _PREDICTION_FIELDS:
        kind = SCHEMA.field(f"prediction_{name}").type
        arrays.append(pa.array([getattr(prediction, name) for prediction in predictions], kind))
    outliers = [record.outlier for record in records]
    for name in _OUTLIER_FIELDS:
        kind = SCHEMA.field(f"outlier_{name}").type
        arrays.append(pa.array([None if found is None else getattr(found, name) for found in outliers], kind))
    columns = dict(zip(SCHEMA.names, arrays, strict=True))
    for name, values in _feature_values(records):
        columns[FEATURE_COLUMN_PREFIX + name] = _feature_array(values)
    return pa.table(columns)


def _feature_values(records: Sequence[Record]) -> Iterator[tuple[str, Sequence[FeatureValue]]]:
    rows = [record.features for record in records]
    if not rows:
        return
    names = list(rows[0])
    if all(list(row) == names for row in rows):  # one model's records nearly always agree
        yield from zip(names, zip(*(row.values() for row in rows), strict=True), strict=True)
    else:
        for name in dict.fromkeys(chain.from_iterable(rows)):
            yield name, [row.get(name) for row in rows]


def _feature_array(values: Sequence[FeatureValue]) -> pa.Array:
    kinds = set(map(type, values))
    if str not in kinds:
        if bool in kinds:
            values = [None if value is None else float(value) for value in values]
        return pa.array(values, pa.float64())
    if kinds <= {str, type(None)}:
        return pa.array(values, pa.string())
    # A number becomes the text that it becomes when a whole column is cast, wherever the file's border lies.
    numbers = pa.array(
        [None if isinstance(value, str) or value is None else float(value) for value in values], pa.float64()
    )
    texts = pa.array([value if isinstance(value, str) else None for value in values], pa.string())
    return compute.coalesce(texts, numbers.cast(pa.string()))


def unify(tables: Iterable[pa.Table]) -> pa.Table:
    """One table with the columns of all: a feature is a double where it is one in every table, else a string."""
    tables = [SCHEMA.empty_table(), *tables]
    kinds = {field.name: field.type for field in SCHEMA}
    for field in chain.from_iterable(table.schema for table in tables):
        known = kinds.setdefault(field.name, field.type)
        if known != field.type:
            kinds[field.name] = pa.string()
    schema = pa.schema(kinds)
    return pa.concat_tables([_conform(table, schema) for table in tables])


def _conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    names = set(table.column_names)
    return pa.table(
        [
            table[field.name].cast(field.type) if field.name in names else pa.nulls(table.num_rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


def between(table: pa.Table, start: datetime, end: datetime) -> pa.Table:
    """The rows with start <= timestamp < end."""
    times = table["timestamp"]
    return table.filter(
        compute.and_(
            compute.greater_equal(times, pa.scalar(start, TIMESTAMP)), compute.less(times, pa.scalar(end, TIMESTAMP))
        )
    )


def newest(table: pa.Table, limit: int) -> pa.Table:
    """The `limit` newest rows, oldest first."""
    order = compute.sort_indices(
        table, sort_keys=[("timestamp", "ascending"), ("writer", "ascending"), ("seq", "ascending")]
    )
    return table.take(order[max(0, len(order) - limit) :]).combine_chunks()


def split_by_hour(table: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    """The rows of each hour (UTC), the hours in order; rows keep their order."""
    hours = compute.divide(table["timestamp"].cast(pa.int64()), _HOUR_MICROSECONDS)  # no timestamp is before 1970
    found = sorted(compute.unique(hours).to_pylist())
    for hour in found:
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        yield start, table if len(found) == 1 else table.filter(compute.equal(hours, hour))
