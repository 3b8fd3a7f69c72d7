import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftmonitor_inference import wire
from driftmonitor_inference.predictions import Outlier, RowPrediction


def test_a_timestamp_always_has_microseconds() -> None:
    timestamps = wire.Timestamps()
    for moment, text in (
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 67, UTC), "2026-01-02T03:04:05.000067Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 999_999, UTC), "2026-01-02T03:04:05.999999Z"),
        (datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC), "2026-01-02T03:04:06.000000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 1, UTC), "2026-01-02T03:04:05.000001Z"),
    ):
        nanoseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
        assert timestamps.at(nanoseconds) == timestamps.at(nanoseconds + 999) == text


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
