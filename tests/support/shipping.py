"""The whole way of a row but for the model: the server's log, a shipper, the collector, each a process here."""

import io
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_inference.recordlog import RecordLog
from driftmonitor_inference.reporting import CollectorClient, Reporter
from driftmonitor_operator.config import SHIPPER_FOLDERS, Images, OperatorConfig, ShipperFiles
from driftmonitor_operator.resources import kafka, shipperprograms
from driftmonitor_operator.resources import shipper as rendered
from driftmonitor_operator.resources.configmaps import shipper_data
from hack.kafka.server import Kafka
from hack.shippers import Sidecar
from tests.support.waiting import PATIENCE_SECONDS, wait_for

CONFIGURATIONS = Path(__file__).parents[2] / "fluentd"
TOKEN = "a-token-that-no-output-may-show"
WRITER = "pod/1/start1"
LOG_LIMIT_BYTES = 256 << 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Collector:
    """The real one as a process, on a port that it keeps over restarts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = folder / "data"
        self.token_file = folder / "token"
        self.token_file.write_text(TOKEN)
        self.log = folder / "collector.log"
        self.changes: dict[str, str] = {}
        """Variables that the next start has beside its own."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The last one started."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        environment = {
            **os.environ,
            "DATA_DIR": str(self.data),
            "COLLECTOR_TOKEN_FILE": str(self.token_file),
            "COMPACTION_SECONDS": "1",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **self.changes,
        }
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "driftmonitor_collector", "serve"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)

    def ready(self) -> bool:
        try:
            return bool(self.get("/readyz"))
        except OSError:
            return False

    def get(self, path: str) -> bytes:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            content: bytes = answer.read()
            return content

    def coverage(self) -> dict[str, Any]:
        coverage: dict[str, Any] = json.loads(self.get("/v1/coverage"))
        return coverage

    def rows(self) -> pa.Table:
        return pa.ipc.open_stream(
            io.BytesIO(self.get("/v1/window?start=2026-01-01T00:00:00Z&end=2027-01-01T00:00:00Z"))
        ).read_all()


@dataclass
class Server:
    """The inference server's log and its reports, without the model."""

    directory: Path
    collector: Collector

    def __post_init__(self) -> None:
        self.written: list[dict[str, Any]] = []
        self.client = CollectorClient(self.collector.url, self.collector.token_file)
        self.open("start1", rotate=100_000)

    def open(self, start: str, rotate: int) -> None:
        """Begin a log whose files have about so many bytes."""
        self.log = RecordLog(self.directory, writer=WRITER, start=start, limit=LOG_LIMIT_BYTES, rotate=rotate)
        # It reports when it is told to. Rows that are away for 15 such intervals it would send again, and so hide that
        # a shipper has lost them.
        self._reporter = Reporter(self.log, self.client.report, interval=86_400)

    def predict(self, rows: int, padding: int = 0) -> None:
        """Log this many rows, a hundred a request. A thousand rows take four rotations."""
        for _ in range(0, rows, 100):
            self.log.append(100, lambda seq: self.lines(WRITER, seq, 100, padding))

    def lines(self, writer: str, seq: int, rows: int, padding: int = 0) -> bytes:
        """Lines for the log; their features are expected in the store from now on."""
        features = [
            {"alcohol": 0.1 * n, "note": f'{n} é ☃ 😀 \u2028 "\\" \t\r\n<&>' + "x" * padding, "flag": None}
            for n in range(seq, seq + rows)
        ]
        self.written += features
        return msgspec.json.Encoder().encode_lines(
            [
                {
                    "request_id": f"{writer}-{seq}",
                    "row": row,
                    "timestamp": "2026-01-01T00:00:00.000000Z",
                    "monitor": "default/wine",
                    "model": "wine",
                    "model_version": "3",
                    "writer": writer,
                    "seq": seq + row,
                    "features": values,
                    "prediction": {"label": "a", "score": 0.98},
                    "latency_ms": 0.41,
                }
                for row, values in enumerate(features)
            ]
        )

    def report(self) -> None:
        """What the server does every two seconds: files whose rows are all stored are deleted."""
        self._reporter.report_all()

    def all_stored(self) -> bool:
        self.report()
        return self.log.unconfirmed() == 0

    def files(self) -> list[Path]:
        return sorted(self.directory.glob("predictions.*.jsonl"))


