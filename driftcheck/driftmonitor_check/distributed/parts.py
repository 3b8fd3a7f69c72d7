"""A data set of Parquet files, on a disk or in an object store, in parts that can be sent to other machines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import dataset, fs

from driftmonitor_check.streaming.sources import BATCH_ROWS

PART_ROWS = 1_000_000
"""Rows of a part, at least, unless its file ends before: a row group is never divided."""


@dataclass(frozen=True)
class Part:
    """Some row groups of one file."""

    fragment: dataset.ParquetFileFragment
    rows: int
    schema: pa.Schema

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Its rows in their order."""
        options = dataset.ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)
        # One batch ahead, or a scanner keeps sixteen of each file in memory.
        scanner = self.fragment.scanner(
            schema=self.schema,
            columns=list(columns),
            batch_size=BATCH_ROWS,
            batch_readahead=1,
            fragment_scan_options=options,
            use_threads=False,
        )
        yield from scanner.to_batches()


def parts(address: str, rows: int = PART_ROWS) -> list[Part]:
    """The parts of the data set at a path or an s3:// or gs:// address, always in the same order.

    Raises ValueError (as Arrow's errors are) where there are no Parquet files of one schema.
    """
    store, path = fs.FileSystem.from_uri(address) if "://" in address else (fs.LocalFileSystem(), address)
    files = sorted(_files(store, path))
    if not files:
        raise ValueError(f"{address} has no *.parquet files")
    found = dataset.dataset(files, format="parquet", filesystem=store)
    divided: list[Part] = []
    schema: pa.Schema | None = None
    for fragment in sorted(found.get_fragments(), key=lambda each: each.path):
        own = fragment.physical_schema.remove_metadata()
        schema = own if schema is None else schema
        if own != schema:
            raise ValueError(f"{len(files)} Parquet files of different columns; give files of the same ones")
        divided += _divided(fragment, schema, rows)
    if not divided:
        raise ValueError(f"{address} has *.parquet files, and not one row in them")
    return divided


def _files(store: fs.FileSystem, path: str) -> list[str]:
    found = store.get_file_info(path)
    if found.type == fs.FileType.File:
        return [path]
    selector = fs.FileSelector(path, recursive=True, allow_not_found=True)
    return [
        each.path
        for each in store.get_file_info(selector)
        if each.type == fs.FileType.File and Path(each.path).suffix == ".parquet"
    ]


def _divided(fragment: dataset.ParquetFileFragment, schema: pa.Schema, rows: int) -> Iterator[Part]:
    chosen: list[int] = []
    held = 0
    groups = fragment.row_groups
    for place, group in enumerate(groups):
        chosen.append(group.id)
        held += group.num_rows
        if held >= rows or place == len(groups) - 1:
            yield Part(fragment.subset(row_group_ids=chosen), held, schema)
            chosen, held = [], 0
