"""The JSON that leaves the server: answers, and the prediction records of `driftmonitor_api.records`."""

from datetime import datetime
from typing import Any

import msgspec


class Score(msgspec.Struct, omit_defaults=True):
    """One prediction in an answer. What the model does not give is left out."""

    label: str | None = None
    score: float | None = None
    scores: dict[str, float] | None = None
    value: float | None = None


class Answer(msgspec.Struct):
    """The answer of `/predict`."""

    request_id: str
    model: str
    model_version: str
    predictions: list[Score]


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


_ENCODER = msgspec.json.Encoder()
encode = _ENCODER.encode


def encode_lines(records: list[Record]) -> bytes:
    """One line for each record, each with its end of line."""
    return _ENCODER.encode_lines(records)


def timestamp(moment: datetime) -> str:
    """RFC 3339 with microseconds; the moment must be in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
