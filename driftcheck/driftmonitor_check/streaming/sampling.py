"""Some rows of a source, all columns of them: for what needs the columns beside each other."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftmonitor_check.streaming.aggregates import Distributed
from driftmonitor_check.streaming.sources import Source

SEED = 0


def sampled(source: Source, rows: int) -> pa.Table:
    """At most so many rows in their order, each with the same chance, and the same ones for the same number of rows."""
    total, names = source.num_rows, source.schema.names
    chosen = np.arange(total)
    if total > rows:
        chosen = np.sort(np.random.default_rng(SEED).choice(total, rows, replace=False))
    return at(source, chosen, names)


def at(source: Source, places: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
    """The columns of the rows at these places, which are sorted."""
    if isinstance(source, Distributed):
        return source.take(places, columns)
    return taken(source.batches(columns), places, pa.schema([source.schema.field(name) for name in columns]))


def taken(batches: Iterable[pa.RecordBatch], places: NDArray[np.int64], schema: pa.Schema) -> pa.Table:
    """The rows at these places, which are sorted."""
    pieces, first = [], 0
    for batch in batches:
        begin, end = np.searchsorted(places, (first, first + batch.num_rows))
        if end > begin:
            pieces.append(batch.take(pa.array(places[begin:end] - first)))
        first += batch.num_rows
    return pa.Table.from_batches(pieces, schema)
