"""The load generator: raw HTTP/1.1 over kept connections from one thread, about 10 us of CPU a request.

A client library would cost more than the servers that it measures. Runs as a process of its own: a JSON object of
`Load`'s fields on stdin, one of `Outcome`'s on stdout.
"""

import dataclasses
import gc
import json
import os
import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving.processes import cpu_seconds
from benchmarks.serving.stalls import Stall, undisturbed, watched

_RECEIVE_BYTES = 1 << 18
_PATIENCE_SECONDS = 30.0
"""For the last answers."""


@dataclass(frozen=True)
class Load:
    """What to send."""

    port: int
    requests_file: str
    """Whole HTTP requests, as a JSON array of Latin-1 texts, that are sent in turn."""
    connections: int
    seconds: float
    warm_up: float = 0.5
    """Seconds that are not counted."""
    rate: float | None = None
    """Requests per second at even distances; none: each connection sends its next request when it has its answer."""
    busy: bool = True
    """Whether to watch the clock all the time: a thread that sleeps sends up to a millisecond late."""
    server: int | None = None
    """Process id whose tree's CPU time is counted."""
    cores: list[int] = field(default_factory=list)
    server_cores: list[int] = field(default_factory=list)
    """Where the server runs, if its stalls and this program's are to be told from what it does."""


