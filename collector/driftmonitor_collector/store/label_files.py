"""The labels on the volume: Parquet by the hour (UTC) of their arrival. Reading takes the last label of each row, so a
label may lie in several files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from driftmonitor_collector import frames, label_tables
from driftmonitor_collector.frames import Frame
from driftmonitor_collector.store import files, partitions
from driftmonitor_collector.store.log import ReadableLog
from driftmonitor_collector.tables import split_by_hour

MERGED_FILES = 16
"""So many files of an hour become one."""


def write(root: Path, segment: int, payloads: Sequence[bytes]) -> None:
    """Write the files of a segment's labels, and merge those of the same hours of segments before it.

    Crash-safe at any instruction: a repetition makes the same files, and what is merged is deleted last.
    """
    if not payloads:
        return
    for hour, part in split_by_hour(label_tables.from_lines(payloads)):
        path = partitions.file_path(root, hour, segment)
        _write(path, part)
        earlier = [other for other in partitions.files_in(path.parent, without=set()) if other < path]
        if len(earlier) >= MERGED_FILES:
            merged = label_tables.latest(pa.concat_tables([_read(other) for other in earlier]))
            _write(earlier[-1], merged)  # the last, so that whoever reads them in order misses none
            for other in earlier[:-1]:
                other.unlink()
            files.sync_directory(path.parent)


def _write(path: Path, table: pa.Table) -> None:
    files.write_atomically(
        path, lambda file: parquet.write_table(table, file, compression="zstd", write_page_checksum=True)
    )


def _read(path: Path) -> pa.Table:
    with path.open("rb") as file:
        return parquet.ParquetFile(file, page_checksum_verification=True).read()


def read_all(root: Path, log: ReadableLog) -> Iterator[pa.Table]:
    """Every label, a file or a segment of the log at a time; one deleted meanwhile may be left out.

    The log is read first and the files of its segments are left out, as for windows.
    """
    live = set()
    for segment in log.segments():
        try:
            data = segment.read()
        except FileNotFoundError:  # compacted meanwhile: its files are complete
            continue
        live.add(segment.number)
        payloads = [
            item.payload for item in frames.scan(data) if isinstance(item, Frame) and item.kind == frames.LABELS
        ]
        if payloads:
            yield label_tables.from_lines(payloads)
    for _, directory in partitions.hours(root):
        for path in partitions.files_in(directory, without=live):
            try:
                yield _read(path)
            except FileNotFoundError:  # merged into a later one, or its retention has passed meanwhile
                continue
