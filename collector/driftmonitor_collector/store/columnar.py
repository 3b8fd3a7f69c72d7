"""Parquet files, written and read: small, checked, and in encodings that DuckDB, pandas, Polars and Spark all read.

BYTE_STREAM_SPLIT, which would save half a byte for each score, is not among them: Spark does not read it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import compute, parquet

from driftmonitor_collector.store import files
from driftmonitor_collector.tables import ORDER, TIMESTAMP

ROW_GROUP_ROWS = 1 << 17
"""What a reader has to hold at once of each file: some 45 MB of a row with 20 features."""
_COMPRESSION_LEVEL = 3  # 19 takes 27 times the CPU for 6 % less
_DELTAS = {
    "row": "DELTA_BINARY_PACKED",
    "timestamp": "DELTA_BINARY_PACKED",
    "seq": "DELTA_BINARY_PACKED",
    "request_id": "DELTA_BYTE_ARRAY",
    "trace_id": "DELTA_BYTE_ARRAY",
}
_REPETITIVE = {"monitor", "model", "model_version", "writer", "prediction_label"}
_SAMPLE_ROWS = 1 << 15
_MOST_DISTINCT = 0.65  # of a sample: with more, the dictionary takes more room than it saves


class DamagedFileError(Exception):
    """A Parquet file is not what was written; the message names it."""


class Part(NamedTuple):
    """A row group: the unit of reading. Times are microseconds since 1970, both inclusive."""

    number: int
    rows: int
    earliest: int
    latest: int
    is_sorted: bool


class Footer(NamedTuple):
    """What a file says of itself."""

    schema: pa.Schema
    parts: Sequence[Part]


def dictionary_columns(table: pa.Table) -> list[str]:
    """The columns in which values come again, so that numbering them pays: most features, which have few digits."""
    sample = table.slice(0, _SAMPLE_ROWS)
    found = []
    for field in table.schema:
        if field.name in _DELTAS or not (pa.types.is_floating(field.type) or pa.types.is_string(field.type)):
            continue
        if field.name in _REPETITIVE or compute.count_distinct(sample[field.name]).as_py() <= _MOST_DISTINCT * len(
            sample
        ):
            found.append(field.name)
    return found


def write(path: Path, table: pa.Table) -> None:
    """Create or replace the file by the table, whose rows are in ORDER, durably."""
    write_tables(path, table.schema, [table])


def write_tables(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Create or replace the file by tables that follow one another, a row group or more each."""
    rest = iter(tables)
    first = next(rest, schema.empty_table())

    def put(file: object) -> None:
        with parquet.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=_COMPRESSION_LEVEL,
            use_dictionary=dictionary_columns(first),
            column_encoding=_DELTAS,
            sorting_columns=parquet.SortingColumn.from_ordering(schema, ORDER),
            store_schema=False,  # the types of these columns are Parquet's own
            write_page_checksum=True,
        ) as writer:
            for table in (first, *rest):
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)

    files.write_atomically(path, put)


@contextmanager
def _opened(path: Path) -> Iterator[parquet.ParquetFile]:
    """FileNotFoundError if it is not there, DamagedFileError where a checksum or anything else in it is wrong."""
    with path.open("rb") as file:
        try:
            yield parquet.ParquetFile(file, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise DamagedFileError(f"{path} is damaged: {error}") from error


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The file's table; DamagedFileError."""
    with _opened(path) as file:
        return file.read(columns=None if columns is None else list(columns))


def read_part(path: Path, part: Part, columns: Sequence[str]) -> pa.Table:
    """A part's rows; columns that the file lacks are left out. DamagedFileError."""
    with _opened(path) as file:
        known = set(file.schema_arrow.names)
        return file.read_row_group(part.number, columns=[name for name in columns if name in known])


def footer(path: Path) -> Footer:
    """Its columns and parts; DamagedFileError."""
    with _opened(path) as file:
        metadata, schema = file.metadata, file.schema_arrow
        place = schema.names.index("timestamp")
        groups = map(metadata.row_group, range(metadata.num_row_groups))
        return Footer(schema, [_part(group, number, place) for number, group in enumerate(groups)])


def _part(group: parquet.RowGroupMetaData, number: int, place: int) -> Part:
    statistics = group.column(place).statistics
    earliest, latest = (pa.scalar(time, TIMESTAMP).value for time in (statistics.min, statistics.max))
    return Part(number, group.num_rows, earliest, latest, is_sorted=bool(group.sorting_columns))


def count_rows(path: Path) -> int:
    """The file's number of rows, from its footer; DamagedFileError."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def count_rows_or_none(path: Path) -> int | None:
    """The same; None of a file that is damaged."""
    try:
        return count_rows(path)
    except DamagedFileError:
        return None
