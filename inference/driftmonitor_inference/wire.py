"""The JSON that clients get."""

from datetime import UTC, datetime

import msgspec

from driftmonitor_inference.predictions import RowPrediction


class Answer(msgspec.Struct, omit_defaults=True):
    """The answer of `/predict`."""

    request_id: str
    model: str
    model_version: str
    predictions: list[RowPrediction]
    trace_id: str | None = None


class Labels(msgspec.Struct, omit_defaults=True):
    """The answer of `/predict/label`."""

    request_id: str
    labels: list[str | None] | None = None
    """Of a classifier."""
    values: list[float | None] | None = None
    """Of a regressor."""
    trace_id: str | None = None


class Failure(msgspec.Struct, omit_defaults=True):
    """The answer to a request that was not served."""

    error: str
    row: int | None = None
    field: str | None = None


encode = msgspec.json.Encoder().encode


class Timestamps:
    """Writes moments. Most are in the same second as the one before."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def at(self, nanoseconds: int) -> str:
        """RFC 3339 in UTC with microseconds; `nanoseconds` since the epoch."""
        second, rest = divmod(nanoseconds, 1_000_000_000)
        if second != self._second:
            self._second, self._text = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{rest // 1000:06d}Z"
