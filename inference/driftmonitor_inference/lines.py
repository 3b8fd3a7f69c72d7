"""Writes lines to a descriptor from a thread, so that no request ever waits for whoever reads them."""

import collections
import os
import select
import threading
import time
from collections.abc import Callable

MAX_LINES = 10_000
"""Most lines that wait; further ones are dropped and counted."""
_GATHER_SECONDS = 0.02  # lines that come together are written together
_POLL_SECONDS = 0.01


class LineWriter:
    """Lines of several processes that write to one pipe are never mixed, but for lines longer than 4096 bytes."""

    def __init__(self, descriptor: int, copy: Callable[[bytes], None] | None = None) -> None:
        """Begin the thread. `copy` gets what was written, too, as whole lines; it may raise OSError."""
        self.dropped = 0
        """Lines that were not written."""
        self._descriptor = descriptor
        self._copy = copy
        self._waiting: collections.deque[bytes] = collections.deque()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        threading.Thread(target=self._run, name="lines", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Have a line written, which has its end of line; never waits."""
        if len(self._waiting) >= MAX_LINES:
            self.dropped += 1
            return
        self._waiting.append(line)
        if not self._wake.is_set():
            self._idle.clear()
            self._wake.set()

    def flush(self, seconds: float) -> None:
        """Wait until all is written, at most so long."""
        deadline = time.monotonic() + seconds
        while (self._waiting or not self._idle.is_set()) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(_GATHER_SECONDS)
            self._wake.clear()
            while self._waiting:
                self._write(self._gathered())
            if not self._wake.is_set():
                self._idle.set()

    def _gathered(self) -> list[bytes]:
        """As many lines as a pipe takes in one piece, at least one."""
        lines = [self._waiting.popleft()]
        size = len(lines[0])
        while self._waiting and (size := size + len(self._waiting[0])) <= select.PIPE_BUF:
            lines.append(self._waiting.popleft())
        return lines

    def _write(self, lines: list[bytes]) -> None:
        content = b"".join(lines)
        if self._copy is not None:  # first: it is a file, and waits for no reader
            try:
                self._copy(content)
            except OSError:
                self.dropped += len(lines)
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError:  # nobody reads any more, or a disk is full
            self.dropped += len(lines)
