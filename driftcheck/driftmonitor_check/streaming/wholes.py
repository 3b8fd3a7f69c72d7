"""Columns of types that are not read in batches: times are read whole, of texts and embeddings a sample is."""

import numpy as np
import pyarrow as pa

from driftmonitor_check import scoring
from driftmonitor_check.cleaning import ColumnFaultError, clean, sample_rows
from driftmonitor_check.columns import Column
from driftmonitor_check.reading.readers import SAMPLED
from driftmonitor_check.streaming.aggregates import Distributed
from driftmonitor_check.streaming.scripts import StreamedScore
from driftmonitor_check.streaming.sources import Source


def whole_score(column: Column, reference: Source, current: Source, min_values: int, fits: bool) -> StreamedScore:
    """The score that the column has in memory. ColumnFaultError for one that does not fit in there, or as `clean`."""
    if column.type not in SAMPLED and not fits:
        raise ColumnFaultError(
            "statistic_check", f"a {column.type} column needs all values in memory at once, and there are too many"
        )
    before, after = (_table(column, source) for source in (reference, current))
    pair = clean(column.name, column.type, before, after, min_values=max(min_values, 1))
    return StreamedScore.exact(scoring.score(column.test.method, column.type, pair))


def _table(column: Column, source: Source) -> pa.Table:
    """All rows of the column, or those that the check of a table would look at, too."""
    if column.type not in SAMPLED:
        return pa.Table.from_batches(source.batches([column.name]), pa.schema([source.schema.field(column.name)]))
    rows, start, pieces = sample_rows(source.num_rows), 0, []
    if isinstance(source, Distributed):
        return source.take(rows, [column.name])
    for batch in source.batches([column.name]):
        inside = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + batch.num_rows)] - start
        pieces.append(batch.take(pa.array(inside)))
        start += batch.num_rows
    return pa.Table.from_batches(pieces, pa.schema([source.schema.field(column.name)]))
