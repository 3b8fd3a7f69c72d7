"""Rows of many pieces -> one sequence in order, a bounded number of them in memory at a time.

Times are microseconds since 1970, UTC.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import compute

from driftmonitor_collector import tables

BATCH_ROWS = 1 << 16
"""Pieces are joined until so many rows can be put in order together."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that are loaded together: a row group of a file, or a part of the log."""

    rows: int
    earliest: int
    latest: int
    is_sorted: bool
    load: Callable[[Sequence[str]], pa.Table]
    """The rows with those of the given columns that they have; in order if `is_sorted`."""


@dataclass(frozen=True, slots=True)
class Span:
    """The rows with start <= timestamp < end, but for the first `skip` of them."""

    start: int
    end: int
    skip: int = 0


def newest(pieces: Iterable[Piece], span: Span, limit: int) -> Span:
    """The span of the `limit` newest of its rows."""
    found = [piece for piece in pieces if piece.latest >= span.start and piece.earliest < span.end]
    if sum(piece.rows for piece in found) <= limit:
        return span
    found.sort(key=lambda piece: piece.latest)
    times = pa.array([], pa.int64())
    while found:  # from the newest, until no other piece can have one of them
        piece = found.pop()
        table = piece.load(("timestamp",))
        loaded = _times(_within(table, span, is_sorted=piece.is_sorted))
        times = pa.concat_arrays([times, *loaded.chunks])
        rest = found[-1].latest if found else span.start - 1
        if _count(compute.greater(times, rest)) >= limit:
            break
    if len(times) < limit:
        return span
    place = len(times) - limit
    start = times[compute.partition_nth_indices(times, pivot=place)[place].as_py()].as_py()
    return Span(start, span.end, skip=_count(compute.greater_equal(times, start)) - limit)


def ordered(pieces: Iterable[Piece], schema: pa.Schema, span: Span) -> Iterator[pa.Table]:
    """The rows of the span with the columns of the schema, oldest first; those of one time by writer and seq."""
    for table in _merged(pieces, _with_keys(schema), span):
        skipped = min(span.skip, table.num_rows)
        span = Span(span.start, span.end, span.skip - skipped)
        if skipped < table.num_rows:
            yield table.slice(skipped).select(schema.names)


def ahead(found: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same, the next one being made while the one before is used."""
    with ThreadPoolExecutor(1, "window") as executor:
        future = executor.submit(next, found, None)
        while (table := future.result()) is not None:
            future = executor.submit(next, found, None)
            yield table


def _with_keys(schema: pa.Schema) -> pa.Schema:
    for name, _ in tables.ORDER:
        if name not in schema.names:
            schema = schema.append(tables.SCHEMA.field(name))
    return schema


def _merged(pieces: Iterable[Piece], schema: pa.Schema, span: Span) -> Iterator[pa.Table]:
    waiting = [(piece.earliest, place, piece) for place, piece in enumerate(pieces)]
    waiting = [item for item in waiting if item[2].latest >= span.start and item[0] < span.end]
    heapq.heapify(waiting)
    loaded: list[pa.Table] = []  # in order each
    while waiting or loaded:
        if waiting:
            piece = heapq.heappop(waiting)[2]
            table = tables.conform(piece.load(schema.names), schema)
            if not piece.is_sorted:
                table = tables.in_order(table)
            loaded.append(_within(table, span, is_sorted=True))
        # Whatever is not loaded yet is of this time or later.
        frontier = waiting[0][0] if waiting else span.end
        ready = [_count(compute.less(_times(table), frontier)) for table in loaded]
        if sum(ready) >= BATCH_ROWS or not waiting:
            parts = [table.slice(0, count) for table, count in zip(loaded, ready, strict=True) if count]
            loaded = [table.slice(count) for table, count in zip(loaded, ready, strict=True) if count < table.num_rows]
            if parts:
                yield _joined(parts)


def _joined(parts: Sequence[pa.Table]) -> pa.Table:
    """One table in order, made of tables in order. Only where they overlap in time they are put in order anew."""
    found: list[pa.Table] = []
    for group in _overlapping(parts):
        if len(group) > 1:
            latest = sorted(part["timestamp"][-1].value for part in group)[-2]
            rest = [_split(part, latest + 1) for part in group]
            found.append(tables.in_order(pa.concat_tables([before for before, _ in rest])))
            group = [after for _, after in rest]
        found += group
    return pa.concat_tables(found)


def _overlapping(parts: Sequence[pa.Table]) -> Iterator[list[pa.Table]]:
    """The parts, and what of the first of several comes before all others, by groups that do not overlap."""
    waiting = sorted(parts, key=lambda part: part["timestamp"][0].value)
    while waiting:
        group = [waiting.pop(0)]
        latest = group[0]["timestamp"][-1].value
        while waiting and waiting[0]["timestamp"][0].value <= latest:
            latest = max(latest, waiting[0]["timestamp"][-1].value)
            group.append(waiting.pop(0))
        if len(group) > 1:
            before, group[0] = _split(group[0], group[1]["timestamp"][0].value)
            yield [before]
        yield group


def _split(table: pa.Table, time: int) -> tuple[pa.Table, pa.Table]:
    """The rows before the time, and the others."""
    place = _count(compute.less(_times(table), time))
    return table.slice(0, place), table.slice(place)


def _within(table: pa.Table, span: Span, *, is_sorted: bool) -> pa.Table:
    times = _times(table)
    if not is_sorted:
        return table.filter(compute.and_(compute.greater_equal(times, span.start), compute.less(times, span.end)))
    first = _count(compute.less(times, span.start))
    return table.slice(first, _count(compute.less(times, span.end)) - first)


def _times(table: pa.Table) -> pa.ChunkedArray:
    return table["timestamp"].cast(pa.int64())


def _count(mask: pa.Array) -> int:
    return int(compute.sum(mask).as_py() or 0)
