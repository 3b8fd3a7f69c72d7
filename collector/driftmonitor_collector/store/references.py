"""References that were captured from the records, as files that never change."""

import re
from pathlib import Path
from typing import Any

from driftmonitor_collector.store import files

MAX_BYTES = 128 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.json|[0-9a-f]{64}\.parquet")


def is_reference_name(name: str) -> bool:
    """Whether it is `<word>.json`, which says what was captured, or `<sha256>.parquet`, which are the rows."""
    return _NAME.fullmatch(name) is not None


class References:
    """The references of one folder. Nothing here is ever replaced, and no retention looks at it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def create(self, name: str, content: bytes) -> bool:
        """Store a file that must not be there yet; False, and nothing has changed, if it is."""
        return files.create_atomically(self._directory / name, lambda file: file.write(content))

    def get(self, name: str) -> bytes | None:
        """The file's content; None if there is no such file."""
        return files.content(self._directory / name)

    def newest_first(self) -> list[dict[str, Any]]:
        """Name, size in bytes and time of each file, newest first."""
        return files.described(files.newest_first(self._directory, is_reference_name))
