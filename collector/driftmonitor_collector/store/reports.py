"""The reports of checks, as files."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from driftmonitor_collector.store import files

KEPT = 500
MAX_BYTES = 20_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.(html|json)")


def is_report_name(name: str) -> bool:
    """Whether it names a report: a plain file name that ends in .html or .json."""
    return _NAME.fullmatch(name) is not None


def report_time(name: str) -> datetime | None:
    """The time that the name of a check's report begins with; None if it begins otherwise."""
    try:
        return datetime.strptime(name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


class Reports:
    """The newest reports of one folder."""

    def __init__(self, directory: Path, kept: int = KEPT) -> None:
        self._directory = directory
        self._kept = kept

    def put(self, name: str, content: bytes) -> None:
        """Store a report, or replace it, and delete the oldest beyond the number kept."""
        files.write_atomically(self._directory / name, lambda file: file.write(content))
        for old, _ in self._found()[self._kept :]:
            old.unlink(missing_ok=True)

    def get(self, name: str) -> bytes | None:
        """The report's content; None if there is no such report."""
        return files.content(self._directory / name)

    def newest_first(self) -> list[dict[str, Any]]:
        """Name, size in bytes and time of each report, newest first."""
        return files.described(self._found())

    def newest_times(self) -> list[datetime]:
        """The time in the name of the newest report that has one; empty if none has."""
        times = [time for path, _ in self._found() if (time := report_time(path.name))]
        return [max(times)] if times else []

    def expire(self, before: datetime) -> int:
        """Delete the reports of checks before that time that were also stored before it; how many there were."""
        old = [
            path
            for path, status in self._found()
            if max(datetime.fromtimestamp(status.st_mtime, UTC), report_time(path.name) or before) <= before
        ]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _found(self) -> list[tuple[Path, os.stat_result]]:
        return files.newest_first(self._directory, is_report_name)
