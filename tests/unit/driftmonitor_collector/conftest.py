"""A real collector process, real records, and a volume small enough to fill."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.waiting import wait_for

TOKEN = "the-token"
BEGIN = datetime(2026, 1, 1, 22, 59, tzinfo=UTC)


def make_record(seq: int, writer: str = "pod/0/1", **changes: Any) -> dict[str, Any]:
    """A record as inference writes it; each a second after the one before."""
    return {
        "request_id": f"request-{seq}",
        "row": 0,
        "timestamp": (BEGIN + timedelta(seconds=seq)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "monitor": "shop/wine",
        "model": "wine",
        "model_version": "3",
        "writer": writer,
        "seq": seq,
        "features": {"alcohol": 10 + seq / 8, "origin": f"o{seq % 3}"},
        "prediction": {"label": "a", "score": 0.5, "value": None},
        "latency_ms": 0.25,
        "trace_id": None,
        **changes,
    }


def make_lines(seqs: Sequence[int], writer: str = "pod/0/1") -> bytes:
    """Those records as newline-delimited JSON."""
    return b"".join(json.dumps(make_record(seq, writer)).encode() + b"\n" for seq in seqs)


class CollectorProcess:
    """`python -m driftmonitor_collector serve` on a data directory."""

    def __init__(self, data_dir: Path, token_file: Path, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.data_dir = data_dir
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data_dir),
            "COLLECTOR_TOKEN_FILE": str(token_file),
            "COMPACTION_SECONDS": "0.2",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **environment,
        }
        self.log = data_dir.with_name(f"{data_dir.name}-{self.port}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "driftmonitor_collector", "serve"], env=self.environment, stderr=log
            )
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        )

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the collector ended: {self.log.read_text()}")
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def send(self, lines: bytes, **headers: str) -> dict[str, int]:
        response = self.client.post("/v1/records", content=lines, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()

    def coverage(self) -> dict[str, Any]:
        return self.client.get("/v1/coverage").json()

    def count(self) -> dict[str, int]:
        command = [sys.executable, "-m", "driftmonitor_collector", "count"]
        return json.loads(subprocess.run(command, env=self.environment, check=True, capture_output=True).stdout)

    def metric(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        (value,) = [line.split()[1] for line in lines if line.startswith(f"driftmonitor_collector_{name} ")]
        return float(value)

    def wait_until_compacted(self) -> None:
        wait_for("all segments compacted", lambda: self.metric("log_segments") == 0)

    def end(self, number: signal.Signals) -> int:
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(timeout=120)


@pytest.fixture(scope="session")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "token"
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture(scope="module")
def start(token_file: Path) -> Iterator[Callable[..., CollectorProcess]]:
    """Starts a collector on a directory and waits until it is ready; ends it with the module's tests."""
    started: list[CollectorProcess] = []

    def begin(data_dir: Path, **environment: str) -> CollectorProcess:
        collector = CollectorProcess(data_dir, token_file, **environment)
        started.append(collector)
        wait_for("the collector is ready", collector.is_ready)
        return collector

    yield begin
    for collector in started:
        collector.client.close()
        if collector.process.poll() is None:
            collector.end(signal.SIGKILL)


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """An empty volume of 16 MiB."""
    path = tmp_path / "volume"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", path], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a volume of its own can be mounted by root only: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture(scope="session")
def record() -> Callable[..., dict[str, Any]]:
    return make_record


@pytest.fixture(scope="session")
def lines() -> Callable[..., bytes]:
    return make_lines
