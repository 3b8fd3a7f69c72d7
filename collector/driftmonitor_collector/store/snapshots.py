"""Readers and the deletions that wait for them, so that a reader finds every file that it saw at its beginning.

A folder is taken away in two steps: it is renamed, which takes it from all who look for it later, and deleted when no
reader is left that began before. A reader that stays for longer than MAX_SECONDS keeps nothing any more.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import monotonic

MAX_SECONDS = 600.0


class Snapshots:
    """Of one data directory."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """`now` is a clock in seconds that never goes back."""
        self._now = now
        self._order = count(1)
        self._readers: dict[int, float] = {}  # by when they began, in that order; with the time
        self._apart: dict[Path, int] = {}  # when the folder was taken away, in the same order
        self._lock = threading.Lock()
        self.still = threading.Lock()
        """Held for a moment by who looks at log and files together, and by who moves rows between files."""
        self.moving = threading.Lock()
        """Held by who takes files away for others or as damaged, from reading them on: one at a time."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nothing that is there now is deleted while the block lasts."""
        with self._lock:
            number = next(self._order)
            self._readers[number] = self._now()
        try:
            yield
        finally:
            with self._lock:
                del self._readers[number]

    def take_away(self, path: Path) -> None:
        """Remember that the folder has this name from now on, which only those who read now know."""
        with self._lock:
            self._apart[path] = next(self._order)

    def may_delete(self, path: Path) -> bool:
        """Whether nobody reads it any more; true of a folder that was taken away before this start."""
        with self._lock:
            when = self._apart.get(path, 0)
            late = self._now() - MAX_SECONDS
            free = not any(number < when and begin > late for number, begin in self._readers.items())
            if free:
                self._apart.pop(path, None)
            return free
