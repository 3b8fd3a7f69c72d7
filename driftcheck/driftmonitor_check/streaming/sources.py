"""Rows that are read in batches, as often as wanted."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import pyarrow as pa

BATCH_ROWS = 1 << 16
"""Rows in memory at once."""
_READ_AHEAD = 1 << 20
"""Bytes of a column that are read from a Parquet file at once; by default it would be a whole row group."""


class Source(Protocol):
    """One side of a comparison."""

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def num_rows(self) -> int: ...

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows of the columns, always in the same order."""
        ...


def head(source: Source, columns: Sequence[str]) -> pa.Table:
    """The first batch of those of the columns that the source has."""
    wanted = [name for name in columns if len(source.schema.get_all_field_indices(name)) == 1]
    batches = source.batches(wanted)
    return pa.Table.from_batches(list(islice(batches, 1)), pa.schema([source.schema.field(name) for name in wanted]))


class TableSource:
    """A table in memory."""

    def __init__(self, table: pa.Table, rows: int = BATCH_ROWS) -> None:
        self._table, self._rows = table, rows

    @property
    def schema(self) -> pa.Schema:
        return self._table.schema

    @property
    def num_rows(self) -> int:
        return int(self._table.num_rows)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from self._table.select(list(columns)).to_batches(max_chunksize=self._rows)


class ParquetSource:
    """Parquet files of one schema, such as the parts of a data set."""

    def __init__(self, paths: Sequence[Path], rows: int = BATCH_ROWS) -> None:
        """Raises ArrowInvalid for a file that is no Parquet, ValueError for none or one of another schema."""
        from pyarrow import parquet

        self._paths, self._rows = list(paths), rows
        schemas, self._num_rows = [], 0
        for path in self._paths:
            with parquet.ParquetFile(path) as file:
                schemas.append(file.schema_arrow.remove_metadata())
                self._num_rows += file.metadata.num_rows
        if not schemas or any(schema != schemas[0] for schema in schemas):
            raise ValueError(f"{len(schemas)} Parquet files of different columns; give files of the same ones")
        self._schema = schemas[0]

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    @property
    def num_rows(self) -> int:
        return self._num_rows

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        from pyarrow import parquet

        wanted = list(columns)
        for path in self._paths:
            with parquet.ParquetFile(path, buffer_size=_READ_AHEAD, pre_buffer=False) as file:
                # One thread, which is the cheapest, and no more columns in memory than one batch of each.
                for batch in file.iter_batches(self._rows, columns=wanted, use_threads=False):
                    yield batch.select(wanted)  # a name takes nested columns of that prefix along
