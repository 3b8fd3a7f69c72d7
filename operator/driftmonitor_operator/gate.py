"""The gate before the apiserver: while that is overloaded or away, one request at a time asks whether it is back."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Verdict(NamedTuple):
    """What an answer, or its absence, says of the apiserver; not of the object that was asked for."""

    available: bool
    retry_after: float | None = None
    """Seconds that it asked for."""


class ShutError(Exception):
    """The apiserver is not available, and there is no time to wait for it."""


class Gate:
    """Open until an answer says that the apiserver is not available. May be used from several threads.

    Then all wait but one: it probes, first after `base_seconds` or what the apiserver asked for, then after delays that
    double up to `longest_seconds`. The delay begins small again only after a request that was as those that failed, for
    an apiserver may well answer reads while it refuses writes.
    """

    def __init__(
        self,
        probe: Callable[[], Verdict],
        base_seconds: float = 0.5,
        longest_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`probe` asks the apiserver something cheap, past this gate."""
        self._probe, self._base, self._longest, self._clock = probe, base_seconds, longest_seconds, clock
        self._condition = threading.Condition()
        self._failures = 0
        self._failed_write = False
        self._closed_until: float | None = None
        self._probing = False
        self._shut = False

    @property
    def closed(self) -> bool:
        """Whether requests wait."""
        return self._closed_until is not None

    def enter(self) -> None:
        """Return when a request may be sent. Raises ShutError."""
        while True:
            with self._condition:
                if self._closed_until is None:
                    return
                if self._shut:
                    raise ShutError
                wait = self._closed_until - self._clock()
                if self._probing or wait > 0:
                    self._condition.wait(None if self._probing else wait)
                    continue
                self._probing = True
            self._look()

    def report(self, verdict: Verdict, *, write: bool) -> None:
        """Take over what an answer said."""
        with self._condition:
            if verdict.available:
                if write or not self._failed_write:
                    self._failures = 0
                return
            if self._closed_until is None:
                self._failed_write = write
                self._close(verdict)
            elif verdict.retry_after:  # it was under way when the gate closed
                self._closed_until = max(self._closed_until, self._clock() + verdict.retry_after)

    def shut(self) -> None:
        """Have nobody wait any more; while it is open, requests still pass."""
        with self._condition:
            self._shut = True
            self._condition.notify_all()

    def _look(self) -> None:
        verdict = Verdict(False)
        try:
            verdict = self._probe()
        finally:
            with self._condition:
                self._probing = False
                if verdict.available:
                    self._closed_until = None
                else:
                    self._close(verdict)
                self._condition.notify_all()

    def _close(self, verdict: Verdict) -> None:
        delay = min(self._base * 2 ** min(self._failures, 30), self._longest)
        self._closed_until = self._clock() + max(delay, verdict.retry_after or 0.0)
        self._failures += 1
