"""Pure: the times that the object asks for, counted back from now."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

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


def bounds(rows: pa.Table, now: datetime) -> tuple[datetime, datetime]:
    """The time of the first and the last row of a file, where it has one; else now."""
    places = rows.schema.get_all_field_indices("timestamp")
    if len(places) != 1 or not pa.types.is_timestamp(rows.schema.field(places[0]).type):
        return now, now
    found = pc.min_max(rows.column(places[0]).cast(pa.timestamp("us", "UTC"))).as_py()
    return found["min"] or now, found["max"] or now
