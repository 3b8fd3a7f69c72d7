"""The reports of checks, as objects."""

from datetime import datetime
from typing import Any

from driftmonitor_collector.shared import names
from driftmonitor_collector.store.objects import Object, Objects
from driftmonitor_collector.store.reports import KEPT, is_report_name, report_time


class SharedReports:
    """The newest of them."""

    def __init__(self, objects: Objects, kept: int = KEPT) -> None:
        self._objects = objects
        self._kept = kept

    def put(self, name: str, content: bytes) -> None:
        """Store a report, or replace it, and delete the oldest beyond the number kept."""
        self._objects.put(names.REPORTS + name, content)
        self._objects.delete(item.name for item in self._found()[self._kept :])

    def get(self, name: str) -> bytes | None:
        """The report's content; None if there is no such report."""
        return self._objects.get(names.REPORTS + name)

    def newest_first(self) -> list[dict[str, Any]]:
        """Name, size in bytes and time of each report, newest first."""
        return [{"name": _plain(item), "bytes": item.size, "modified": item.modified} for item in self._found()]

    def newest_times(self) -> list[datetime]:
        """The time in the name of the newest report that has one; empty if none has."""
        times = [time for item in self._found() if (time := report_time(_plain(item)))]
        return [max(times)] if times else []

    def expire(self, before: datetime) -> int:
        """Delete the reports of checks before that time that were also stored before it; how many there were."""
        old = [item.name for item in self._found() if max(item.modified, report_time(_plain(item)) or before) <= before]
        self._objects.delete(old)
        return len(old)

    def _found(self) -> list[Object]:
        found = [item for item in self._objects.listing(names.REPORTS) if is_report_name(_plain(item))]
        return sorted(found, key=lambda item: (item.modified, item.name), reverse=True)


def _plain(item: Object) -> str:
    return item.name.removeprefix(names.REPORTS)
