"""Who may predict now, who waits, and who is turned away.

A prediction runs in the thread of the event loop, which meanwhile reads no socket: a hundred of them in a row would let
the health probe wait, and the hundred and first client, who is to be told at once that it is too much. So predictions
run until a slice of time is used up; the others wait for the next turn of the loop, and are counted.
"""

import asyncio
import time
from collections import deque

from driftmonitor_inference.metrics import Count

SLICE_SECONDS = 0.005


class Admission:
    """The one gate of all protocols of a process. For one thread, that of the event loop."""

    def __init__(self, limit: int, inside: Count, slice_seconds: float = SLICE_SECONDS) -> None:
        """`inside` counts the requests in hand, those that wait among them; more than `limit` are refused."""
        self.limit = limit
        self._inside = inside
        self._slice = slice_seconds
        self._begin: float | None = None
        self._ran = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def enter(self) -> bool:
        """Count a request that has come; False if there are too many. Who got True calls `leave` at the end."""
        if self._inside.value >= self.limit:
            return False
        self._inside.value += 1
        return True

    def leave(self) -> None:
        """Count a request whose answer is sent."""
        self._inside.value -= 1

    def turn(self) -> asyncio.Future[None] | None:
        """None: run now. Else what to await before."""
        if not self._waiting:
            now = time.perf_counter()
            if self._begin is None:
                self._begin = now
                asyncio.get_running_loop().call_soon(self._next_slice)
            if now - self._begin < self._slice:
                self._ran += 1
                return None
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def _next_slice(self) -> None:
        """The loop goes on to its sockets: let as many of those that wait run after them as fit into a slice."""
        if self._begin is None:
            return
        now = time.perf_counter()
        room = max(1, min(2 * self._ran, int(self._ran * self._slice / max(now - self._begin, 1e-6))))
        self._ran, self._begin = 0, None
        while self._waiting and self._ran < room:
            future = self._waiting.popleft()
            if not future.done():  # its request may have been cancelled
                future.set_result(None)
                self._ran += 1
        if self._ran:
            self._begin = now
            asyncio.get_running_loop().call_soon(self._next_slice)
