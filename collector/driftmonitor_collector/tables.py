"""Records -> Arrow tables of flat, typed columns; tables of differing columns -> one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

import pyarrow as pa
from pyarrow import compute

from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.records import FeatureValue, Record

FEATURE_COLUMN_PREFIX = "feature_"  # as driftmonitor_api.records has it, without the cost of importing pydantic
CLASS_SCORE_COLUMN_PREFIX = "prediction_score_"
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
"""The columns of every table; those of class scores, where records have them, and of features follow."""
ORDER = [("timestamp", "ascending"), ("writer", "ascending"), ("seq", "ascending")]
"""How rows are put in order; no two are equal in it."""
RECORD_FIELDS = ("request_id", "row", "timestamp", "monitor", "model", "model_version", "writer", "seq", "latency_ms", "trace_id")  # fmt: skip  # noqa: E501  # one list
_PREDICTION_FIELDS = ("label", "score", "value")
_OUTLIER_FIELDS = ("flag", "score")
_HOUR_MICROSECONDS = 3_600_000_000


def from_records(records: Sequence[Record]) -> pa.Table:
    """A column for each field, and for each class score and feature of any record."""
    arrays = [
        pa.array([getattr(record, name) for record in records], SCHEMA.field(name).type) for name in RECORD_FIELDS
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
    scores = [prediction.scores or {} for prediction in predictions]
    for name in dict.fromkeys(chain.from_iterable(scores)):
        columns[CLASS_SCORE_COLUMN_PREFIX + name] = pa.array([row.get(name) for row in scores], pa.float64())
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
    """One table with the columns of all, as `united` has them."""
    tables = [SCHEMA.empty_table(), *tables]
    schema = united(table.schema for table in tables)
    return pa.concat_tables([conform(table, schema) for table in tables])


def united(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """The columns of all: a feature is a double where it is one in every schema, else a string."""
    kinds = {field.name: field.type for field in SCHEMA}
    for field in chain.from_iterable(schemas):
        known = kinds.setdefault(field.name, field.type)
        if known != field.type:
            kinds[field.name] = pa.string()
    return pa.schema(kinds)


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with exactly these columns: those that it lacks are null."""
    if table.schema == schema:
        return table
    names = set(table.column_names)
    return pa.table(
        [
            table[field.name].cast(field.type) if field.name in names else pa.nulls(table.num_rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


def in_order(table: pa.Table) -> pa.Table:
    """The rows in ORDER, in one piece."""
    return table.take(compute.sort_indices(table, sort_keys=ORDER)).combine_chunks()


def enter_keys(table: pa.Table, ledger: Ledger) -> None:
    """Enter the rows' writers and seqs as stored."""
    if not table.num_rows:
        return
    keys = table.select(["writer", "seq"]).combine_chunks().sort_by([("writer", "ascending"), ("seq", "ascending")])
    writers, numbers = keys["writer"].combine_chunks(), keys["seq"].combine_chunks()
    gap = compute.not_equal(numbers[1:], compute.add(numbers[:-1], 1))
    breaks = compute.or_(gap, compute.not_equal(writers[1:], writers[:-1]))
    last = [*compute.indices_nonzero(breaks).to_pylist(), len(numbers) - 1]
    first = [0, *(place + 1 for place in last[:-1])]
    for begin, end in zip(first, last, strict=True):
        ledger.account(writers[begin].as_py()).stored.add(numbers[begin].as_py(), numbers[end].as_py())


def split_by_hour(table: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    """The rows of each hour (UTC), the hours in order; rows keep their order."""
    hours = compute.divide(table["timestamp"].cast(pa.int64()), _HOUR_MICROSECONDS)  # no timestamp is before 1970
    found = sorted(compute.unique(hours).to_pylist())
    for hour in found:
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        yield start, table if len(found) == 1 else table.filter(compute.equal(hours, hour))
