"""What a real collector does with more than it can hold: it says so, says when to come again, and serves the others."""

import json
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from driftmonitor_collector.app import MAX_REQUESTS
from driftmonitor_collector.window_routes import MAX_WINDOWS
from tests.support.waiting import wait_for

Start = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
WINDOW = "/v1/window?start=2026-01-01T00:00:00Z&end=2026-01-03T00:00:00Z"
AUTHORIZED = "Host: c\r\nAuthorization: Bearer the-token\r\n"


@pytest.fixture(scope="module")
def collector(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return start(tmp_path_factory.mktemp("pressure") / "data")


def opened(collector: Any, request: str, stack: ExitStack) -> socket.socket:
    """A connection on which so much was sent and nothing is read."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", collector.port)))
    connection.sendall(request.encode())
    return connection


def test_more_windows_than_it_reads_at_once_are_told_to_come_again_and_places_are_given_back(
    collector: Any, record: Make
) -> None:
    padding = "x" * 4000  # so that no buffer on the way holds a window
    for begin in range(1, 8000, 1000):
        rows = [record(seq, "windows", features={"note": f"{seq}{padding}"}) for seq in range(begin, begin + 1000)]
        collector.send("\n".join(map(json.dumps, rows)).encode())

    def refused() -> bool:
        with collector.client.stream("GET", WINDOW) as response:
            if response.status_code == 200:
                return False
            assert response.status_code == 429
            assert int(response.headers["Retry-After"]) > 0
            return True

    def stalled(stack: ExitStack) -> socket.socket | None:
        """A reader that has a place and reads no more than that."""
        connection = opened(collector, f"GET {WINDOW} HTTP/1.1\r\n{AUTHORIZED}\r\n", stack)
        return connection if connection.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200" else None

    with ExitStack() as stack:
        readers = [wait_for("a place", lambda: stalled(stack)) for _ in range(MAX_WINDOWS)]
        assert refused(), "all places are taken"
        assert collector.send(json.dumps(record(1, "meanwhile")).encode())["stored"] == 1
        assert collector.metric("refused_requests_total") > 0
        readers[0].close()
        wait_for("the place of a reader that went away is free", lambda: not refused())
    wait_for("the places are free", lambda: not refused())
    assert len(collector.client.get(WINDOW).content) > 8000 * len(padding)


def test_more_requests_than_it_works_at_are_told_to_come_again_while_probes_are_answered(
    collector: Any, record: Make
) -> None:
    def store() -> httpx.Response:
        response: httpx.Response = collector.client.post("/v1/records", content=json.dumps(record(1, "crowd")))
        return response

    with ExitStack() as stack:
        for _ in range(MAX_REQUESTS + 20):  # some may be refused for what was at work before
            opened(collector, f"POST /v1/records HTTP/1.1\r\n{AUTHORIZED}Content-Length: 100\r\n\r\n{{", stack)
        response = wait_for("all places are taken", lambda: (found := store()).status_code == 429 and found)
        assert int(response.headers["Retry-After"]) > 0
        assert "requests are at work" in response.json()["error"]
        for path in ("/healthz", "/readyz", "/metrics"):
            assert collector.client.get(path).status_code == 200
    wait_for("the places are free", lambda: store().status_code == 200)


def test_bodies_that_would_not_fit_in_memory_together_are_told_to_come_again(collector: Any, record: Make) -> None:
    part = b" " * (30 << 20)  # of a body that never ends

    def probe() -> httpx.Response:
        response: httpx.Response = collector.client.post("/v1/records", content=json.dumps(record(1, "large")))
        return response

    before = collector.metric("refused_requests_total")
    with ExitStack() as stack:
        head = f"POST /v1/records HTTP/1.1\r\n{AUTHORIZED}Content-Length: {len(part) + 1}\r\n\r\n"
        for _ in range((256 << 20) // len(part) + 1):
            connection = opened(collector, head, stack)
            try:
                connection.sendall(part)
            except OSError:  # this is the one that did not fit: it was answered and closed
                break
        wait_for("one is refused", lambda: collector.metric("refused_requests_total") > before)
    wait_for("there is room", lambda: probe().status_code == 200)
