"""Waiting for what comes by itself."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 120.0


class NotInTimeError(AssertionError):
    """What a test waited for did not come. On a machine that stands still for a while it may come the next time, so CI
    runs such a test once more, and says so; a wrong value is never tried again."""


def wait_for(what: str, probe: Callable[[], Any], seconds: float = PATIENCE_SECONDS, pause: float = 0.05) -> Any:
    """The first true answer of the probe, which is asked every `pause` seconds, for `seconds` at most."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise NotInTimeError(f"waited {seconds:.0f} s for this: {what}")
        time.sleep(pause)
    return answer
