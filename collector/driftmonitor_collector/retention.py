"""What has passed the retention is deleted: records by the hour, reports, and lines that were set apart.

A deletion is for good, and a clock may be wrong. So age counts from a time that the collector's clock has reached and
that something else has witnessed: a record's timestamp (the servers' clocks) or a report's name (the checks' clocks). A
clock that runs ahead deletes nothing early, and one that was set back deletes later.
"""

import logging
from collections.abc import Iterable
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


def expire(layout: Layout, reports: Reports, checkpoint: Checkpoint, now: datetime, retention: timedelta) -> Expired:
    """Delete what has passed the retention; not while a compaction runs.

    Crash-safe at any instruction: an hour disappears whole, and what was stored in it stays known, so that its rows are
    duplicates when they are sent again.
    """
    hours = partitions.hours(layout.records)
    before = cutoff(now, [*(hour for hour, _ in hours[:1]), *reports.newest_times()], retention)
    old = [directory for hour, directory in reversed(hours) if before and hour + partitions.HOUR <= before]
    rows = sum(map(_rows, old))
    if old:
        # From now on the state cannot be counted from the Parquet files alone.
        checkpoint.save_copy(layout.kept_state)
    for directory in old:
        partitions.put_apart(directory, layout.snapshots)
    partitions.delete_apart(layout.records, layout.snapshots)
    _expire_labels(layout, before)
    if before is None:
        return Expired()
    removed = reports.expire(before) + sum(
        _expire_files(folder, before) for folder in (layout.rejected, layout.damaged)
    )
    if old or removed:
        _logger.info(
            "retention: %d rows of %d hours and %d other files from before %s deleted", rows, len(old), removed, before
        )
    return Expired(len(old), rows, removed)


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
