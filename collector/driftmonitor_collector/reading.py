"""Windows read from the Parquet files and from the log, each row once."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from driftmonitor_collector import frames, tables
from driftmonitor_collector.frames import Frame
from driftmonitor_collector.records import decode_stored
from driftmonitor_collector.store import columnar, partitions
from driftmonitor_collector.store.log import Log
from driftmonitor_collector.windows import WindowQuery

CHUNK_ROWS = 10_000


def read_window(root: Path, log: Log, query: WindowQuery) -> pa.Table:
    """The query's rows, oldest first, with every column that one of them may have.

    The log is read first and the files of its segments are left out: a segment that is compacted meanwhile is in what
    was read, and one that begins meanwhile is only in its files.
    """
    segments = log.read_all()
    live = {number for number, _ in segments}
    found = [tables.between(log_table(data), query.start, query.end) for _, data in segments]
    rows = 0
    for _, directory in partitions.hours(root, query.start, query.end):
        parts = _read_hour(directory, live, query)
        rows += sum(table.num_rows for table in parts)
        found += parts
        if rows >= query.limit:  # hours come newest first: all older rows are beyond the limit
            break
    return tables.newest(tables.unify(found), query.limit)


def _read_hour(directory: Path, live: set[int], query: WindowQuery) -> list[pa.Table]:
    """The rows of an hour's files; none, rather than a part, when the hour is deleted meanwhile."""
    try:
        return [
            tables.between(columnar.read(path), query.start, query.end)
            for path in partitions.files_in(directory, without=live)
        ]
    except FileNotFoundError:
        return []


def log_table(data: bytes) -> pa.Table:
    """The records of a segment's bytes."""
    return tables.unify(record_tables(item for item in frames.scan(data) if isinstance(item, Frame)))


def record_tables(items: Iterable[Frame]) -> list[pa.Table]:
    """The records in the frames, some thousand a table: as Python objects they take ten times the memory."""
    found, records = [], []
    for item in items:
        if item.kind in frames.RECORD_KINDS:
            records += decode_stored(item.payload)
            if len(records) >= CHUNK_ROWS:
                found.append(tables.from_records(records))
                records = []
    if records:
        found.append(tables.from_records(records))
    return found
