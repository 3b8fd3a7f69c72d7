"""Pure: the ids of both sides -> which rows are the same."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.cleaning import categories, raw_column

MAX_ROWS = 1_000_000
"""Of so many served rows, the newest, the ids are in memory."""


@dataclass(frozen=True)
class Joined:
    """Places of rows with the same id, pair by pair."""

    training: pa.Array
    serving: pa.Array


def join(training: pa.Table, id_column: str, serving: pa.Array, *, once: bool) -> Joined:
    """The pairs. An id that is there more than once in training is left out; in serving, too, where it must be there
    `once`. ColumnFaultError where there is no column of ids, or one that holds what is no id."""
    known = raw_column(training, id_column, "training file")
    first = max(0, len(serving) - MAX_ROWS)
    ids = categories(known, serving.slice(first))  # one spelling of 7, 7.0 and "7"
    kept = _nulled(ids.current, _repeated(ids.current)) if once else ids.current
    places = pc.index_in(kept, value_set=_nulled(ids.reference, _repeated(ids.reference)), skip_nulls=True)
    found = pc.indices_nonzero(pc.is_valid(places))
    return Joined(places.take(found), pc.add(found.cast(pa.int64()), first))


def _repeated(ids: pa.Array) -> pa.Array:
    counts = pc.value_counts(ids.drop_null())
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))


def _nulled(ids: pa.Array, without: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_in(ids, value_set=without), pa.nulls(len(ids), ids.type), ids)
