"""Reads a Parquet or CSV file."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

_PARQUET_MAGIC = b"PAR1"
NO_NUMBER = "^(|NA|N/A|NaN|nan|null|NULL|None)$"
_NO_TEXT = "^$"
"""What stands for a missing value in CSV files: a country may well be called NA, a number may not."""


class TableError(Exception):
    """The file could not be read; the message says why."""


def read_table(path: Path, *, columns: Collection[str] | None = None, texts: Collection[str] = ()) -> pa.Table:
    """The file's columns, those of `columns` if it has any; `texts` are not read as numbers from a CSV file.

    Raises TableError when it is neither Parquet nor CSV with a header line.
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

    with parquet.ParquetFile(path) as file:
        wanted = _wanted(file.schema_arrow.names, columns)
        table = file.read(columns=wanted)  # it takes `a` for all columns that begin with `a.`, too
    return table.select([index for index, name in enumerate(table.column_names) if name in wanted])


def _read_csv(path: Path, columns: Collection[str] | None, texts: Collection[str]) -> pa.Table:
    """Types are inferred from whole columns; pyarrow's own inference sees the first block and fails on what follows."""
    from pyarrow import csv

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
