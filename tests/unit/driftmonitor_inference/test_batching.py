"""Requests that are predicted together: each has its own answer, whatever happens to the others."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_inference.batching import Batcher
from driftmonitor_inference.metrics import Count
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.rows import RequestError, Rows, row_builder
from driftmonitor_inference.signature import Column
from tests.support.served import Served

FOR_EVER = 3600.0
build = row_builder([Column("a", "Numerical", "float64", "a", 2)])


class Doubler:
    """A model that doubles numbers and refuses negative ones."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, rows: Rows) -> list[RowPrediction]:
        self.calls.append(len(rows.values))
        for place, ((value,), feature) in enumerate(zip(rows.values, rows.features, strict=True)):
            assert feature.f0 == value
            if value < 0:
                raise RequestError(422, f"The model refuses row {place}.", place)
        return [RowPrediction(value=2 * value) for (value,) in rows.values]


def _batcher(run: Callable[[Rows], list[RowPrediction]], *, latency: float = FOR_EVER, in_hand: int = 10**6) -> Batcher:
    count = Count()
    count.inc(in_hand)
    return Batcher(run, max_rows=8, max_latency=latency, in_hand=count)


async def _together(*requests: Coroutine[Any, Any, Any]) -> list[Any]:
    return await asyncio.wait_for(asyncio.gather(*requests, return_exceptions=True), 60)


def _values(predictions: list[RowPrediction]) -> list[float | None]:
    return [prediction.value for prediction in predictions]


def test_a_full_batch_is_one_call_and_each_request_gets_its_own_rows_in_their_order() -> None:
    model = Doubler()
    batcher = _batcher(model)
    requests = [[1.0], [2.0, 3.0], [4.0], [5.0, 6.0, 7.0, 8.0]]
    answers = asyncio.run(_together(*(batcher.predict(build([rows])) for rows in requests)))
    assert [_values(answer) for answer in answers] == [[2.0], [4.0, 6.0], [8.0], [10.0, 12.0, 14.0, 16.0]]
    assert model.calls == [8]


def test_no_batch_is_larger_than_allowed_but_for_a_request_that_is() -> None:
    model = Doubler()
    batcher = _batcher(model, latency=0.01)
    sizes = [3, 3, 3, 20, 5, 8, 2, 7, 1]
    answers = asyncio.run(_together(*(batcher.predict(build([[1.0] * size])) for size in sizes)))
    assert [len(answer) for answer in answers] == sizes
    assert sum(model.calls) == sum(sizes)
    assert [size for size in model.calls if size > 8] == [20]


def test_a_batch_that_is_not_full_is_run_when_its_time_is_over() -> None:
    model = Doubler()
    batcher = _batcher(model, latency=0.01)
    for _ in range(2):
        answers = asyncio.run(_together(*(batcher.predict(build([[3.0]])) for _ in range(3))))
        assert [_values(answer) for answer in answers] == [[6.0]] * 3
    assert model.calls == [3, 3]


def test_nobody_waits_when_every_request_in_hand_is_in_the_batch() -> None:
    model = Doubler()
    batcher = _batcher(model, in_hand=3)
    answers = asyncio.run(_together(*(batcher.predict(build([[3.0]])) for _ in range(3))))
    assert [_values(answer) for answer in answers] == [[6.0]] * 3
    assert model.calls == [3]


def test_a_row_that_the_model_refuses_is_the_fault_of_its_request_alone() -> None:
    model = Doubler()
    batcher = _batcher(model)
    requests = [[1.0, 2.0], [3.0, -1.0], [4.0, 5.0], [6.0, 7.0]]
    answers = asyncio.run(_together(*(batcher.predict(build([rows])) for rows in requests)))
    assert isinstance(answers[1], RequestError)
    assert (answers[1].row, answers[1].sentence) == (1, "The model refuses row 1."), "counted in its own request"
    assert [_values(answers[place]) for place in (0, 2, 3)] == [[2.0, 4.0], [8.0, 10.0], [12.0, 14.0]]


def test_a_defect_reaches_every_request_rather_than_none() -> None:
    def broken(_: Rows) -> list[RowPrediction]:
        raise ZeroDivisionError

    batcher = _batcher(broken)
    answers = asyncio.run(_together(*(batcher.predict(build([[1.0, 2.0]])) for _ in range(4))))
    assert [type(answer) for answer in answers] == [ZeroDivisionError] * 4


def test_a_request_whose_client_has_gone_is_not_predicted_and_holds_up_no_other() -> None:
    model = Doubler()

    async def scenario() -> None:
        batcher = _batcher(model, latency=0.05)
        tasks = [asyncio.create_task(batcher.predict(build([[float(number)]]))) for number in range(4)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[2].cancel()
        answers = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)
        assert [type(answers[place]) for place in (0, 2)] == [asyncio.CancelledError] * 2
        assert [_values(answers[place]) for place in (1, 3)] == [[2.0], [6.0]]
        assert _values(await asyncio.wait_for(batcher.predict(build([[9.0]])), 60)) == [18.0]

    asyncio.run(scenario())
    assert model.calls == [2, 1]


@pytest.fixture
def served(models: Any, tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "log").mkdir()
    batching = {"max_batch_size": 16, "max_latency": "500ms"}
    served = Served(models.strict_categories, tmp_path / "log", batching=batching)
    yield served
    served.log.close()


def test_requests_that_come_together_are_answered_and_logged_as_if_each_were_alone(served: Served) -> None:
    rows = [{"distance": number / 40, "origin": "Mars" if number % 10 == 7 else "JFK"} for number in range(40)]

    async def scenario() -> list[Any]:
        async with served.client() as client:
            return await asyncio.gather(
                *(
                    client.post("/predict", json=row, headers={"X-Request-Id": str(place)})
                    for place, row in enumerate(rows)
                )
            )

    responses = asyncio.run(scenario())
    assert [response.status_code for response in responses] == [422 if row["origin"] == "Mars" else 200 for row in rows]
    assert responses[7].json()["row"] == 0
    records = {record.request_id: record for record in served.records()}
    assert set(records) == {str(place) for place, row in enumerate(rows) if row["origin"] == "JFK"}
    for place, response in enumerate(responses):
        if response.status_code == 200:
            record = records[str(place)]
            (prediction,) = response.json()["predictions"]
            assert (record.features, record.row) == (rows[place], 0)
            assert (record.prediction.label, record.prediction.score) == (prediction["label"], prediction["score"])
            assert prediction["label"] == served.model.predict([(rows[place]["distance"], "JFK")])[0].label
    assert sorted(record.seq for record in records.values()) == list(range(1, 37))
