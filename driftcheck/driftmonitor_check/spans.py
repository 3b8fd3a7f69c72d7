"""Pure: the times that the object asks for, counted back from now."""

from dataclasses import dataclass
from datetime import datetime

from driftmonitor_api.base import parse_duration
from driftmonitor_api.v1alpha1 import ReferenceWindow, Window


@dataclass(frozen=True)
class Span:
    """From `start`, inclusive, to `end`, exclusive."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        return f"{self.start:%F %T} to {self.end:%F %T} UTC"


def span(window: Window | ReferenceWindow, now: datetime) -> Span:
    """From `now - offset - lookback` to `now - offset`."""
    end = now - parse_duration(window.offset)
    return Span(end - parse_duration(window.lookback), end)
