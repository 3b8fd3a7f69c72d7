"""Windows read from Parquet files and log: each row once, as they all were at one moment, in bounded memory.

The log is looked at first, and the files of its segments are left out: a segment that is compacted meanwhile is in what
was seen, and one that begins meanwhile is only in its files.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyarrow import compute

from driftmonitor_collector import frames, ordering, parsing, tables
from driftmonitor_collector.frames import Frame
from driftmonitor_collector.ordering import Piece, Span
from driftmonitor_collector.store import columnar, partitions
from driftmonitor_collector.store.columnar import Footer, Part
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import ReadableLog, Segment
from driftmonitor_collector.windows import ParameterError, WindowQuery

KEPT_ROWS = 200_000
"""Of the log: so many are kept once they are parsed; the segments of others are parsed again when their turn comes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rows:
    """A window's rows, oldest first; `tables` is read once. To be closed, also when that was not to its end."""

    schema: pa.Schema
    tables: Iterator[pa.Table]
    close: Callable[[], None]
    since: datetime
    """Older rows of the query are not among them, because of its limit."""

    def read_all(self) -> pa.Table:
        """All of them in memory, and close."""
        with closing(self):
            return pa.concat_tables([self.schema.empty_table(), *self.tables]).combine_chunks()


def open_window(layout: Layout, log: ReadableLog, query: WindowQuery) -> Rows:
    """The query's rows; ParameterError for a column that no table has. DamagedFileError here or while they are read."""
    with ExitStack() as stack:
        stack.enter_context(layout.snapshots.reading())
        with layout.snapshots.still:
            opened = log.open_all(stack)
            live = {segment.number for segment, _ in opened}
            paths = [
                path
                for _, directory in partitions.hours(layout.records, query.start, query.end)
                for path in partitions.files_in(directory, without=live)
            ]
        schemas: dict[pa.Schema, int] = {}
        footers = [(path, columnar.footer(partitions.find(path))) for path in paths]
        pieces = [*_of_log(opened, schemas), *_of_files(footers, schemas)]
        schema = selected(tables.united(sorted(schemas, key=schemas.__getitem__)), query.columns)
        span = ordering.newest(pieces, span_of(query), query.limit)
        _verify(footers, span)
        found = ordering.ahead(ordering.ordered(pieces, schema, span))
        return Rows(schema, found, stack.pop_all().close, _EPOCH + timedelta(microseconds=span.start))


def _verify(footers: Iterable[tuple[Path, Footer]], span: Span) -> None:
    """DamagedFileError now, while the answer has not begun. What is read for this is in the page cache after it."""
    for path, footer in footers:
        if any(part.latest >= span.start and part.earliest < span.end for part in footer.parts):
            columnar.verify(partitions.find(path))


def span_of(query: WindowQuery) -> Span:
    """The times of the query."""
    start, end = ((time - _EPOCH) // timedelta(microseconds=1) for time in (query.start, query.end))
    return Span(start, end)


def selected(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    """The columns asked for; a feature or a class's score that no row has is null. ParameterError for any other."""
    if columns is None:
        return schema
    fields = []
    for name in columns:
        if name in schema.names:
            fields.append(schema.field(name))
        elif name.startswith((tables.FEATURE_COLUMN_PREFIX, tables.CLASS_SCORE_COLUMN_PREFIX)):
            fields.append(pa.field(name, pa.float64()))
        else:
            known = ", ".join([*tables.SCHEMA.names, f"{tables.CLASS_SCORE_COLUMN_PREFIX}<class>"])
            raise ParameterError("columns", f"there is no {name[:100]!r}; there are {known}, and feature_<name>")
    return pa.schema(fields)


def _of_files(footers: Iterable[tuple[Path, Footer]], schemas: dict[pa.Schema, int]) -> Iterator[Piece]:
    for path, footer in footers:
        _note(schemas, footer.schema, partitions.segment_of(path))
        for part in footer.parts:
            load = partial(_load_part, path, part)
            yield Piece(part.rows, part.earliest, part.latest, part.is_sorted, load)


def _note(schemas: dict[pa.Schema, int], schema: pa.Schema, segment: int) -> None:
    """Remember the first segment of each schema: columns stand in the order in which they appeared."""
    schemas[schema] = min(segment, schemas.get(schema, segment))


def _load_part(path: Path, part: Part, columns: Sequence[str]) -> pa.Table:
    return columnar.read_part(partitions.find(path), part, columns)


def _of_log(opened: Sequence[tuple[Segment, BinaryIO]], schemas: dict[pa.Schema, int]) -> Iterator[Piece]:
    kept = 0
    for segment, file in opened:
        table = tables.in_order(_parse(segment, file))
        if not table.num_rows:
            continue
        _note(schemas, table.schema, segment.number)
        bounds = compute.min_max(table["timestamp"].cast(pa.int64()))
        load = partial(_reload, segment, file)
        if kept + table.num_rows <= KEPT_ROWS:
            kept += table.num_rows
            load = partial(_keep, table)
        yield Piece(table.num_rows, bounds["min"].as_py(), bounds["max"].as_py(), True, load)


def _parse(segment: Segment, file: BinaryIO) -> pa.Table:
    file.seek(0)
    found = (item for item in frames.scan(file.read(segment.length)) if isinstance(item, Frame))
    return tables.unify(parsing.record_tables(item.payload for item in found if item.kind in frames.RECORD_KINDS))


def _reload(segment: Segment, file: BinaryIO, columns: Sequence[str]) -> pa.Table:
    return _keep(tables.in_order(_parse(segment, file)), columns)


def _keep(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    return table.select([name for name in columns if name in table.column_names])
