"""Predicts together what has come in the same turn of the event loop.

Nobody waits for others to come: the requests are those that wait already, since a loop reads all sockets that are ready
before it goes on. So a lone caller is served as fast as ever, and many share one call of the model and one write of the
log.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from driftmonitor_inference.admission import SLICE_SECONDS

Item = TypeVar("Item")

_MAX_ROWS = 512
_FIRST_ROWS = 16


class Together(Generic[Item]):
    """Collects requests. For one thread, that of the event loop."""

    def __init__(
        self,
        run: Callable[[list[Item]], None],
        monotonic: Callable[[], float],
        *,
        slice_seconds: float = SLICE_SECONDS,
    ) -> None:
        """`run` serves these and never raises; as many at once as it serves within a slice, going by the last time."""
        self._run = run
        self._monotonic = monotonic
        self._slice = slice_seconds
        self._waiting: list[tuple[Item, int]] = []
        self._rows_at_once = _FIRST_ROWS

    def add(self, item: Item, rows: int) -> None:
        """Serve a request of so many rows in this turn of the loop, or in one of the next."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        self._waiting.append((item, rows))

    def serve_all(self) -> None:
        """Serve now whatever waits."""
        while self._waiting:
            self._serve_some()

    def _next(self) -> None:
        if self._waiting:  # else all were served meanwhile
            self._serve_some()
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._next)

    def _serve_some(self) -> None:
        waiting, rows, count = self._waiting, 0, 0
        for _, size in waiting:
            if count and rows + size > self._rows_at_once:
                break
            rows += size
            count += 1
        self._waiting = waiting[count:]
        begin = self._monotonic()
        self._run([item for item, _ in waiting[:count]])
        seconds = max(self._monotonic() - begin, 1e-6)
        self._rows_at_once = max(1, min(_MAX_ROWS, int(rows * self._slice / seconds)))
