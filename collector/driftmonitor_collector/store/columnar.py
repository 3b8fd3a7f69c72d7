"""Parquet files, written and read."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from driftmonitor_collector.store import files

# A dictionary pays for columns of few values; of numbers and ids it only grows before it is given up.
_REPETITIVE = ("monitor", "model", "model_version", "writer", "prediction_label")


def write(path: Path, table: pa.Table) -> None:
    """Create or replace the file, durably."""
    categories = [
        field.name for field in table.schema if field.name.startswith("feature_") and pa.types.is_string(field.type)
    ]
    dictionary = [*_REPETITIVE, *categories]
    files.write_atomically(
        path,
        lambda file: parquet.write_table(
            table, file, compression="zstd", compression_level=1, use_dictionary=dictionary
        ),
    )


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The file's table."""
    with path.open("rb") as file:
        return parquet.ParquetFile(file).read(columns=None if columns is None else list(columns))


def count_rows(path: Path) -> int:
    """The file's number of rows, from its footer."""
    with path.open("rb") as file:
        return int(parquet.ParquetFile(file).metadata.num_rows)


def count_rows_or_none(path: Path) -> int | None:
    """The same; None of a file that is damaged."""
    try:
        return count_rows(path)
    except (pa.ArrowException, OSError):
        return None
