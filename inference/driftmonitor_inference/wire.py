"""The JSON that leaves the server: answers, and the prediction records of `driftmonitor_api.records`."""

from datetime import datetime
from typing import Any

import msgspec

from driftmonitor_api.limits import MAX_RECORD_BYTES
from driftmonitor_inference.predictions import Outlier, RowPrediction


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


class RecordPrediction(msgspec.Struct, omit_defaults=True):
    """`driftmonitor_api.records.Prediction`."""

    label: str | None = None
    score: float | None = None
    value: float | None = None


class Record(msgspec.Struct, omit_defaults=True):
    """`driftmonitor_api.records.PredictionRecord`, with the same names in the same order."""

    request_id: str
    row: int
    timestamp: str
    monitor: str
    model: str
    model_version: str
    writer: str
    seq: int
    features: Any
    prediction: RecordPrediction
    latency_ms: float
    trace_id: str | None = None
    outlier: Outlier | None = None


_ENCODER = msgspec.json.Encoder()
encode = _ENCODER.encode


class RecordTooLongError(Exception):
    """The record of one row is longer than any reader takes."""

    def __init__(self, row: int, size: int) -> None:
        """`row` is the row's place in its request, `size` its record's bytes."""
        super().__init__(f"the record of row {row} has {size} bytes; at most {MAX_RECORD_BYTES} can be stored")
        self.row = row


def encode_lines(records: list[Record]) -> bytes:
    """One line for each record, each with its end of line. RecordTooLongError for the first that is too long."""
    lines = _ENCODER.encode_lines(records)
    if len(lines) > MAX_RECORD_BYTES:
        for place, line in enumerate(lines.split(b"\n")):
            if len(line) > MAX_RECORD_BYTES:
                raise RecordTooLongError(place, len(line))
    return lines


def timestamp(moment: datetime) -> str:
    """RFC 3339 with microseconds; the moment must be in UTC."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}Z"
