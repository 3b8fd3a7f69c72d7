"""Says how far a long step is: a line that rewrites itself on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

LOG_INTERVAL_SECONDS = 15.0
TERMINAL_INTERVAL_SECONDS = 1.0


def describe(step: str, detail: str, elapsed_seconds: float, usual_seconds: float | None) -> str:
    """One line: the step, how far it is, how long it has taken and usually takes."""
    usual = f", usually {usual_seconds:.0f} s on 2 cores" if usual_seconds else ""
    far = f": {detail}" if detail else ""
    return f"{step}{far} ({elapsed_seconds:.0f} s{usual})"


class Step:
    """One long step. Call `update` as often as you like; it prints when it is time."""

    def __init__(
        self,
        name: str,
        usual_seconds: float | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Announce the step at once. Writes to standard error unless `stream` is given."""
        self._name, self._usual, self._clock = name, usual_seconds, clock
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._interval = TERMINAL_INTERVAL_SECONDS if self._terminal else LOG_INTERVAL_SECONDS
        self._start = self._printed = clock()
        self._print("")

    def update(self, detail: str) -> None:
        """Say how far it is, if the last line is old enough."""
        if self._clock() - self._printed >= self._interval:
            self._print(detail)

    def done(self, detail: str = "done") -> None:
        """Say that it is over."""
        self._usual = None
        self._print(detail)
        if self._terminal:
            self._stream.write("\n")

    def _print(self, detail: str) -> None:
        self._printed = self._clock()
        line = describe(self._name, detail, self._printed - self._start, self._usual)
        self._stream.write(f"\r\x1b[K{line}" if self._terminal else f"{line}\n")
        self._stream.flush()


def say(line: str) -> None:
    """Print one line beside the results, which go to standard output."""
    print(line, file=sys.stderr, flush=True)
