"""What only a connection can show: requests that share a turn of the loop, come in pieces, or one behind another."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from uvicorn.server import ServerState

from driftmonitor_inference.recordlog import LogFullError
from tests.support.served import Served

ROW = {"distance": 0.25, "origin": "JFK"}
HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., Served]:
    (tmp_path / "log").mkdir()

    def start(model: Path, **more: Any) -> Served:
        return Served(model, tmp_path / "log", **more)

    return start


@pytest.fixture
def served(serve: Callable[..., Served], models: Any) -> Served:
    return serve(models.columns)


def request(*rows: Any, path: str = "/predict", version: str = "1.1", **headers: str) -> bytes:
    body = json.dumps({"instances": rows or [ROW]}).encode()
    lines = [f"POST {path} HTTP/{version}", "host: x", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


CLIENTS: list["Client"] = []  # to be closed


class Client:
    """A socket whose requests are all sent before the server's loop can run."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        CLIENTS.append(self)
        self._buffered = b""

    def send(self, data: bytes) -> None:
        self.socket.settimeout(10)
        self.socket.sendall(data)

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers and document of the next answer."""
        while b"\r\n\r\n" not in self._buffered:
            self._buffered += await self._more()
        head, _, rest = self._buffered.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers["content-length"])
        while len(rest) < length:
            rest += await self._more()
        self._buffered = rest[length:]
        return int(status.split()[1]), headers, json.loads(rest[:length])

    async def end(self) -> bytes:
        """What still comes before the server closes the connection."""
        self.socket.setblocking(False)
        loop, rest = asyncio.get_running_loop(), self._buffered
        while data := await loop.sock_recv(self.socket, 1 << 16):
            rest += data
        return rest

    async def _more(self) -> bytes:
        self.socket.setblocking(False)
        data = await asyncio.get_running_loop().sock_recv(self.socket, 1 << 16)
        assert data, "the connection was closed"
        return data


def run(served: Served, main: Callable[[int, ServerState], Awaitable[None]]) -> None:
    """In a loop that serves."""

    async def all_of_it() -> None:
        async with asyncio.timeout(60), served.listening() as (port, state):
            await main(port, state)

    try:
        asyncio.run(all_of_it())
    finally:
        served.log.close()
        while CLIENTS:
            CLIENTS.pop().socket.close()


async def connected(port: int, state: ServerState, count: int) -> list[Client]:
    """Clients whose connections the server has taken."""
    clients = [Client(port) for _ in range(count)]
    while len(state.connections) < count:
        await asyncio.sleep(0)
    return clients


def test_requests_of_many_clients_at_the_same_time_are_predicted_by_one_call_and_each_is_answered(
    served: Served,
) -> None:
    async def main(port: int, state: ServerState) -> None:
        clients = await connected(port, state, 8)
        for place, client in enumerate(clients):
            rows = [ROW | {"distance": (place % 4) / 4}] * (1 + place % 3)
            client.send(request(*rows, x_request_id=f"r{place}"))
        for place, client in enumerate(clients):
            status, headers, document = await client.answer()
            assert (status, headers["x-request-id"], document["request_id"]) == (200, f"r{place}", f"r{place}")
            assert len(document["predictions"]) == 1 + place % 3
            expected = served.model.predict([[(place % 4) / 4, "JFK"]])[0]
            assert {row["label"] for row in document["predictions"]} == {expected.label}

    run(served, main)
    records = served.records()
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert [record.row for record in records if record.request_id == "r5"] == [0, 1, 2]
    assert len({record.timestamp for record in records}) == 1, "they were one write"
    assert served.metric("model_batch_size_count", model="flights", model_version="3") == 1
    assert served.metric("model_input_size_count", model="flights", model_version="3") == 8


def test_requests_one_behind_another_are_answered_in_their_order(served: Served) -> None:
    async def main(port: int, state: ServerState) -> None:
        (client,) = await connected(port, state, 1)
        client.send(request(x_request_id="a") + request(x_request_id="b") + HEALTH + request(x_request_id="c") + HEALTH)
        answers = [await client.answer() for _ in range(5)]
        assert [headers.get("x-request-id") for _, headers, _ in answers] == ["a", "b", None, "c", None]
        assert [status for status, _, _ in answers] == [200] * 5

    run(served, main)
    assert [record.request_id for record in served.records()] == ["a", "b", "c"]


@pytest.mark.parametrize("cut", [10, 60, -20, -1])
def test_a_request_that_comes_in_pieces_is_answered_as_any_other(served: Served, cut: int) -> None:
    async def main(port: int, state: ServerState) -> None:
        (client,) = await connected(port, state, 1)
        for name in ("a", "b"):
            whole = request(ROW, ROW, x_request_id=name)
            client.send(whole[:cut])
            for _ in range(10):
                await asyncio.sleep(0.001)
            client.send(whole[cut:])
            status, headers, document = await client.answer()
            assert (status, headers["x-request-id"], len(document["predictions"])) == (200, name, 2)
        client.send(request(x_request_id="c"))
        assert (await client.answer())[1]["x-request-id"] == "c"

    run(served, main)
    assert [record.request_id for record in served.records()] == ["a", "a", "b", "b", "c"]


@pytest.mark.parametrize(
    "sent",
    [
        request(connection="close"),
        request(version="1.0"),
        request({"distance": None}, connection="close"),
        request(connection="close") + request(),
    ],
)
def test_a_connection_is_closed_after_the_answer_where_that_is_asked_for(served: Served, sent: bytes) -> None:
    async def main(port: int, state: ServerState) -> None:
        (client,) = await connected(port, state, 1)
        client.send(sent)
        _, headers, _ = await client.answer()
        assert headers["connection"] == "close"
        assert await client.end() == b""

    run(served, main)


def test_a_request_is_answered_before_what_follows_it_and_is_no_http_is_refused(served: Served) -> None:
    async def main(port: int, state: ServerState) -> None:
        (client,) = await connected(port, state, 1)
        client.send(request(x_request_id="a") + b"this is no request\r\n\r\n")
        status, headers, _ = await client.answer()
        assert (status, headers["x-request-id"]) == (200, "a")
        assert (await client.end()).startswith(b"HTTP/1.1 400 ")

    run(served, main)


def test_a_client_that_has_gone_takes_nothing_from_the_others(served: Served) -> None:
    async def main(port: int, state: ServerState) -> None:
        gone, stays = await connected(port, state, 2)
        gone.send(request(x_request_id="gone"))
        gone.socket.close()
        stays.send(request(x_request_id="stays"))
        assert (await stays.answer())[0] == 200
        while len(state.connections) > 1:
            await asyncio.sleep(0)

    run(served, main)
    assert "stays" in [record.request_id for record in served.records()]
    assert served.metrics.in_flight.value == 0


def test_a_request_in_hand_is_answered_before_its_connection_is_shut(served: Served) -> None:
    async def main(port: int, state: ServerState) -> None:
        (client,) = await connected(port, state, 1)
        (connection,) = state.connections
        assert not connection.asked  # type: ignore[union-attr]
        connection.data_received(request(x_request_id="first"))
        assert connection.asked  # type: ignore[union-attr]
        connection.shutdown()
        _, headers, _ = await client.answer()
        assert (headers["x-request-id"], headers["connection"]) == ("first", "close")
        assert await client.end() == b""

    run(served, main)


def test_a_request_too_many_is_turned_away_at_once(serve: Callable[..., Served], models: Any) -> None:
    served = serve(models.columns, max_concurrent_requests=2)

    async def main(port: int, state: ServerState) -> None:
        clients = await connected(port, state, 3)
        for client in clients:
            client.send(request())
        answers = [await client.answer() for client in clients]
        assert sorted(status for status, _, _ in answers) == [200, 200, 503]
        refused = next(answer for answer in answers if answer[0] == 503)
        assert refused[1]["retry-after"] == "1" and "2 requests in hand" in refused[2]["error"]
        clients[0].send(request())
        assert (await clients[0].answer())[0] == 200

    run(served, main)
    assert served.metric("model_request_errors_total", status="503") == 1


def test_a_row_that_the_model_refuses_fails_its_own_request_alone(serve: Callable[..., Served], models: Any) -> None:
    served = serve(models.strict_categories)

    async def main(port: int, state: ServerState) -> None:
        clients = await connected(port, state, 3)
        good = {column.name: value for column, value in zip(served.model.columns, served.model.example, strict=True)}
        bad = {name: "unheard of" if isinstance(value, str) else value for name, value in good.items()}
        for client, rows in zip(clients, ([good], [good, bad], [good]), strict=True):
            client.send(request(*rows))
        answers = [await client.answer() for client in clients]
        assert [status for status, _, _ in answers] == [200, 422, 200]
        assert answers[1][2]["row"] == 1

    run(served, main)
    assert len(served.records()) == 2


@pytest.mark.parametrize("policy", ["Refuse", "ServeAndCount"])
def test_of_requests_at_the_same_time_those_that_the_log_has_room_for_are_logged(
    serve: Callable[..., Served], models: Any, policy: str
) -> None:
    served = serve(models.columns, limit=1000, when_full=policy)  # room for two or three rows

    async def main(port: int, state: ServerState) -> None:
        clients = await connected(port, state, 6)
        for place, client in enumerate(clients):
            client.send(request(x_request_id=f"r{place}"))
        answers = [await client.answer() for client in clients]
        logged = len(served.records())
        assert 1 < logged < 6
        good = [headers["x-request-id"] for status, headers, _ in answers if status == 200]
        if policy == "Refuse":
            assert good == [record.request_id for record in served.records()]
            assert [answer[0] for answer in answers if answer[0] != 200] == [503] * (6 - logged)
        else:
            assert len(good) == 6
        served.metrics.flush()
        assert served.metrics.lost.value == (0 if policy == "Refuse" else 6 - logged)

    run(served, main)


@pytest.mark.parametrize("policy", ["Refuse", "ServeAndCount"])
@pytest.mark.parametrize(("written", "answered"), [(0, [1, 2, 3]), (1, [1, 2, 3]), (3, [1, 3]), (4, [1, 2, 3])])
def test_a_write_that_is_torn_fails_the_request_that_it_tore_and_the_rest_is_tried_again(
    serve: Callable[..., Served], models: Any, policy: str, written: int, answered: list[int]
) -> None:
    """Requests of 1, 3 and 2 rows; the disk takes the first rows of the first write."""
    served = serve(models.columns, when_full=policy)
    append, torn = served.log.append, []

    def tearing(rows: int, encode: Callable[[int], bytes]) -> None:
        if torn:
            append(rows, encode)
            return
        torn.append(rows)
        lines = encode(1).splitlines(keepends=True)
        if written:
            append(written, lambda _: b"".join(lines[:written]))
        raise LogFullError("the disk is full", written)

    served.log.append = tearing  # type: ignore[method-assign]

    async def main(port: int, state: ServerState) -> None:
        clients = await connected(port, state, 3)
        for place, rows in enumerate((1, 3, 2)):
            clients[place].send(request(*[ROW] * rows, x_request_id=str(place + 1)))
        answers = [await client.answer() for client in clients]
        good = [int(headers["x-request-id"]) for status, headers, _ in answers if status == 200]
        assert good == (answered if policy == "Refuse" else [1, 2, 3])

    run(served, main)
    assert torn == [6], "all came in one turn"
    lost = 0 if policy == "Refuse" or answered == [1, 2, 3] else 3 - (written - 1)
    assert served.metrics.lost.value == lost
    seqs = [record.seq for record in served.records()]
    assert len(seqs) == len(set(seqs)), "no seq is given twice"
    rows_of = {1: 1, 2: 3, 3: 2}
    for place in answered:
        assert [record.row for record in served.records() if record.request_id == str(place)] == list(range(rows_of[place]))  # fmt: skip  # noqa: E501  # one sentence


def test_a_record_too_long_fails_its_own_request_alone(serve: Callable[..., Served], models: Any) -> None:
    served = serve(models.columns, max_body_bytes=4 << 20, limit=64 << 20)

    async def main(port: int, state: ServerState) -> None:
        clients = await connected(port, state, 2)
        (connection, *_) = state.connections
        large = ROW | {"origin": "x" * (1 << 20)}
        connection.data_received(request(large))  # a socket would bring it in pieces
        clients[0].send(request())
        clients[1].send(request())
        statuses = sorted([(await clients[0].answer())[0], (await clients[1].answer())[0]])
        assert statuses[0] == 200 and statuses[1] in (200, 413)

    run(served, main)
    assert served.metric("model_request_errors_total", status="413") == 1


def test_a_defect_is_told_to_every_request_that_met_it_and_the_server_goes_on(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    predict = served.model.predict

    def failing(rows: Any) -> Any:
        served.model.predict = predict  # type: ignore[method-assign]
        raise ZeroDivisionError

    served.model.predict = failing  # type: ignore[method-assign]

    async def main(port: int, state: ServerState) -> None:
        clients = await connected(port, state, 2)
        for client in clients:
            client.send(request())
        for client in clients:
            status, _, document = await client.answer()
            assert (status, document) == (500, {"error": "The server failed on this request; its log says why."})
            client.send(request())
            assert (await client.answer())[0] == 200

    run(served, main)
    assert "ZeroDivisionError" in caplog.text
    assert served.metrics.in_flight.value == 0


def test_a_client_that_takes_no_answers_gets_the_next_requests_waiting(
    serve: Callable[..., Served], models: Any
) -> None:
    """What the server keeps for it is bounded by what one answer has."""
    served = serve(models.columns, limit=1 << 30)

    async def main(port: int, state: ServerState) -> None:
        await connected(port, state, 1)
        (connection,) = state.connections
        flow = connection.flow  # type: ignore[union-attr]
        while not flow.write_paused:
            connection.data_received(request(*[ROW] * 50))
            await asyncio.sleep(0)
        waiting = connection.transport.get_write_buffer_size()  # type: ignore[union-attr]
        for _ in range(100):
            connection.data_received(request(*[ROW] * 50))
            await asyncio.sleep(0)
        assert connection.transport.get_write_buffer_size() <= 2 * waiting  # type: ignore[union-attr]

    run(served, main)
