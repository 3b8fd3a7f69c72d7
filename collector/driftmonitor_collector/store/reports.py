"""The reports of checks, as files."""

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


class Reports:
    """The newest reports of one folder."""

    def __init__(self, directory: Path, kept: int = KEPT) -> None:
        self._directory = directory
        self._kept = kept

    def put(self, name: str, content: bytes) -> None:
        """Store a report, or replace it, and delete the oldest beyond the number kept."""
        files.write_atomically(self._directory / name, lambda file: file.write(content))
        for old in self._paths()[self._kept :]:
            old.unlink(missing_ok=True)

    def get(self, name: str) -> bytes | None:
        """The report's content; None if there is no such report."""
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None

    def newest_first(self) -> list[dict[str, Any]]:
        """Name, size in bytes and time of each report, newest first."""
        return [
            {
                "name": path.name,
                "bytes": path.stat().st_size,
                "modified": datetime.fromtimestamp(path.stat().st_mtime, UTC),
            }
            for path in self._paths()
        ]

    def _paths(self) -> list[Path]:
        if not self._directory.is_dir():
            return []
        found = [path for path in self._directory.iterdir() if is_report_name(path.name)]
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
