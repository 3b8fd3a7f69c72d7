"""The JSON that clients get."""

from datetime import datetime

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


def timestamp(moment: datetime) -> str:
    """RFC 3339 with microseconds; the moment must be in UTC."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}Z"
