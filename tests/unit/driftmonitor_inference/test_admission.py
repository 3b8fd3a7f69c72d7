"""Who may predict now: in the event loop alone, and before a real server that has more to do than it can."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from driftmonitor_inference.admission import Admission
from driftmonitor_inference.metrics import Count

ROW = {"distance": 0.25, "origin": "JFK"}
REQUESTS = 20


def test_more_than_the_limit_are_turned_away_until_one_has_left() -> None:
    inside = Count()
    admission = Admission(2, inside)
    assert [admission.enter() for _ in range(3)] == [True, True, False]
    assert inside.value == 2, "what is turned away is not in hand"
    admission.leave()
    assert admission.enter()


async def _in_turn(admission: Admission, order: list[int], number: int) -> None:
    turn = admission.turn()
    if turn is not None:
        await turn
    order.append(number)


def test_requests_that_fit_into_a_slice_run_without_a_wait() -> None:
    async def scenario() -> None:
        admission, order = Admission(100, Count(), slice_seconds=3600), list[int]()
        for number in range(REQUESTS):
            try:
                _in_turn(admission, order, number).send(None)
            except StopIteration:
                continue
            raise AssertionError("it waits")
        assert order == list(range(REQUESTS))

    asyncio.run(scenario())


def _turns_of_the_loop(slice_seconds: float) -> int:
    """How often the loop came to its sockets until all requests had run."""

    async def scenario() -> int:
        admission, order, turns = Admission(100, Count(), slice_seconds), list[int](), 0
        tasks = [asyncio.create_task(_in_turn(admission, order, number)) for number in range(REQUESTS)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            turns += 1
        assert order == list(range(REQUESTS)), "who came first goes first"
        return turns

    return asyncio.run(scenario())


def test_requests_beyond_a_slice_let_the_loop_read_its_sockets_between_them() -> None:
    assert _turns_of_the_loop(slice_seconds=0) >= REQUESTS
    assert _turns_of_the_loop(slice_seconds=3600) < 5


def test_a_slice_that_was_too_long_is_followed_by_shorter_ones() -> None:
    async def scenario() -> list[int]:
        admission, waves, wave = Admission(1000, Count(), slice_seconds=0.01), list[int](), 0

        async def request() -> None:
            nonlocal wave
            turn = admission.turn()
            if turn is not None:
                await turn
            time.sleep(0.004)
            wave += 1

        tasks = [asyncio.create_task(request()) for _ in range(40)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            if wave:
                waves.append(wave)
                wave = 0
        return waves

    waves = asyncio.run(scenario())
    assert sum(waves) == 40
    assert max(waves) <= 12, "a slice holds two or three; the loop is not held up for long"


def test_a_request_that_is_cancelled_while_it_waits_holds_up_no_other() -> None:
    async def scenario() -> None:
        admission, order = Admission(100, Count(), slice_seconds=0), list[int]()
        tasks = [asyncio.create_task(_in_turn(admission, order, number)) for number in range(6)]
        await asyncio.sleep(0)
        for task in tasks[:3]:
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks[3:]), 60)
        assert order == [3, 4, 5]
        await asyncio.wait_for(_in_turn(admission, order, 6), 60)

    asyncio.run(scenario())


def test_a_server_with_too_much_to_do_serves_what_it_can_and_refuses_the_rest_at_once(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "inference.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"maxConcurrentRequests": 4}))
    server = start_server(LOG_LIMIT_BYTES="2000000000", LOG_ROTATE_BYTES="2000000000", DRAIN_SECONDS="0")
    server.wait_ready()
    body = json.dumps({"instances": [ROW] * 2000}).encode()
    seconds: dict[int, list[float]] = {200: [], 503: []}

    def send(_: int) -> None:
        with httpx.Client(base_url=server.http.base_url, timeout=120) as client:
            for _ in range(8):
                begin = time.monotonic()
                response = client.post("/predict/label", content=body)
                seconds[response.status_code].append(time.monotonic() - begin)
                if response.status_code == 503:
                    assert response.headers["retry-after"] == "1"
                    assert "4 requests in hand" in response.json()["error"]

    with ThreadPoolExecutor(32) as threads:
        sent = threads.map(send, range(32))
        assert server.http.get("/health").status_code == 200, "the probe is not kept waiting"
        list(sent)
    assert len(seconds[200]) >= 8
    assert len(seconds[503]) >= 8
    assert len(seconds[200]) + len(seconds[503]) == 32 * 8
    assert statistics.median(seconds[503]) < statistics.median(seconds[200])
    assert len(server.records()) == 2000 * len(seconds[200]), "what is refused is not logged"
    assert server.http.post("/predict", json=ROW).status_code == 200
    scraped = server.http.get("/metrics").text
    assert f'model_request_errors_total{{status="503"}} {float(len(seconds[503]))}' in scraped
    assert "model_requests_in_flight 0.0" in scraped
