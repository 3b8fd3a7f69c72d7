"""The labels on the volume: Parquet by the hour (UTC) of their arrival. Reading takes the last label of each row, so a
label may lie in several files."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from driftmonitor_collector import frames, label_tables
from driftmonitor_collector.frames import Frame
from driftmonitor_collector.store import columnar, files, partitions, sums
from driftmonitor_collector.store.log import ReadableLog
from driftmonitor_collector.store.sums import DamagedFileError
from driftmonitor_collector.tables import split_by_hour

MERGED_FILES = 16
"""So many files of an hour become one."""
_logger = logging.getLogger(__name__)


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
            _merge(earlier)


def _merge(paths: Sequence[Path]) -> None:
    found: dict[Path, pa.Table] = {}
    for path in paths:
        try:
            found[path] = columnar.read(path)
        except DamagedFileError as error:  # whoever reads labels puts it apart; until then it stays as it is
            _logger.error("%s; it is left out when files of labels are merged", error)
    if len(found) < 2:
        return
    *others, last = found  # the last, so that whoever reads them in order misses none
    _write(last, label_tables.latest(pa.concat_tables(found.values())))
    for path in others:
        path.unlink()
    files.sync_directory(last.parent)


def _write(path: Path, table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd", write_page_checksum=True)
    content = sums.with_sums(sink.getvalue().to_pybytes())
    files.write_atomically(path, lambda file: file.write(content))


def read_all(root: Path, log: ReadableLog, instead: Callable[[Path], pa.Table | None]) -> Iterator[pa.Table]:
    """Every label, a file or a segment of the log at a time; one deleted meanwhile may be left out.

    The log is read first and the files of its segments are left out, as for windows. `instead` puts a damaged file
    apart; it may have what was to be read from elsewhere.
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
                table: pa.Table | None = columnar.read(path)
            except FileNotFoundError:  # merged into a later one, or its retention has passed meanwhile
                continue
            except DamagedFileError:
                table = instead(path)
            if table is not None:
                yield table
