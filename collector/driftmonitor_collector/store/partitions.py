"""Where the Parquet files lie: hive partitions by the hour (UTC) of the timestamps, one file a segment and hour.

Many small files of an hour are made one in time, which is named by the first and the last segment in it. Hours may be
deleted, and files made one, while others read: see `snapshots`.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from driftmonitor_collector.store import files
from driftmonitor_collector.store.log import segment_name
from driftmonitor_collector.store.snapshots import Snapshots

HOUR = timedelta(hours=1)
_APART = ".deleted-"  # readers of Parquet folders skip names that start with a dot


def hour_directory(root: Path, hour: datetime) -> Path:
    """The folder of an hour."""
    return root / f"date={hour:%Y-%m-%d}" / f"hour={hour:%H}"


def file_path(root: Path, hour: datetime, segment: int) -> Path:
    """The file of a segment's rows of one hour."""
    return hour_directory(root, hour) / f"{segment_name(segment)}.parquet"


def touches(name: str, start: datetime, end: datetime) -> bool:
    """Whether the hour of a file, by its name below `records/`, touches [start, end)."""
    hour = datetime.strptime(name.rpartition("/")[0], "date=%Y-%m-%d/hour=%H").replace(tzinfo=UTC)
    return hour < end and hour + HOUR > start


def hours(root: Path, start: datetime | None = None, end: datetime | None = None) -> list[tuple[datetime, Path]]:
    """The hours that hold files and touch [start, end), with their folders, newest first."""
    found = []
    for date in _values(root, "date"):
        day = datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC)
        if (start and day + 24 * HOUR <= start) or (end and day >= end):
            continue
        for text in _values(root / f"date={date}", "hour"):
            hour = day + int(text) * HOUR
            if not ((start and hour + HOUR <= start) or (end and hour >= end)):
                found.append((hour, hour_directory(root, hour)))
    return sorted(found, reverse=True)


def _values(directory: Path, key: str) -> Iterator[str]:
    for name in _names(directory):
        if name.startswith(f"{key}="):
            yield name.partition("=")[2]


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []


def files_in(directory: Path, *, without: set[int]) -> list[Path]:
    """The complete files of an hour's folder, except those of the given segments."""
    paths = [directory / name for name in _names(directory) if name.endswith(".parquet") and name[0] != "."]
    return sorted(path for path in paths if segment_of(path) not in without)


def bytes_in(directory: Path) -> int:
    """Bytes of the files of an hour's folder."""
    try:
        with os.scandir(directory) as entries:
            return sum(entry.stat().st_size for entry in entries)
    except FileNotFoundError:
        return 0


def segment_of(path: Path) -> int:
    """The last segment that the file was made of."""
    return int(path.stem.rpartition("-")[2])


def merged_name(paths: Sequence[Path]) -> str:
    """The name of the file that these, in the order of their segments, are made."""
    return f"{paths[0].stem.partition('-')[0]}-{paths[-1].stem.rpartition('-')[2]}.parquet"


def find(path: Path) -> Path:
    """Where a file of an hour lies that was there a while ago; its own path if it is nowhere."""
    if not path.exists():
        hour = path.parent
        for name in _names(hour.parent):
            if name.startswith(_APART) and name.endswith(hour.name) and (hour.parent / name / path.name).exists():
                return hour.parent / name / path.name
    return path


def put_apart(directory: Path, snapshots: Snapshots) -> None:
    """Take an hour's folder from all who look for it, in one step and durably."""
    apart = apart_path(directory)
    directory.rename(apart)
    snapshots.take_away(apart)
    files.sync_directory(directory.parent)


def apart_path(directory: Path) -> Path:
    """A name beside the hour's folder that no folder has and that readers of Parquet folders skip."""
    known = set(_names(directory.parent))
    names = (f"{_APART}{number}-{directory.name}" for number in count())
    return directory.with_name(next(name for name in names if name not in known))


def delete_apart(root: Path, snapshots: Snapshots) -> None:
    """Delete what was put apart and is not read, now or before a crash, and the folders of days that hold nothing."""
    for name in _names(root):
        if name.startswith("date="):
            day = root / name
            for apart in (day / name for name in _names(day) if name.startswith(_APART)):
                if snapshots.may_delete(apart):
                    for path in apart.iterdir():
                        path.unlink()
                    apart.rmdir()
            if not _names(day):
                day.rmdir()
