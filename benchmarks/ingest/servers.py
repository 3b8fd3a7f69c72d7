"""The processes that are measured, and those who send to them."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.ingest.rows import BODY_ROWS

TOKEN = "the-token"
SENDERS = 4
_REPOSITORY = Path(__file__).parents[2]


class ServerError(Exception):
    """A server ended, or did not answer as it must."""


@dataclass
class Server:
    """One of them, running."""

    pid: int
    port: int
    array: bool
    """Whether it takes JSON arrays rather than lines."""
    sent: int = 0
    """Bodies."""

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The answer's body; ServerError for any status but 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            return exchange(connection, method, path, body)
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """A metric of the collector."""
        lines = self.request("GET", "/metrics").decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"driftmonitor_collector_{name} "))


def exchange(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None) -> bytes:
    """The answer's body; ServerError for any status but 200."""
    connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise ServerError(f"{method} {path}: {response.status} {content[:300]!r}")
    return content


@contextmanager
def collector(folder: Path, core: set[int], compaction_seconds: float) -> Iterator[Server]:
    """A collector on an empty folder."""
    folder.mkdir()
    token = folder / "token"
    token.write_text(TOKEN)
    environment = {
        "DATA_DIR": str(folder / "data"),
        "COLLECTOR_TOKEN_FILE": str(token),
        "COMPACTION_SECONDS": str(compaction_seconds),
        "RETENTION_SECONDS": str(9999 * 86400),
    }
    command = [sys.executable, "-m", "driftmonitor_collector", "serve"]
    with _running(command, environment, core, array=False) as server:
        yield server


@contextmanager
def peer(core: set[int], store: Path | None, *, parquet: bool = False) -> Iterator[Server]:
    """FastAPI with `list[Model]`, which keeps what it gets in a file, and in Parquet files, too, or nothing of it."""
    command = [sys.executable, "-m", "uvicorn", "benchmarks.ingest.peer:app", "--no-access-log", "--log-level=error"]
    environment = {"STORE": str(store or ""), "PARQUET": "1" if parquet else ""}
    with _running(command, environment, core, array=True) as server:
        yield server


@contextmanager
def _running(command: list[str], environment: dict[str, str], core: set[int], *, array: bool) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    if array:
        command = [*command, "--host=127.0.0.1", f"--port={port}"]
    process = subprocess.Popen(
        command,
        cwd=_REPOSITORY,
        env={**os.environ, **environment, "HOST": "127.0.0.1", "PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        os.sched_setaffinity(process.pid, core)
        server = Server(process.pid, port, array)
        _await(process, server)
        yield server
    finally:
        process.terminate()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", server: Server) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            server.request("GET", "/readyz")
            return
        except (OSError, ServerError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerError("a server did not start") from None
            time.sleep(0.05)


def send(server: Server, body: Callable[[int], bytes], bodies: int) -> float:
    """Send so many bodies over SENDERS connections at once; the seconds that it took."""
    numbers, failures = count(server.sent), list[BaseException]()
    last = server.sent + bodies
    begin = time.monotonic()

    def run() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
        try:
            while not failures and (number := next(numbers)) < last:
                answer = json.loads(exchange(connection, "POST", "/v1/records", body(number)))
                if answer["stored"] != BODY_ROWS:
                    raise ServerError(f"of {BODY_ROWS} rows {answer} were stored")
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    server.sent = last
    return time.monotonic() - begin
