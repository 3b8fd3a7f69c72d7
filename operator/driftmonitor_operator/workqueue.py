"""A queue that holds each key once. Pure asyncio: one event loop, no threads, no I/O."""

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys to work on.

    A key is handed to one worker at a time; added meanwhile, it comes once more after that. A key that fails comes back
    after a delay that doubles from `base_delay` to `max_delay`, in seconds, and holds up no other.
    """

    def __init__(self, base_delay: float = 0.5, max_delay: float = 60.0) -> None:
        """Must be made inside a running event loop."""
        self._base_delay, self._max_delay = base_delay, max_delay
        self._loop = asyncio.get_running_loop()
        self._ready: dict[K, None] = {}  # ordered, each key once
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._wakeup = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        """Number of keys that wait for a worker now, those with a delay not counted."""
        return len(self._ready) + len(self._again)

    @property
    def delayed(self) -> int:
        """Number of keys that wait for their time."""
        return len(self._timers)

    def add(self, key: K) -> None:
        """Have the key worked on as soon as possible."""
        if self._closed:
            return
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._working:
            self._again.add(key)
        else:
            self._ready[key] = None
            self._wakeup.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Have the key worked on in some time, or earlier where that was asked for."""
        if self._closed or key in self._ready or key in self._again:
            return
        when = self._loop.time() + seconds
        if timer := self._timers.get(key):
            if timer.when() <= when:
                return
            timer.cancel()
        self._timers[key] = self._loop.call_at(when, self._due, key)

    async def get(self) -> K | None:
        """The next key, for which `done` or `failed` must be called; None once the queue is closed."""
        while not self._ready:
            if self._closed:
                return None
            self._wakeup.clear()
            await self._wakeup.wait()
        key = next(iter(self._ready))
        del self._ready[key]
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """The work on this key succeeded."""
        self._failures.pop(key, None)
        self._finish(key)

    def failed(self, key: K) -> float:
        """The work on this key failed: it comes back. Returns the delay, seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = float(min(self._base_delay * 2 ** min(failures, 30), self._max_delay))
        self._finish(key)
        self.add_after(key, delay)
        return delay

    def close(self) -> None:
        """Hand out no more keys; those being worked on may be finished."""
        self._closed = True
        self._ready.clear()
        self._again.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._wakeup.set()

    def _finish(self, key: K) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)
