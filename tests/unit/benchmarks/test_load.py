"""The load generator against small servers: what it counts, and what it calls a latency."""

import dataclasses
import json
import socketserver
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.serving import requests
from benchmarks.serving.load import Load, Outcome, quantile
from benchmarks.serving.models import FEATURES
from tests.support.serving import serving

REPOSITORY = Path(__file__).parents[3]
GOOD = b"HTTP/1.1 200 OK\r\nContent-length: 5\r\n\r\nhello"
Answer = Callable[[int], list[bytes] | None]
"""The blocks that answer the nth request; none: the connection is closed."""


class Server(socketserver.ThreadingTCPServer):
    """It reads requests of 5 bytes each."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: Answer) -> None:
        self.answer, self.received = answer, 0
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    server: Server

    def handle(self) -> None:
        while self.rfile.read(5):
            self.server.received += 1
            blocks = self.server.answer(self.server.received)
            if blocks is None:
                return
            for block in blocks:
                self.wfile.write(block)
                self.wfile.flush()
                time.sleep(0.005 * (len(blocks) > 1))


@contextmanager
def running(answer: Answer) -> Iterator[Server]:
    server = Server(answer)
    with serving(server):
        yield server


@pytest.fixture
def send(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs the generator as it is run: as a process."""
    file = tmp_path / "requests.json"
    file.write_text(json.dumps(["ping1", "ping2"]))

    def send(server: Server, **arguments: Any) -> Outcome:
        load = Load(server.server_address[1], str(file), **{"connections": 4, "seconds": 0.5, "warm_up": 0} | arguments)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.serving.load"],
            input=json.dumps(dataclasses.asdict(load)),
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return Outcome(**json.loads(done.stdout))

    return send


def test_every_answer_is_counted_however_it_is_cut(send: Callable[..., Outcome]) -> None:
    def answer(number: int) -> list[bytes]:
        return [GOOD] if number % 3 else [GOOD[:10], GOOD[10:40], GOOD[40:]]

    with running(answer) as server:
        outcome = send(server)
    assert outcome.answered_in_all == server.received > 10
    assert outcome.failed == 0
    assert 0 < outcome.p50 <= outcome.p99


def test_other_answers_and_broken_connections_are_failures(send: Callable[..., Outcome]) -> None:
    def answer(number: int) -> list[bytes] | None:
        if number == 5:
            return None
        return [GOOD if number % 2 else b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"]

    with running(answer) as server:
        outcome = send(server)
    assert outcome.answered_in_all + outcome.failed == server.received
    assert outcome.failed >= server.received // 2
    assert outcome.problem


def test_a_stall_delays_every_request_that_was_due_meanwhile(send: Callable[..., Outcome]) -> None:
    def answer(number: int) -> list[bytes]:
        if number == 20:
            time.sleep(0.8)
        return [GOOD]

    with running(answer) as server:
        outcome = send(server, rate=100.0, seconds=1.0, connections=1)
    # A generator that waits for its answers would have met the stall once, which is less than a hundredth.
    assert outcome.p50 > 0.05
    assert outcome.p99 > 0.4


@pytest.mark.parametrize("busy", [True, False])
def test_a_rate_is_kept(send: Callable[..., Outcome], busy: bool) -> None:
    with running(lambda _: [GOOD]) as server:
        outcome = send(server, rate=100.0, seconds=1.0, busy=busy)
    assert outcome.answered_in_all == server.received == 100


def test_the_warm_up_does_not_count(send: Callable[..., Outcome]) -> None:
    with running(lambda _: [GOOD]) as server:
        outcome = send(server, rate=20.0, warm_up=3.0, seconds=0.5)
    assert outcome.answered_in_all == 70
    assert outcome.answered <= 35, "10 where nothing stalls"


def test_quantiles_of_a_few_values() -> None:
    assert quantile([1, 2, 3, 4], 0.5) == 3
    assert quantile(list(range(100)), 0.99) == 99
    assert quantile([7], 0.99) == 7


def test_requests_carry_the_rows_that_they_are_made_of() -> None:
    import numpy

    rows = numpy.arange(80, dtype=numpy.float32).reshape(4, 20)
    first, second = requests.messages("/predict", rows, 2, requests.named, count=2)
    head, _, body = first.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /predict HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body)["instances"][1] == dict(zip(FEATURES, range(20, 40), strict=True))
    assert first != second
    content, headers = requests.binary(rows)
    length = int(headers["Inference-Header-Content-Length"])
    assert content[length:] == rows.tobytes()
    assert json.loads(content[:length])["inputs"][0]["shape"] == [4, 20]
