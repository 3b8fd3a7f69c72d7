"""What has passed the retention is deleted: records by the hour, reports, and lines that were set apart.

There is a retention by age, and one by size: of what is too much the oldest hours go, but never the newest.

A deletion is for good, and a clock may be wrong. So age counts from a time that the collector's clock has reached and
that something else has witnessed: a record's timestamp (the servers' clocks) or a report's name (the checks' clocks). A
clock that runs ahead deletes nothing early, and one that was set back deletes later.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from driftmonitor_collector.store import partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.reports import Reports
from driftmonitor_collector.store.state import Checkpoint

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Expired:
    """How much was deleted; `files` are reports and files of lines set apart."""

    hours: int = 0
    rows: int = 0
    files: int = 0


def cutoff(now: datetime, witnessed: Iterable[datetime], retention: timedelta) -> datetime | None:
    """Before it everything is to be deleted; None while no witness tells the time."""
    times = list(witnessed)
    return min(now, max(times)) - retention if times else None


def fitting(hours: Sequence[tuple[datetime, int]], limit: int) -> datetime | None:
    """The hour from which on all take no more than `limit` bytes together; None if all hours do, newest first."""
    size = 0
    for place, (_, count) in enumerate(hours):
        size += count
        if place and size > limit:
            return hours[place - 1][0]
    return None


def expire(
    layout: Layout,
    reports: Reports,
    checkpoint: Checkpoint,
    now: datetime,
    retention: timedelta,
    retention_bytes: int = 0,
) -> Expired:
    """Delete what has passed the retention, or is more than `retention_bytes` if that is not 0; not while a compaction
    runs.

    Crash-safe at any instruction: an hour disappears whole, and what was stored in it stays known, so that its rows are
    duplicates when they are sent again.
    """
    hours = partitions.hours(layout.records)
    before = cutoff(now, [*(hour for hour, _ in hours[:1]), *reports.newest_times()], retention)
    sized = fitting(_sizes(layout, hours), retention_bytes) if retention_bytes else None
    first = max((time for time in (before, sized) if time), default=None)
    old = [directory for hour, directory in reversed(hours) if first and hour + partitions.HOUR <= first]
    rows = sum(map(_rows, old))
    if old:
        # From now on the state cannot be counted from the Parquet files alone.
        checkpoint.save_copy(layout.kept_state)
    for directory in old:
        partitions.put_apart(directory, layout.snapshots)
    partitions.delete_apart(layout.records, layout.snapshots)
    _expire_labels(layout, first)
    removed = 0
    if before is not None:
        files = sum(_expire_files(folder, before) for folder in (layout.rejected, layout.damaged))
        removed = reports.expire(before) + files
    if old or removed:
        _logger.info(
            "retention: %d rows of %d hours and %d other files from before %s deleted", rows, len(old), removed, first
        )
    return Expired(len(old), rows, removed)


def stored_bytes(layout: Layout) -> int:
    """What counts for the retention by size."""
    hours = [*partitions.hours(layout.records), *partitions.hours(layout.labels)]
    return sum(partitions.bytes_in(directory) for _, directory in hours)


def _sizes(layout: Layout, hours: Sequence[tuple[datetime, Path]]) -> list[tuple[datetime, int]]:
    """Each hour, newest first, with its bytes and those of the labels that came in it or before the next."""
    labels = partitions.hours(layout.labels)
    sizes = []
    for hour, directory in hours:
        size = partitions.bytes_in(directory)
        while labels and labels[0][0] >= hour:
            size += partitions.bytes_in(labels.pop(0)[1])
        sizes.append((hour, size))
    return sizes


def _expire_labels(layout: Layout, before: datetime | None) -> None:
    """By the hour in which they came, nearly always after their rows: so a row has its label as long as it is kept."""
    for hour, directory in partitions.hours(layout.labels):
        if before and hour + partitions.HOUR <= before:
            partitions.put_apart(directory, layout.snapshots)
    partitions.delete_apart(layout.labels, layout.snapshots)


def _rows(directory: Path) -> int:
    from driftmonitor_collector.store import columnar  # loads pyarrow, which no ordinary start waits for

    return sum(columnar.count_rows_or_none(path) or 0 for path in partitions.files_in(directory, without=set()))


def _expire_files(folder: Path, before: datetime) -> int:
    if not folder.is_dir():
        return 0
    old = [path for path in folder.iterdir() if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before]
    for path in old:
        path.unlink()
    return len(old)
