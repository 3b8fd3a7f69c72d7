"""Records with the scores of all classes: what the contract says, and what the server writes of each kind of output."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_api.limits import MAX_RECORD_BYTES
from driftmonitor_api.records import PredictionRecord
from driftmonitor_api.v1alpha1 import Batching
from driftmonitor_inference.decoding import decoder
from driftmonitor_inference.predictions import Outlier, RowPrediction
from driftmonitor_inference.recordlines import RecordLines, RecordTooLongError, compact_bytes, verify_scores
from driftmonitor_inference.rows import Rows
from driftmonitor_inference.signature import Column, ModelError
from tests.support.served import Served

NAMES = ("default/wine", 'w"ine', "3", "pod/0/start")
MOMENT = "2026-01-02T03:04:05.000067Z"
CLASSIFIED = RowPrediction("late", 0.5, {"late": 0.5, "on time": 0.25, 'c"\n': 0.25})
VALUED = RowPrediction(value=-1.5)
LABEL = RowPrediction("late")
OUTLYING = RowPrediction("late", 1.0, {"late": 1.0, "on time": 0.0}, outlier=Outlier(flag=True, score=0.75))
BRACES: list[dict[str, Any]] = [{"a": 13.25 + place, "b": "naïve {}"} for place in range(3)]
PLAIN: list[dict[str, Any]] = [{"a": 13.25 + place, "b": "100 % naïve"} for place in range(3)]
COLUMNS = [Column("a", "Numerical", "float64", "a", 2), Column("b", "Categorical", "string", "b", 2)]


COMPACT = compact_bytes(COLUMNS)


def sent(rows: list[dict[str, Any]]) -> Rows:
    """Rows as a client wrote them, with spaces."""
    return decoder(COLUMNS, max_rows=10)(json.dumps({"instances": rows}, ensure_ascii=False).encode())


def not_sent(rows: list[Any]) -> Rows:
    """Rows that no client wrote."""
    return Rows([], rows)


def lines_of(scores: bool, rows: Rows, count: int, prediction: RowPrediction, trace_id: str | None) -> list[Any]:
    request = 'r"1\n %s', rows, [prediction] * count, trace_id
    made = RecordLines(*NAMES, COMPACT, all_scores=scores).encode(41, MOMENT, [request], 0.41)
    assert made.count(b"\n") == count and made.endswith(b"\n")
    return [json.loads(line) for line in made.splitlines()]


@pytest.mark.parametrize("trace_id", ["ab" * 16, None])
@pytest.mark.parametrize("prediction", [CLASSIFIED, VALUED, LABEL, OUTLYING])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("rows", [BRACES, PLAIN])
@pytest.mark.parametrize("made", [sent, not_sent])
def test_lines_are_those_without_scores_and_the_scores(
    made: Any, rows: list[dict[str, Any]], count: int, prediction: RowPrediction, trace_id: str | None
) -> None:
    taken = made(rows[:count])
    found, plain = (lines_of(scores, taken, count, prediction, trace_id) for scores in (True, False))
    assert [line["features"] for line in found] == rows[:count]
    for line in found:
        record = PredictionRecord.model_validate(line)
        assert record.prediction.scores == prediction.scores
        assert record.model_dump(mode="json", exclude_none=True) == line
        assert line["prediction"].pop("scores", None) == prediction.scores
    assert found == plain


@pytest.mark.parametrize("place", [0, 2])
def test_a_record_that_no_reader_takes_is_refused_by_its_row(place: int) -> None:
    rows = not_sent([{"b": "x" * (MAX_RECORD_BYTES if row == place else 9)} for row in range(3)])
    with pytest.raises(RecordTooLongError, match=f"row {place} has [0-9]+ bytes; at most {MAX_RECORD_BYTES}"):
        RecordLines(*NAMES, COMPACT, all_scores=True).encode(1, MOMENT, [("r", rows, [CLASSIFIED] * 3, None)], 0.1)


def test_classes_that_no_record_can_hold_are_refused_with_the_field() -> None:
    verify_scores([str(place) for place in range(1000)])
    verify_scores(["a" * 128])
    with pytest.raises(ModelError, match=r"1001 classes.* 1000 at most; set spec\.logging\.scores to Predicted"):
        verify_scores([str(place) for place in range(1001)])
    with pytest.raises(ModelError, match=r"has 129 characters.* spec\.model\.classes, or set spec\.logging\.scores"):
        verify_scores(["a" * 129])


MATRIX = {"features": [{"name": name, "type": "Numerical"} for name in "abc"]}


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("model", ["matrix", "zipmap"])
def test_the_log_has_the_scores_that_the_client_has_where_they_are_asked_for(
    model: str, batched: bool, models: Any, tmp_path: Path
) -> None:
    rows = [{"a": 0.25, "b": 0.5, "c": 0.75}, {"a": 1, "b": 0, "c": 0}]
    for asked in ({}, {"scores": "All"}):
        folder = tmp_path / str(asked.get("scores"))
        folder.mkdir()
        batching = Batching(max_batch_size=8, max_latency="1ms") if batched else None
        served = Served(getattr(models, model), folder, batching=batching, **MATRIX, **asked)
        answer = served.predict(*rows).json()["predictions"]
        said = [record.prediction.scores for record in served.records()]
        assert all(each["scores"].keys() == {"3", "4"} for each in answer)
        assert said == ([each["scores"] for each in answer] if asked else [None, None])


def test_requests_that_are_predicted_together_and_values_have_their_records_too(models: Any, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("together", "values")]
    for folder in folders:
        folder.mkdir()
    served = Served(models.columns, folders[0], scores="All", connected=True)

    async def ask() -> None:
        async with served.client() as client:
            row = {"distance": 0.5, "origin": "JFK"}
            answers = await asyncio.gather(*(client.post("/predict", json=row) for _ in range(20)))
            assert {answer.status_code for answer in answers} == {200}

    asyncio.run(ask())
    records = served.records()
    assert [record.seq for record in records] == list(range(1, 21))
    for record in records:
        scores = record.prediction.scores
        assert scores is not None and scores.keys() == {"late", "on time"}
        assert record.prediction.score == max(scores.values())
    valued = Served(models.regressor, folders[1], scores="All", **MATRIX)
    valued.predict({"a": 1, "b": 2, "c": 3})
    (record,) = valued.records()
    assert record.prediction.scores is None and record.prediction.value is not None
