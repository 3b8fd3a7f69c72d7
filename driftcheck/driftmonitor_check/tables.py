"""Reads a Parquet or CSV file."""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.mapping import mapped_table

if TYPE_CHECKING:
    from pyarrow import parquet

_PARQUET_MAGIC = b"PAR1"
NO_NUMBER = "^(|NA|N/A|NaN|nan|null|NULL|None)$"
_NO_TEXT = "^$"
"""What stands for a missing value in CSV files: a country may well be called NA, a number may not."""

IN_MEMORY_BYTES = 64 << 20
"""A larger Parquet file's columns lie in a temporary file."""
MAX_CSV_BYTES = 1 << 30
"""A CSV file is read into memory whole: the type of a column depends on its last row."""
_VALUE_BYTES = 8
_BATCH_ROWS = 1 << 16
_PIECE_BYTES = 1 << 20


class TableError(Exception):
    """The file could not be read; the message says why."""


def read_table(path: Path, *, columns: Collection[str] | None = None, texts: Collection[str] = ()) -> pa.Table:
    """The file's columns, those of `columns` if it has any; `texts` are not read as numbers from a CSV file.

    Of a large Parquet file they lie in a temporary file, and in memory only where they are looked at. Raises TableError
    when it is neither Parquet nor CSV with a header line.
    """
    try:
        return _read_parquet(path, columns) if _is_parquet(path) else _read_csv(path, columns, texts)
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"cannot be read: {error}") from error


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC


def _read_parquet(path: Path, columns: Collection[str] | None) -> pa.Table:
    from pyarrow import parquet

    # Pieces of a column instead of whole row groups at once, so that memory does not depend on how it was written.
    with parquet.ParquetFile(path, buffer_size=_PIECE_BYTES, pre_buffer=False) as file:
        wanted = _wanted(file.schema_arrow.names, columns)
        if file.metadata.num_rows * len(wanted) * _VALUE_BYTES <= IN_MEMORY_BYTES:
            table = file.read(columns=wanted)  # it takes `a` for all columns that begin with `a.`, too
        else:
            table = mapped_table(partial(_write_batches, file, wanted))
    return table.select([index for index, name in enumerate(table.column_names) if name in wanted])


def _write_batches(parquet_file: "parquet.ParquetFile", columns: list[str], into: IO[bytes]) -> None:
    writer = None
    for batch in parquet_file.iter_batches(_BATCH_ROWS, columns=columns):
        writer = writer or pa.ipc.new_stream(into, batch.schema)
        writer.write_batch(batch)
    if writer is not None:
        writer.close()


def _read_csv(path: Path, columns: Collection[str] | None, texts: Collection[str]) -> pa.Table:
    """Types are inferred from whole columns; pyarrow's own inference sees the first block and fails on what follows."""
    from pyarrow import csv

    if path.stat().st_size > MAX_CSV_BYTES:
        raise TableError(f"has more than the {MAX_CSV_BYTES >> 20} MiB that a CSV file may have; give a Parquet file")
    with csv.open_csv(path) as reader:
        names = reader.schema.names
    wanted = _wanted(names, columns)
    convert = csv.ConvertOptions(
        column_types={name: pa.string() for name in names}, include_columns=wanted, strings_can_be_null=False
    )
    table = csv.read_csv(path, convert_options=convert)
    arrays = [
        _or_null(column, _NO_TEXT) if name in texts else _inferred(column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.table(arrays, names=table.column_names)


def _inferred(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return _or_null(pc.utf8_trim_whitespace(column), NO_NUMBER).cast(pa.float64())
    except pa.ArrowInvalid:
        return _or_null(column, _NO_TEXT)


def _or_null(column: pa.ChunkedArray, missing: str) -> pa.ChunkedArray:
    # pa.scalar and pa.array would import pandas, for a second of processor time.
    nothing = pa.nulls(len(column), pa.string())
    return pc.if_else(pc.match_substring_regex(column, missing), nothing, column)


def _wanted(names: list[str], columns: Collection[str] | None) -> list[str]:
    """Those of the names that are asked for; all of them where that would be none, so that the error can say them."""
    return [name for name in names if columns is None or name in columns] or list(names)
