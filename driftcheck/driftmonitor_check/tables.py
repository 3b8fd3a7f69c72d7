"""Reads a Parquet, Arrow IPC or CSV file, which is told by its content and not by its name."""

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.mapping import mapped_table

if TYPE_CHECKING:
    from pyarrow import parquet

_PARQUET_MAGIC, _ARROW_MAGIC, _ARROW_STREAM_MAGIC = b"PAR1", b"ARROW1\x00\x00", b"\xff\xff\xff\xff"
_OTHERS = {
    b"\x1f\x8b": "compressed with gzip; decompress it",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; decompress it",
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\x80\x04\x95": "a pickle, which is never opened",
    b"\x80\x05\x95": "a pickle, which is never opened",
    b"Obj\x01": "Avro",
}
"""How files begin that people may take for one of these, and no text can."""
_LONGEST_MAGIC = 8
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

    Of a large Parquet or Arrow file they lie in a temporary file, and in memory only where they are looked at. Raises
    TableError when it is none of the three; a CSV file must have a header line.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(_LONGEST_MAGIC)
        if begin.startswith(_PARQUET_MAGIC):
            return _read_parquet(path, columns)
        if begin.startswith((_ARROW_MAGIC, _ARROW_STREAM_MAGIC)):
            return _read_arrow(path, columns, stream=begin.startswith(_ARROW_STREAM_MAGIC))
        if other := next((what for magic, what in _OTHERS.items() if begin.startswith(magic)), None):
            raise TableError(f"is {other}")
        return _read_csv(path, columns, texts)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last of a column's name
        raise TableError(f"cannot be read: {error}") from error


def _read_arrow(path: Path, columns: Collection[str] | None, *, stream: bool) -> pa.Table:
    """What is in the buffers is looked at before anything is computed of it: offsets that lie would end the process."""
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_stream(file) if stream else pa.ipc.open_file(file)
        wanted = _wanted(reader.schema.names, columns)
        places = [index for index, name in enumerate(reader.schema.names) if name in wanted]
        batches = iter(reader) if stream else map(reader.get_batch, range(reader.num_record_batches))
        return mapped_table(partial(_write_arrow, batches, reader.schema, places))


def _write_arrow(batches: Iterator[pa.RecordBatch], schema: pa.Schema, places: list[int], into: IO[bytes]) -> None:
    chosen = pa.schema([schema.field(place) for place in places])
    with pa.ipc.new_stream(into, chosen) as writer:
        for batch in batches:
            narrow = pa.RecordBatch.from_arrays([batch.column(place) for place in places], schema=chosen)
            narrow.validate(full=True)
            writer.write_batch(narrow)


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
