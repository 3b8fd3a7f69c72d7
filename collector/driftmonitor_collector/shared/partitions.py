"""Hours in the store: which there are, and the files of each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from driftmonitor_collector.shared import names
from driftmonitor_collector.store.objects import Object, Objects
from driftmonitor_collector.store.partitions import HOUR


def hours(
    objects: Objects, folder: str, start: datetime | None = None, end: datetime | None = None
) -> Iterator[tuple[datetime, str]]:
    """The hours that hold files and touch [start, end), with their folders, newest first, listed lazily."""
    for date in reversed(objects.folders(folder)):
        if not date.startswith("date="):
            continue
        day = datetime.strptime(date.removeprefix("date="), "%Y-%m-%d").replace(tzinfo=UTC)
        if (start and day + timedelta(days=1) <= start) or (end and day >= end):
            continue
        for text in reversed(objects.folders(f"{folder}{date}/")):
            hour = day + int(text.removeprefix("hour=")) * HOUR
            if not ((start and hour + HOUR <= start) or (end and hour >= end)):
                yield hour, f"{folder}{date}/{text}/"


def files_in(objects: Objects, folder: str, through: int) -> list[Object]:
    """The files of an hour that are made of the log up to that number: those that a checkpoint vouches for."""
    return [
        item
        for item in objects.listing(folder)
        if item.name.endswith(".parquet") and names.number_of(item.name) <= through
    ]
