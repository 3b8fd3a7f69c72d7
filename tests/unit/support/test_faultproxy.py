"""The proxy that injects faults, in front of a small server: it records, passes on, and does what it is told."""

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.faultproxy import FaultProxy, watches, writes
from tests.support.faults import Answer, Drop, Kill, Place, Wait
from tests.support.serving import serving

DEPLOYMENTS = "/apis/apps/v1/namespaces/cellar/deployments"
DROPPED = (http.client.RemoteDisconnected, ConnectionResetError)
EVENTS = [{"type": "ADDED", "object": {"number": number}} for number in range(3)]


class Upstream(ThreadingHTTPServer):
    """Answers {"method", "authorization"}; to watches, its events until it is told to end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[str] = []
        self.end = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_GET(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.got.append(f"{self.command} {self.path} {content.decode()}".strip())
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if "watch=true" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in EVENTS:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.server.end.wait()
            self.wfile.write(b"0\r\n\r\n")
            return
        answer = json.dumps({"method": self.command, "authorization": self.headers["Authorization"]}).encode()
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class's names

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    with serving(server):
        yield server
        server.end.set()


@pytest.fixture
def original(upstream: Upstream, tmp_path: Path) -> Path:
    file = tmp_path / "original"
    cluster = {"server": f"http://127.0.0.1:{upstream.server_port}"}
    users = [{"name": "u", "user": {"token": "secret"}}]
    file.write_text(yaml.safe_dump({"clusters": [{"name": "c", "cluster": cluster}], "users": users}))
    return file


@pytest.fixture
def proxy(original: Path) -> Iterator[FaultProxy]:
    with FaultProxy(original) as proxy:
        yield proxy


@dataclass
class Got:
    """An answer."""

    status: int
    headers: Message
    body: Any


@contextmanager
def opened(proxy: FaultProxy, method: str, path: str, body: Any = None) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(proxy.address.removeprefix("http://"), timeout=10)
    headers = {"Authorization": "Bearer secret", "User-Agent": "tester"}
    with closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        with connection.getresponse() as answer:
            yield answer


def ask(proxy: FaultProxy, method: str, path: str, body: Any = None) -> Got:
    with opened(proxy, method, path, body) as answer:
        return Got(answer.status, answer.headers, json.loads(answer.read()))


def test_requests_are_passed_on_with_their_credentials_and_recorded(proxy: FaultProxy, upstream: Upstream) -> None:
    answer = ask(proxy, "GET", f"{DEPLOYMENTS}?labelSelector=a%3Db").body
    assert answer == {"method": "GET", "authorization": "Bearer secret"}
    ask(proxy, "PATCH", f"{DEPLOYMENTS}/wine/status", {"a": 1})
    ask(proxy, "POST", DEPLOYMENTS, {"metadata": {"name": "wine"}})
    ask(proxy, "GET", "/apis/apps/v1/deployments")
    assert upstream.got[0] == f"GET {DEPLOYMENTS}?labelSelector=a%3Db"
    assert upstream.got[1] == f'PATCH {DEPLOYMENTS}/wine/status {{"a": 1}}'
    assert [(r.method, r.namespace, r.target, r.write) for r in proxy.requests] == [
        ("GET", "cellar", "deployments", False),
        ("PATCH", "cellar", "deployments/wine/status", True),
        ("POST", "cellar", "deployments/wine", True),
        ("GET", "", "deployments", False),
    ]
    assert {(r.agent, r.status, r.forwarded) for r in proxy.requests} == {("tester", 200, True)}


def test_its_kubeconfig_keeps_the_user_and_names_the_proxy(proxy: FaultProxy, original: Path, tmp_path: Path) -> None:
    config = yaml.safe_load(proxy.kubeconfig(original, tmp_path / "made").read_text())
    assert config["clusters"][0]["cluster"] == {"server": proxy.address}
    assert config["users"][0]["user"] == {"token": "secret"}


def test_a_matching_request_gets_the_injected_answer(proxy: FaultProxy, upstream: Upstream) -> None:
    proxy.inject(Answer(429, retry_after=7), writes, skip=1, times=1)
    assert ask(proxy, "PATCH", f"{DEPLOYMENTS}/a", {}).status == 200
    answer = ask(proxy, "PATCH", f"{DEPLOYMENTS}/b", {})
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert ask(proxy, "PATCH", f"{DEPLOYMENTS}/c", {}).status == 200
    assert [got.split()[1][-1] for got in upstream.got] == ["a", "c"]
    assert [(r.status, r.forwarded) for r in proxy.requests] == [(200, True), (429, False), (200, True)]


@pytest.mark.parametrize(("place", "arrived"), [(Place.BEFORE, 0), (Place.AFTER, 1)])
def test_a_connection_is_dropped_before_or_after_the_server_got_it(
    proxy: FaultProxy, upstream: Upstream, place: Place, arrived: int
) -> None:
    with proxy.injected(Drop(place), writes), pytest.raises(DROPPED):
        ask(proxy, "DELETE", f"{DEPLOYMENTS}/a")
    assert len(upstream.got) == arrived
    assert ask(proxy, "DELETE", f"{DEPLOYMENTS}/a").status == 200


@pytest.mark.parametrize(("place", "arrived"), [(Place.BEFORE, 0), (Place.AFTER, 1)])
def test_a_process_is_killed_at_a_request(proxy: FaultProxy, upstream: Upstream, place: Place, arrived: int) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        fault = proxy.inject(Kill(process.pid, place), writes)
        with pytest.raises(DROPPED):
            ask(proxy, "DELETE", f"{DEPLOYMENTS}/a")
        assert process.wait(timeout=10) == -9
    assert len(upstream.got) == arrived
    assert fault.done.wait(10)


def test_a_request_waits(proxy: FaultProxy) -> None:
    proxy.inject(Wait(0.3), writes)
    begin = time.monotonic()
    assert ask(proxy, "DELETE", f"{DEPLOYMENTS}/a").status == 200
    assert time.monotonic() - begin >= 0.3


def test_a_server_that_is_away_is_a_dropped_connection(proxy: FaultProxy, upstream: Upstream) -> None:
    upstream.shutdown()
    upstream.server_close()
    with pytest.raises(DROPPED):
        ask(proxy, "GET", DEPLOYMENTS)


def test_events_are_passed_on_kept_lost_and_added(proxy: FaultProxy, upstream: Upstream) -> None:
    proxy.keep_events = True
    fault = proxy.lose_events(lambda watch, event: event["object"]["number"] == 1, times=1)
    with opened(proxy, "GET", f"{DEPLOYMENTS}?watch=true") as stream:
        assert [json.loads(stream.readline()) for _ in range(2)] == [EVENTS[0], EVENTS[2]]
        assert proxy.send_event(EVENTS[1], watches) == 1
        assert json.loads(stream.readline()) == EVENTS[1]
        assert proxy.send_expired() == 1
        assert json.loads(stream.readline())["object"]["code"] == 410
        upstream.end.set()
        assert stream.readline() == b""
    assert fault.met == [EVENTS[1]]
    assert [event for _, event in proxy.events] == EVENTS


def test_in_silence_no_watch_says_a_word_until_its_end(proxy: FaultProxy, upstream: Upstream) -> None:
    proxy.silence()
    answers: list[bytes] = []

    def listen() -> None:
        with opened(proxy, "GET", f"{DEPLOYMENTS}?watch=true") as stream:
            answers.extend(stream.readline() for _ in range(3))

    thread = threading.Thread(target=listen)
    thread.start()
    time.sleep(0.3)
    assert answers == []
    proxy.end_silence()
    thread.join(10)
    assert [json.loads(line) for line in answers] == EVENTS


def test_a_watch_is_cut(proxy: FaultProxy) -> None:
    with opened(proxy, "GET", f"{DEPLOYMENTS}?watch=true") as stream:
        for _ in EVENTS:
            stream.readline()
        assert len(proxy.open_watches()) == 1
        assert proxy.cut_watches() == 1
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            stream.read()
    while proxy.open_watches():
        time.sleep(0.01)