@dataclass
class Pipeline:
    """The whole way of a row, from the log to the store."""

    server: Server
    sidecar: Sidecar
    collector: Collector
    shipper: str

    def assert_each_row_is_stored_once_as_written(self) -> None:
        wait_for("every row is confirmed", self.server.all_stored)
        wait_for("every row is stored", lambda: self.collector.coverage()["stored"] >= len(self.server.written))
        coverage = self.collector.coverage()
        assert coverage["stored"] == len(self.server.written)
        assert coverage["missing"] == 0
        stored = self.collector.rows().sort_by([("writer", "ascending"), ("seq", "ascending")])
        names = ("alcohol", "note", "flag")
        columns = (stored[f"feature_{name}"].to_pylist() for name in names)
        assert [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] == self.server.written


def monitor_with(shipper: str, **logging: Any) -> DriftMonitor:
    """The least monitor with this `spec.logging.shipper.type`, and with these fields beside it."""
    return DriftMonitor.model_validate(
        {
            "metadata": {"name": "wine", "namespace": "default"},
            "spec": {
                "model": {"storageUri": "configmap://wine/model.onnx"},
                "reference": {"storageUri": "configmap://wine/reference.parquet"},
                "checks": {"schedule": "*/5 * * * *"},
                "logging": {"shipper": {"type": shipper, "bufferSize": "64Mi"}, **logging},
            },
        }
    )


def sidecar(shipper: str, program: str, folder: Path, collector: Collector, **logging: Any) -> Sidecar:
    """The sidecar that the operator renders, with new folders in the place of its volumes. `logging` are fields of the
    monitor."""
    mounts = {
        rendered.LOG_DIR: "log",
        shipperprograms.STATE_DIR: "state",
        shipperprograms.CONFIG_MOUNT: "config",
        shipperprograms.TEMPORARY: "temporary",
        kafka.CA_MOUNT: "authorities",
    }
    places = {mount: folder / name for mount, name in mounts.items()}
    for place in places.values():
        place.mkdir(exist_ok=True)
        place.chmod(0o777)  # as the kubelet makes an emptyDir
    monitor = monitor_with(shipper, **logging)
    config = operator_config()
    for name, text in shipper_data(monitor, config).items():
        (places[shipperprograms.CONFIG_MOUNT] / name).write_text(text)
    return Sidecar(
        rendered.container(monitor, config),
        executable=program,
        places=places,
        values={
            "COLLECTOR_URL": f"{collector.url}/v1/records",
            "COLLECTOR_HOST": "127.0.0.1",
            "COLLECTOR_PORT": str(collector.port),
            "COLLECTOR_TOKEN": TOKEN,
            "SERVER_LOG_TOKEN": TOKEN,
            "KAFKA_PRODUCER": "a-pod",
            "KAFKA_USERNAME": Kafka.username,
            "KAFKA_PASSWORD": Kafka.password,
            "MONITOR_PORT": str(free_port()),
            "METRICS_PORT": str(free_port()),
        },
        log=folder / "shipper.log",
    )


def operator_config() -> OperatorConfig:
    """What the operator needs to render a sidecar."""
    images = Images("inference", "collector", "check", "fluentd", "syslog-ng")
    return OperatorConfig(images=images, shipper_files=shipper_files())


def shipper_files() -> ShipperFiles:
    """The files as they are in the operator's image."""
    return {
        shipper: {file.name: file.read_text() for file in (CONFIGURATIONS / folder).glob("*.conf")}
        for shipper, folder in SHIPPER_FOLDERS.items()
    }


@contextmanager
def build(shipper: str, program: str, folder: Path, **logging: Any) -> Iterator[Pipeline]:
    """A pipeline in an empty folder of which nothing runs yet, with the sidecar that the operator renders."""
    collector = Collector(folder)
    made = sidecar(shipper, program, folder, collector, **logging)
    try:
        yield Pipeline(Server(made.place(rendered.LOG_DIR), collector), made, collector, shipper)
    finally:
        made.kill()
        collector.stop()
