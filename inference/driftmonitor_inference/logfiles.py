"""The server's own log as files, for a shipper that sends them on: rotated, and bounded by deleting the oldest."""

import os
from pathlib import Path

ROTATE_BYTES = 2 << 20
KEPT_FILES = 4
"""Files of one process and of those that were in its place before. Nobody confirms this log: what is not read by then
is gone, and the server goes on."""


class LogFiles:
    """`server.<place>-<start>.<number>.jsonl`. As with the prediction log no file is renamed and no name used twice."""

    def __init__(self, directory: Path, place: str, start: str, rotate: int = ROTATE_BYTES) -> None:
        """`place` names the process among those of one server, `start` is when it began: sortable, without a dot.
        OSError if the folder cannot be written to."""
        self._directory, self._place, self._start, self._rotate = directory, place, start, rotate
        self._number = 0
        self._size = 0
        self._descriptor = self._begin()

    def write(self, lines: bytes) -> None:
        """Append whole lines; OSError if the disk does not take them."""
        if self._size and self._size + len(lines) > self._rotate:
            os.close(self._descriptor)
            self._descriptor = self._begin()
        self._size += len(lines)
        while lines:
            lines = lines[os.write(self._descriptor, lines) :]

    def _begin(self) -> int:
        self._number += 1
        self._size = 0
        name = f"server.{self._place}-{self._start}.{self._number:06d}.jsonl"
        descriptor = os.open(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        others = sorted(path for path in self._directory.glob(f"server.{self._place}-*.jsonl") if path.name != name)
        for old in others[: -(KEPT_FILES - 1)]:
            old.unlink(missing_ok=True)
        return descriptor
