"""Many small Parquet files of an hour -> few, so that windows of weeks open few files, and a row takes less room.

Crash-safe at any instruction: an hour's folder is made anew beside the old one, which then makes way in one step. If
the process ends between that and the step that puts the new folder in its place, `finish` takes it at the next start.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.store import files, key_files, partitions
from driftmonitor_collector.store.layout import Layout

MERGED_FILES = 4
"""With so many small files an hour is made anew."""
SMALL_BYTES = 4 << 20
MOST_ROWS = 1 << 17
"""In a file made of several: they are in memory together, and are one row group."""
_MADE = ".made-"  # readers of Parquet folders skip names that start with a dot
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Small:
    """A small file."""

    path: Path
    rows: int


def groups(found: Sequence[Small]) -> Iterator[Sequence[Small]]:
    """Neighbours in the order of the log that fit into one file together; none if it is not worth it."""
    if len(found) < MERGED_FILES:
        return
    group: list[Small] = []
    for small in [*found, None]:
        if group and (small is None or sum(item.rows for item in group) + small.rows > MOST_ROWS):
            if len(group) > 1:
                yield group
            group = []
        if small is not None:
            group.append(small)


class Merging:
    """Of one data directory. One thread at a time may call it, and no compaction may run meanwhile."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._looked_at: dict[Path, int] = {}  # hours that cannot be made smaller, with their number of small files

    def step(self, compacted_through: int) -> bool:
        """Merge the files of one hour that is not the newest; False if there is nothing to do. DamagedFileError."""
        for _, directory in partitions.hours(self._layout.records)[1:]:
            paths = [path for path in _small(directory) if partitions.segment_of(path) <= compacted_through]
            if len(paths) < MERGED_FILES or self._looked_at.get(directory) == len(paths):
                continue
            found = list(groups([Small(path, _rows(path)) for path in paths]))
            if found:
                self._merge(directory, found)
                return True
            self._looked_at[directory] = len(paths)
        return False

    def _merge(self, directory: Path, found: Sequence[Sequence[Small]]) -> None:
        made = made_path(directory)
        with self._layout.snapshots.moving:
            try:
                made.mkdir()
                merged = {small.path for group in found for small in group}
                for path in partitions.files_in(directory, without=set()):
                    if path not in merged:
                        _link(path, made)
                for group in found:
                    _write(made, [small.path for small in group])
                files.sync_directory(made)
                files.sync_directory(made.parent)
                with self._layout.snapshots.still:
                    partitions.put_apart(directory, self._layout.snapshots)
                    made.rename(directory)
                files.sync_directory(directory.parent)
            except BaseException:
                _settle(made)
                raise
        partitions.delete_apart(self._layout.records, self._layout.snapshots)
        _logger.info("%s: %d small files are %d now", directory, len(merged), len(found))


def made_path(directory: Path) -> Path:
    """Where an hour's folder is made anew."""
    return directory.with_name(f"{_MADE}{directory.name}")


def finish(layout: Layout) -> None:
    """Put in place what a merging that was ended has made whole, and delete what it has not; at the start."""
    for made in layout.records.glob(f"date=*/{_MADE}hour=*"):
        _settle(made)
        files.sync_directory(made.parent)


def _settle(made: Path) -> None:
    directory = made.with_name(made.name.removeprefix(_MADE))
    if directory.exists():
        shutil.rmtree(made, ignore_errors=True)
    elif made.exists():  # it was whole before the old one made way
        made.rename(directory)


def _small(directory: Path) -> list[Path]:
    return [path for path in partitions.files_in(directory, without=set()) if path.stat().st_size < SMALL_BYTES]


def _rows(path: Path) -> int:
    from driftmonitor_collector.store import columnar  # loads pyarrow, which no ordinary start waits for

    return columnar.count_rows(path)


def _link(path: Path, directory: Path) -> None:
    os.link(path, directory / path.name)
    keys = key_files.path_of(path)
    if keys.exists():
        os.link(keys, directory / keys.name)


def _write(directory: Path, paths: Sequence[Path]) -> None:
    from driftmonitor_collector import tables
    from driftmonitor_collector.compaction import write_rows
    from driftmonitor_collector.store import columnar

    table = tables.in_order(tables.unify(columnar.read(path) for path in paths))
    write_rows(directory / partitions.merged_name(paths), table, Ledger())
