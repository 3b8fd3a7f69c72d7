"""Where the Parquet files lie: hive partitions by the hour (UTC) of the timestamps, one file a segment and hour."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from driftmonitor_collector.store.log import segment_name

HOUR = timedelta(hours=1)


def hour_directory(root: Path, hour: datetime) -> Path:
    """The folder of an hour."""
    return root / f"date={hour:%Y-%m-%d}" / f"hour={hour:%H}"


def file_path(root: Path, hour: datetime, segment: int) -> Path:
    """The file of a segment's rows of one hour."""
    return hour_directory(root, hour) / f"{segment_name(segment)}.parquet"


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
    if directory.is_dir():
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.startswith(f"{key}="):
                    yield entry.name.partition("=")[2]


def files_in(directory: Path, *, without: set[int]) -> list[Path]:
    """The complete files of an hour's folder, except those of the given segments."""
    return sorted(
        path for path in directory.iterdir()
        if path.suffix == ".parquet" and path.name[0] != "." and segment_of(path) not in without
    )  # fmt: skip


def segment_of(path: Path) -> int:
    """The segment that the file was made of."""
    return int(path.stem)
