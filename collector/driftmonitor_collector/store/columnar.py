"""Parquet files, written and read: small, checked, and in encodings that DuckDB, pandas, Polars and Spark all read.

BYTE_STREAM_SPLIT, which would save half a byte for each score, is not among them: Spark does not read it.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import compute, parquet

from driftmonitor_collector.store import files, sums
from driftmonitor_collector.store.sums import DamagedFileError
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
        most = _MOST_DISTINCT * sample.num_rows
        if field.name in _REPETITIVE or compute.count_distinct(sample[field.name]).as_py() <= most:
            found.append(field.name)
    return found


def write(path: Path, table: pa.Table) -> None:
    """Create or replace the file by the table, whose rows are in ORDER, durably."""
    sink = pa.BufferOutputStream()
    parquet.write_table(
        table,
        sink,
        row_group_size=ROW_GROUP_ROWS,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=dictionary_columns(table),
        column_encoding=_DELTAS,
        sorting_columns=parquet.SortingColumn.from_ordering(table.schema, ORDER),
        store_schema=False,  # the types of these columns are Parquet's own
        write_page_checksum=True,
    )
    content = sums.with_sums(sink.getvalue().to_pybytes())
    files.write_atomically(path, lambda file: file.write(content))


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, MemoryError):
        raise
    except (pa.ArrowException, OSError, sums.WrongSumError) as error:
        # Arrow's own have no number. Too many open files, say, is no damage.
        if isinstance(error, OSError) and error.errno not in (None, errno.EIO):
            raise
        raise DamagedFileError(path, error) from error


def _load(path: Path) -> parquet.ParquetFile:
    """The whole file, checked; for a file of some MB that is faster than to check each page."""
    data = path.read_bytes()
    return parquet.ParquetFile(pa.BufferReader(data), page_checksum_verification=not sums.verify(data))


@contextmanager
def _with_footer(path: Path) -> Iterator[parquet.ParquetFile]:
    with _damage_named(path), path.open("rb") as file:
        sums.verify_footer(file)
        yield parquet.ParquetFile(file)


def verify(path: Path) -> None:
    """FileNotFoundError, DamagedFileError."""
    with _damage_named(path):
        data = path.read_bytes()
        if not sums.verify(data):  # of a version that wrote none
            parquet.ParquetFile(pa.BufferReader(data), page_checksum_verification=True).read()


def read_undamaged(path: Path, columns: Sequence[str]) -> pa.Table | None:
    """These columns of a file that may be damaged elsewhere; None if they are damaged, too."""
    try:
        with path.open("rb") as file:
            return parquet.ParquetFile(file, page_checksum_verification=True).read(columns=list(columns))
    except (pa.ArrowException, OSError):
        return None


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The file's table; FileNotFoundError, DamagedFileError."""
    with _damage_named(path):
        return _load(path).read(columns=None if columns is None else list(columns))


def read_part(path: Path, part: Part, columns: Sequence[str]) -> pa.Table:
    """A part's rows; columns that the file lacks are left out. FileNotFoundError, DamagedFileError."""
    with _damage_named(path):
        file = _load(path)
        known = set(file.schema_arrow.names)
        return file.read_row_group(part.number, columns=[name for name in columns if name in known])


def footer(path: Path) -> Footer:
    """Its columns and parts; FileNotFoundError, DamagedFileError."""
    with _with_footer(path) as file:
        metadata, schema = file.metadata, file.schema_arrow
        place = schema.names.index("timestamp")
        groups = map(metadata.row_group, range(metadata.num_row_groups))
        return Footer(schema, [_part(group, number, place) for number, group in enumerate(groups)])


def _part(group: parquet.RowGroupMetaData, number: int, place: int) -> Part:
    statistics = group.column(place).statistics
    earliest, latest = (pa.scalar(time, TIMESTAMP).value for time in (statistics.min, statistics.max))
    return Part(number, group.num_rows, earliest, latest, is_sorted=bool(group.sorting_columns))


def count_rows(path: Path) -> int:
    """The file's number of rows, from its footer; FileNotFoundError, DamagedFileError."""
    with _with_footer(path) as file:
        return int(file.metadata.num_rows)


def count_rows_or_none(path: Path) -> int | None:
    """The same; None of a file that is damaged."""
    try:
        return count_rows(path)
    except DamagedFileError:
        return None
