"""The client of the demo against a server of its own."""

import contextlib
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hack.demo import traffic
from hack.demo.flights import Row
from hack.demo.kubectl import Kubectl
from tests.support.serving import serving

ROWS: list[Row] = [{"hour": float(number)} for number in range(200)]
Answer = Callable[[int, int], int | None]
"""(number of the request, rows in it) -> status, or None to break the connection."""


class LocalForward(traffic.PortForward):
    """Leads to a server of this process, without kubectl."""

    def __init__(self, port: int) -> None:
        super().__init__(Kubectl("kubectl", "none", "none"), "none", 80)
        self._local = port

    def open(self) -> int:
        return self._local


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], LocalForward]]:
    stack = contextlib.ExitStack()

    def start(answer: Answer) -> LocalForward:
        numbers = iter(range(10_000))

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
                status = answer(next(numbers), len(rows))
                if status is None:
                    self.close_connection = True
                    return
                content: dict[str, object] = {"predictions": [{}] * len(rows)} if status == 200 else {"error": "no"}
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        stack.enter_context(serving(server))
        return LocalForward(server.server_address[1])

    with stack:
        yield start


def test_batches_hold_every_row_once_and_in_order() -> None:
    batches = list(traffic.batches(ROWS, sizes=(1, 10)))
    assert [len(batch) for batch in batches[:3]] == [1, 10, 1]
    assert [row for batch in batches for row in batch] == ROWS


def test_every_answer_is_counted(serve: Callable[[Answer], LocalForward]) -> None:
    sent = traffic.send(serve(lambda number, rows: 200), ROWS)
    assert sent.rows == len(ROWS)
    assert not sent.unanswered


def test_a_broken_connection_is_not_counted_and_its_rows_go_again_under_another_id(
    serve: Callable[[Answer], LocalForward],
) -> None:
    sent = traffic.send(serve(lambda number, rows: None if number == 2 else 200), ROWS)
    assert sent.rows == len(ROWS)
    assert len(sent.unanswered) == 1
    assert not sent.unanswered & sent.answered.keys()


def test_a_503_is_tried_again(serve: Callable[[Answer], LocalForward]) -> None:
    sent = traffic.send(serve(lambda number, rows: 503 if number == 1 else 200), ROWS)
    assert (sent.rows, sent.refused) == (len(ROWS), 1)


def test_a_request_that_is_refused_for_what_it_holds_ends_the_traffic(serve: Callable[[Answer], LocalForward]) -> None:
    with pytest.raises(traffic.RefusedError, match="422"):
        traffic.send(serve(lambda number, rows: 422), ROWS)