@dataclass(frozen=True)
class Outcome:
    """What came back."""

    seconds: float
    answered: int
    """Answers with 200 in these seconds."""
    failed: int
    """Other answers and broken connections, the warm-up included."""
    answered_in_all: int
    """Answers with 200, the warm-up included."""
    cpu_seconds: float
    """Of the server."""
    own_cpu_seconds: float
    p50: float
    """Seconds from the time at which a request had to be sent to the end of its answer."""
    p99: float
    undisturbed: float = 1.0
    """Share of the requests that met no stall of a core that was watched."""
    undisturbed_p50: float = float("nan")
    undisturbed_p99: float = float("nan")
    problem: str = ""
    """The first thing that went wrong."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.answered / self.seconds

    @property
    def cpu_per_request(self) -> float:
        """Seconds."""
        return self.cpu_seconds / max(1, self.answered)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies; NaN of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class _Connection:
    __slots__ = ("began", "buffer", "socket", "wanted")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = b""
        self.wanted = 0  # length of the answer; 0 while its head is not complete
        self.began = 0.0


class _Generator:
    def __init__(self, load: Load, requests: Sequence[bytes]) -> None:
        self._load, self._requests = load, requests
        self._poll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []
        self._sent = 0
        self._ends, self._latencies = array("d"), array("d")
        self._answered = self._failed = 0
        self._problem = ""
        self._spans: list[Stall] = []

    def run(self) -> Outcome:
        load = self._load
        for _ in range(load.connections):
            self._open()
        begin = time.perf_counter()
        counted, end = begin + load.warm_up, begin + load.warm_up + load.seconds
        waiting: deque[float] = deque()
        if load.rate is None:
            self._closed_loop(counted)
            marks = self._marks()
            self._closed_loop(end)
        else:
            self._open_loop(begin, counted, load.rate, waiting)
            marks = self._marks()
            self._open_loop(counted, end, load.rate, waiting)
        server, own, moment = (after - before for after, before in zip(self._marks(), marks, strict=True))
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while (waiting or len(self._idle) < len(self._connections)) and time.perf_counter() < deadline:
            self._send_waiting(waiting)
            self._receive(0.1)
        both = list(zip(self._ends, self._latencies, strict=True))
        self._spans = [(ended - seconds, ended) for ended, seconds in both if counted <= ended - seconds < end]
        latencies = sorted(ended - began for began, ended in self._spans)
        if missing := len(self._connections) - len(self._idle):
            self._fail(f"{missing} requests were not answered")
        answered = sum(counted <= ended < end for ended, _ in both)
        p50, p99 = quantile(latencies, 0.5), quantile(latencies, 0.99)
        return Outcome(moment, answered, self._failed, self._answered, server, own, p50, p99, problem=self._problem)

    def told_from(self, stalls: Sequence[Stall], outcome: Outcome) -> Outcome:
        """The outcome with what the requests outside of these stalls of the machine say."""
        calm = [
            ended - began
            for (began, ended), is_calm in zip(self._spans, undisturbed(self._spans, stalls), strict=True)
            if is_calm
        ]
        calm.sort()
        return dataclasses.replace(
            outcome,
            undisturbed=len(calm) / max(1, len(self._spans)),
            undisturbed_p50=quantile(calm, 0.5),
            undisturbed_p99=quantile(calm, 0.99),
        )

    def _marks(self) -> tuple[float, float, float]:
        server = cpu_seconds(self._load.server) if self._load.server is not None else 0.0
        return server, time.process_time(), time.perf_counter()

    def _closed_loop(self, until: float) -> None:
        while (now := time.perf_counter()) < until:
            while self._idle:
                self._send(self._idle.pop(), time.perf_counter())
            self._receive(until - now)

    def _open_loop(self, begin: float, end: float, rate: float, waiting: deque[float]) -> None:
        """A request that finds no connection free waits, and its time counts."""
        number, due = 0, begin
        while (now := time.perf_counter()) < end or due < end:
            while due <= now and due < end:
                waiting.append(due)
                number += 1
                due = begin + number / rate
            self._send_waiting(waiting)
            self._receive(0 if self._load.busy else max(0.0, min(due, end) - time.perf_counter()))

    def _send_waiting(self, waiting: deque[float]) -> None:
        while waiting and self._idle:
            self._send(self._idle.pop(), waiting.popleft())

    def _open(self) -> None:
        connection = _Connection(self._load.port)
        self._connections[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)
        self._idle.append(connection)

    def _send(self, connection: _Connection, began: float) -> None:
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        connection.began = began
        try:
            done = connection.socket.send(request)
            while done < len(request):  # a large one, while the server still reads
                try:
                    done += connection.socket.send(request[done:])
                except BlockingIOError:
                    select.select([], [connection.socket], [], _PATIENCE_SECONDS)
        except OSError as error:
            self._lose(connection, f"sending failed: {error}")

    def _receive(self, timeout: float) -> None:
        for descriptor, _ in self._poll.poll(timeout):
            connection = self._connections[descriptor]
            try:
                block = connection.socket.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                self._lose(connection, f"receiving failed: {error}")
                continue
            if not block:
                self._lose(connection, "the connection was closed before its answer")
                continue
            buffer = connection.buffer = connection.buffer + block if connection.buffer else block
            if not connection.wanted:
                connection.wanted = self._length(buffer)
            if connection.wanted and len(buffer) >= connection.wanted:
                self._finish(connection, buffer)

    def _length(self, buffer: bytes) -> int:
        """Of the whole answer; 0 if its head is not complete."""
        head = buffer.find(b"\r\n\r\n")
        if head < 0:
            return 0
        lower = buffer[: head + 2].lower()
        place = lower.find(b"\r\ncontent-length:")
        if place < 0:
            raise SystemExit(f"the server sends answers without Content-Length: {buffer[:500]!r}")
        return head + 4 + int(lower[place + 17 : lower.index(b"\r\n", place + 2)])

    def _finish(self, connection: _Connection, answer: bytes) -> None:
        now = time.perf_counter()
        if answer.startswith(b"HTTP/1.1 200"):
            self._answered += 1
            self._ends.append(now)
            self._latencies.append(now - connection.began)
        else:
            self._fail(answer[:500].decode("latin-1"))
        connection.buffer, connection.wanted = b"", 0
        self._idle.append(connection)

    def _lose(self, connection: _Connection, problem: str) -> None:
        if connection in self._idle:  # no request is lost where none was sent
            self._idle.remove(connection)
        else:
            self._fail(problem)
        del self._connections[connection.socket.fileno()]
        connection.socket.close()
        try:
            self._open()
        except OSError as error:
            raise SystemExit(f"the server takes no connection any more: {error}") from error

    def _fail(self, problem: str) -> None:
        self._failed += 1
        self._problem = self._problem or problem


def main() -> None:
    """Send what stdin says."""
    load = Load(**json.load(sys.stdin))
    if load.cores:
        os.sched_setaffinity(0, load.cores)
    gc.disable()  # it would stop for milliseconds, which the server would be blamed for
    texts: list[str] = json.loads(Path(load.requests_file).read_text())
    generator = _Generator(load, [text.encode("latin-1") for text in texts])
    places: list[tuple[int, int]] = []
    if load.server_cores and load.server is not None:
        places = [(core, load.server) for core in load.server_cores] + [(core, os.getpid()) for core in load.cores]
    with watched(places) as stalls:
        outcome = generator.run()
    outcome = generator.told_from(stalls, outcome)
    json.dump(dataclasses.asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()
