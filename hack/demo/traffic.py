"""Rows go to a monitor's Service through `kubectl port-forward`; each answer is counted."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from types import TracebackType

from hack.cluster.errors import ClusterError
from hack.demo.flights import Row
from hack.demo.kubectl import Kubectl

BATCH_SIZES = (1, 10, 50, 25, 100)
"""Rows a request, in turn: callers differ."""
REQUEST_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""How long a batch is tried again while the service is away."""
_FORWARD_SECONDS = 20.0


class PortForward:
    """A port of this machine that leads to a Service, as long as its pod lives."""

    def __init__(self, kubectl: Kubectl, service: str, port: int) -> None:
        """`port` is the Service's. Starts nothing yet."""
        self._command = kubectl.command("port-forward", f"service/{service}", f":{port}")
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    def __enter__(self) -> PortForward:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> int:
        """The local port; starts kubectl when it does not run. ClusterError when the Service has no running pod."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._start()
        return self._port

    def close(self) -> None:
        """End kubectl."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def _start(self) -> None:
        process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._process = process
        assert process.stdout is not None
        watchdog = threading.Timer(_FORWARD_SECONDS, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        if not line.startswith("Forwarding from "):
            self.close()
            raise ClusterError(f"`kubectl {' '.join(self._command[5:])}` failed: {line.strip() or 'no answer'}")
        self._port = int(line.split(" -> ")[0].rsplit(":", 1)[1])
        # Its output would fill the pipe and stop it.
        threading.Thread(target=_drain, args=(process,), daemon=True).start()


def _drain(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    try:
        while process.stdout.readline():
            pass
    except ValueError:  # closed meanwhile
        return


class RefusedError(ClusterError):
    """A request was answered with an error that trying again does not mend."""


@dataclass
class Sent:
    """What became of the requests, by their ids."""

    answered: dict[str, int] = field(default_factory=dict)
    """Rows predicted, as the answers say."""
    unanswered: set[str] = field(default_factory=set)
    """The connection broke, so the client cannot know whether these were predicted. Each was sent again, with a new
    id."""
    refused: int = 0
    """Requests answered with 503: not predicted, and sent again."""

    @property
    def rows(self) -> int:
        """Rows predicted for sure."""
        return sum(self.answered.values())

    def add(self, other: Sent) -> None:
        """Count another's requests too."""
        self.answered |= other.answered
        self.unanswered |= other.unanswered
        self.refused += other.refused


def batches(rows: Sequence[Row], sizes: Sequence[int] = BATCH_SIZES) -> Iterator[list[Row]]:
    """The rows in requests of these sizes, in turn."""
    rest = iter(rows)
    for size in cycle(sizes):
        batch = list(islice(rest, size))
        if not batch:
            return
        yield batch


def send(
    forward: PortForward, rows: Sequence[Row], progress: Callable[[Sent], None] = lambda sent: None, pause: float = 0.0
) -> Sent:
    """Send all rows, one request after the other, `pause` seconds between; tries again when the connection breaks.

    ClusterError when a request is refused for what it holds, or when the service is away for too long.
    """
    sent, name = Sent(), uuid.uuid4().hex[:12]
    connection: http.client.HTTPConnection | None = None
    try:
        for number, batch in enumerate(batches(rows)):
            deadline, attempt = time.monotonic() + PATIENCE_SECONDS, 0
            while True:
                request_id = f"{name}-{number}-{attempt}"
                attempt += 1
                try:
                    connection = connection or _connect(forward)
                    if _predict(connection, request_id, batch):
                        sent.answered[request_id] = len(batch)
                        break
                    sent.refused += 1
                    problem = "answers 503"
                except RefusedError:
                    raise
                except ClusterError as error:  # no pod to forward to
                    problem = error.problem
                except (OSError, http.client.HTTPException) as error:
                    sent.unanswered.add(request_id)
                    problem = f"broke the connection: {error!r}"
                    if connection is not None:
                        connection.close()
                    connection = None
                    forward.close()
                if time.monotonic() > deadline:
                    raise ClusterError(f"the service was away for {PATIENCE_SECONDS:.0f} s; last it {problem}.")
                time.sleep(0.5)
            progress(sent)
            time.sleep(pause)
    finally:
        if connection is not None:
            connection.close()
    return sent


def post(port: int, body: object, request_id: str = "") -> tuple[int, dict[str, object]]:
    """One request to `/predict` on its own connection: the status and the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REQUEST_SECONDS)
    try:
        return _post(connection, body, request_id)
    finally:
        connection.close()


def _connect(forward: PortForward) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", forward.open(), timeout=REQUEST_SECONDS)


def _predict(connection: http.client.HTTPConnection, request_id: str, batch: list[Row]) -> bool:
    """True when all rows were predicted, False when the service asks to come again later."""
    status, answer = _post(connection, {"instances": batch}, request_id)
    if status == 503:
        return False
    predictions = answer.get("predictions")
    if status != 200 or not isinstance(predictions, list) or len(predictions) != len(batch):
        raise RefusedError(f"{len(batch)} rows were answered with {status}: {json.dumps(answer)[:500]}")
    return True


def _post(connection: http.client.HTTPConnection, body: object, request_id: str) -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/json"} | ({"X-Request-Id": request_id} if request_id else {})
    connection.request("POST", "/predict", json.dumps(body), headers)
    response = connection.getresponse()
    content = response.read()
    answer: dict[str, object] = json.loads(content) if content else {}
    return response.status, answer
