import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from driftmonitor_api.records import Prediction, PredictionRecord
from driftmonitor_inference import predictions, wire
from driftmonitor_inference.predictions import Outlier, RowPrediction


class Row(msgspec.Struct, rename={"a": "flavour, 1"}):
    a: float
    b: str
    c: bool


def _record(prediction: wire.RecordPrediction, trace_id: str | None = None) -> wire.Record:
    return wire.Record(
        request_id='r"1\n',
        row=2,
        timestamp=wire.timestamp(datetime(2026, 1, 2, 3, 4, 5, 67, UTC)),
        monitor="default/wine",
        model="wine",
        model_version="3",
        writer="pod/0/start",
        seq=41,
        features=Row(13.25, "naïve\n", True),
        prediction=prediction,
        outlier=None,
        latency_ms=0.41,
        trace_id=trace_id,
    )


CLASSIFIED = wire.RecordPrediction(label="late", score=0.98)
VALUED = wire.RecordPrediction(value=-1.5)


@pytest.mark.parametrize(("prediction", "trace_id"), [(CLASSIFIED, "ab" * 16), (VALUED, None)])
def test_a_line_is_what_the_contracts_record_reads_and_writes(
    prediction: wire.RecordPrediction, trace_id: str | None
) -> None:
    line = wire.encode_lines([_record(prediction, trace_id)])
    assert line.endswith(b"\n")
    read = PredictionRecord.model_validate_json(line)
    assert read.features == {"flavour, 1": 13.25, "b": "naïve\n", "c": True}
    assert read.prediction == Prediction(label=prediction.label, score=prediction.score, value=prediction.value)
    assert read.timestamp == datetime(2026, 1, 2, 3, 4, 5, 67, UTC)
    assert read.model_dump(mode="json", exclude_none=True) == json.loads(line)


def test_the_record_has_the_contracts_fields_in_its_order() -> None:
    assert wire.Record.__struct_fields__ == tuple(PredictionRecord.model_fields)
    assert set(wire.RecordPrediction.__struct_fields__) == set(Prediction.model_fields)


def test_a_line_never_holds_an_end_of_line() -> None:
    lines = wire.encode_lines([_record(CLASSIFIED), _record(VALUED)])
    assert lines.count(b"\n") == 2


def test_a_timestamp_always_has_microseconds() -> None:
    assert wire.timestamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (
            RowPrediction("a", 0.75, {"a": 0.75, "b": 0.25}),
            {"label": "a", "score": 0.75, "scores": {"a": 0.75, "b": 0.25}},
        ),
        (RowPrediction(value=3.5), {"value": 3.5}),
        (RowPrediction("a"), {"label": "a"}),
        (
            RowPrediction(value=3.5, outlier=Outlier(flag=False, score=0.25)),
            {"value": 3.5, "outlier": {"flag": False, "score": 0.25}},
        ),
    ],
)
def test_an_answer_holds_what_the_model_gives_and_no_more(prediction: RowPrediction, expected: dict[str, Any]) -> None:
    answer = json.loads(wire.encode(wire.Answer("r", "wine", "3", [prediction])))
    assert answer == {"request_id": "r", "model": "wine", "model_version": "3", "predictions": [expected]}
