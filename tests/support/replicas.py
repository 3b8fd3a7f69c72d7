"""Collectors that share an object store, as real processes, and the real store."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa

from hack.objectstore.server import ObjectStore
from tests.support.shipping import free_port
from tests.support.waiting import PATIENCE_SECONDS, wait_for

TOKEN = "the-token"
BEGIN = datetime(2026, 1, 1, 22, 59, tzinfo=UTC)
EVERYTHING = {"start": "1970-01-01T00:00:00Z", "end": "2200-01-01T00:00:00Z", "limit": "10000000"}


def lines_of(writer: str, seqs: Sequence[int]) -> bytes:
    """Records as an inference server writes them, a second apart."""
    records = [
        {
            "request_id": f"request-{seq}",
            "row": 0,
            "timestamp": (BEGIN + timedelta(seconds=seq)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "monitor": "shop/wine",
            "model": "wine",
            "model_version": "3",
            "writer": writer,
            "seq": seq,
            "features": {"alcohol": 10 + seq / 8, "origin": f"o{seq % 3}"},
            "prediction": {"label": "a", "score": 0.5},
        }
        for seq in seqs
    ]
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def write_secret(folder: Path, store: ObjectStore, endpoint: str | None = None) -> Path:
    """The folder of a mounted Secret for that store."""
    folder.mkdir()
    keys = {
        "AWS_ACCESS_KEY_ID": store.access_key_id,
        "AWS_SECRET_ACCESS_KEY": store.secret_access_key,
        "AWS_ENDPOINT_URL": endpoint or store.endpoint,
        "AWS_REGION": store.region,
    }
    for key, value in keys.items():
        (folder / key).write_text(value)
    return folder


class Replica:
    """`python -m driftmonitor_collector serve` with an object store."""

    def __init__(self, folder: Path, uri: str, secret: Path, **environment: str) -> None:
        folder.mkdir()
        (folder / "token").write_text(TOKEN)
        self.port = free_port()
        self.log = folder / "log"
        self.environment = {
            **os.environ,
            "DATA_DIR": str(folder / "data"),
            "COLLECTOR_TOKEN_FILE": str(folder / "token"),
            "STORAGE_URI": uri,
            "STORAGE_CREDENTIALS_DIR": str(secret),
            "COMPACTION_SECONDS": "0.3",
            "COMMIT_SECONDS": "0",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **environment,
        }
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Replica":
        """Start without waiting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "driftmonitor_collector", "serve"], env=self.environment, stderr=log
            )
        return self

    def ready(self) -> bool:
        """Whether it serves; AssertionError once it has ended."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def end(self, number: signal.Signals) -> int:
        """Send the signal, and wait for the end."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=120)

    def close(self) -> None:
        """Kill it if it runs."""
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGKILL)

    def send(self, writer: str, seqs: Sequence[int]) -> dict[str, int]:
        """Send records; what became of them."""
        response = self.client.post("/v1/records", content=lines_of(writer, seqs))
        assert response.status_code == 200, response.text
        return dict(response.json())

    def coverage(self) -> dict[str, Any]:
        """As it answers."""
        response = self.client.get("/v1/coverage")
        assert response.status_code == 200, response.text
        return dict(response.json())

    def window(self, **parameters: str) -> pa.Table:
        """Every row, or those asked for."""
        response = self.client.get("/v1/window", params=EVERYTHING | parameters)
        assert response.status_code == 200, response.text
        return pa.ipc.open_stream(response.content).read_all()

    def count(self) -> dict[str, int]:
        """What `count` prints of the same store, in a process of its own."""
        command = [sys.executable, "-m", "driftmonitor_collector", "count"]
        done = subprocess.run(command, env=self.environment, check=True, capture_output=True)
        return dict(json.loads(done.stdout))

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        lines = self.client.get("/metrics").text.splitlines()
        (value,) = [line.split()[1] for line in lines if line.startswith(f"driftmonitor_collector_{name} ")]
        return float(value)


def keys_of(table: pa.Table) -> list[tuple[str, int]]:
    """Writer and seq of each row, sorted."""
    return sorted(zip(table["writer"].to_pylist(), table["seq"].to_pylist(), strict=True))


class Sender:
    """What a shipper does: one batch after another to any replica that takes it, each until it is taken."""

    def __init__(self, replicas: Sequence[Replica], writer: str, rows: int) -> None:
        self.replicas, self.writer, self.rows = replicas, writer, rows
        self.refusals: list[httpx.Response] = []
        self.taken = 0
        """Rows that were acknowledged: the writer's first ones."""

    def run(self, goes_on: Callable[[], bool]) -> None:
        """Send while told to; returns when the last batch is taken."""
        turn = 0
        while goes_on():
            first = self.taken + 1
            body = lines_of(self.writer, range(first, first + self.rows))
            deadline = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < deadline:
                turn += 1
                try:
                    answer = self.replicas[turn % len(self.replicas)].client.post("/v1/records", content=body)
                except httpx.TransportError:
                    time.sleep(0.05)  # that replica is away: another one
                    continue
                if answer.status_code == 200:
                    break
                self.refusals.append(answer)
                time.sleep(0.05)
            else:
                raise AssertionError(f"batch {first} was never taken")
            self.taken += self.rows


def wait_for_all(replicas: Sequence[Replica]) -> None:
    """Until each serves."""
    for replica in replicas:
        wait_for("the replica is ready", replica.ready)
