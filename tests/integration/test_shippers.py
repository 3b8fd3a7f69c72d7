"""Each shipper's configuration in the real program: the server's log in, the real collector's store out.

The log is written, rotated and confirmed by the server's own code, and the shipper runs as the operator renders it.
"""

import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_inference import wire
from driftmonitor_inference.recordlog import RecordLog
from driftmonitor_inference.reporting import CollectorClient, Reporter
from driftmonitor_operator.config import Images, OperatorConfig, ShipperFiles
from driftmonitor_operator.resources import shipper as rendered
from driftmonitor_operator.resources.configmaps import shipper_data
from hack.shippers import PROGRAMS, MissingProgramError, Sidecar, executable

CONFIGURATIONS = Path(__file__).parents[2] / "fluentd"
TOKEN = "a-token-that-no-output-may-show"
WRITER = "pod/1/start1"
PATIENCE = 60.0
LOG_LIMIT_BYTES = 256 << 20


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.1)


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
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            "DATA_DIR": str(self.data),
            "COLLECTOR_TOKEN_FILE": str(self.token_file),
            "COMPACTION_SECONDS": "1",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
        }
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "driftmonitor_collector", "serve"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)

    def ready(self) -> bool:
        try:
            return bool(self.get("/readyz"))
        except OSError:
            return False

    def get(self, path: str) -> bytes:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
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
        self._reporter = Reporter(self.log, self.client.report, interval=0.2)

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
        return wire.encode_lines(
            [
                wire.Record(
                    request_id=f"{writer}-{seq}",
                    row=row,
                    timestamp=wire.timestamp(datetime(2026, 1, 1, tzinfo=UTC)),
                    monitor="default/wine",
                    model="wine",
                    model_version="3",
                    writer=writer,
                    seq=seq + row,
                    features=values,
                    prediction=wire.RecordPrediction(label="a", score=0.98),
                    latency_ms=0.41,
                )
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
        wait_until(self.server.all_stored, "every row is confirmed")
        wait_until(lambda: self.collector.coverage()["stored"] >= len(self.server.written), "every row is stored")
        coverage = self.collector.coverage()
        assert coverage["stored"] == len(self.server.written)
        assert coverage["missing"] == 0
        stored = self.collector.rows().sort_by([("writer", "ascending"), ("seq", "ascending")])
        names = ("alcohol", "note", "flag")
        columns = (stored[f"feature_{name}"].to_pylist() for name in names)
        assert [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] == self.server.written


@pytest.fixture(params=sorted(PROGRAMS))
def resting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pipeline]:
    """Neither shipper nor collector run yet."""
    shipper = request.param
    try:
        program = executable(shipper)
    except MissingProgramError as error:
        if shipper == "SyslogNG" and os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    places = {
        mount: tmp_path / name
        for mount, name in ((rendered.LOG_DIR, "log"), (rendered.STATE_DIR, "state"), (rendered.CONFIG_MOUNT, "config"))
    }
    for place in places.values():
        place.mkdir()
    monitor = DriftMonitor.model_validate(
        {
            "metadata": {"name": "wine", "namespace": "default"},
            "spec": {
                "model": {"storageUri": "configmap://wine/model.onnx"},
                "reference": {"storageUri": "configmap://wine/reference.parquet"},
                "checks": {"schedule": "*/5 * * * *"},
                "logging": {"shipper": {"type": shipper, "bufferSize": "64Mi"}},
            },
        }
    )
    config = OperatorConfig(
        images=Images("inference", "collector", "check", "fluentd", "syslog-ng"),
        shipper_files=ShipperFiles(
            fluentd=(CONFIGURATIONS / "fluent.conf").read_text(),
            syslog_ng=(CONFIGURATIONS / "syslog-ng/syslog-ng.conf").read_text(),
        ),
    )
    for name, text in shipper_data(monitor, config).items():
        (places[rendered.CONFIG_MOUNT] / name).write_text(text)
    collector = Collector(tmp_path)
    sidecar = Sidecar(
        rendered.container(monitor, config),
        executable=program,
        places=places,
        values={
            "COLLECTOR_URL": f"{collector.url}/v1/records",
            "COLLECTOR_TOKEN": TOKEN,
            "MONITOR_PORT": str(free_port()),
        },
        log=tmp_path / "shipper.log",
    )
    try:
        yield Pipeline(Server(places[rendered.LOG_DIR], collector), sidecar, collector, shipper)
    finally:
        sidecar.kill()
        collector.stop()
    assert TOKEN not in (sidecar.log.read_text() if sidecar.log.exists() else "")


@pytest.fixture
def pipeline(resting: Pipeline) -> Pipeline:
    """The collector runs, the shipper does not yet."""
    resting.collector.start()
    wait_until(resting.collector.ready, "the collector is ready")
    return resting


def test_the_program_accepts_the_configuration(resting: Pipeline) -> None:
    checked = resting.sidecar.run(PROGRAMS[resting.shipper].check)
    assert checked.returncode == 0, checked.stdout
    assert TOKEN not in checked.stdout


def test_rows_logged_before_the_shipper_starts_and_over_rotations_are_stored(pipeline: Pipeline) -> None:
    pipeline.server.predict(1000)
    pipeline.sidecar.start()
    wait_until(pipeline.server.all_stored, "the rows from before the start are stored")
    for _ in range(5):
        pipeline.server.predict(1000)
        time.sleep(0.5)
        pipeline.server.report()
    pipeline.assert_each_row_is_stored_once_as_written()
    wait_until(lambda: pipeline.server.all_stored() and len(pipeline.server.files()) == 1, "stored files are deleted")


def test_rows_logged_while_the_collector_is_away_are_stored_when_it_is_back(pipeline: Pipeline) -> None:
    pipeline.sidecar.start()
    pipeline.server.predict(1000)
    wait_until(lambda: pipeline.collector.coverage()["stored"] > 0, "the first rows are stored")
    pipeline.collector.stop()
    for _ in range(5):
        pipeline.server.predict(1000)
        time.sleep(1)
    pipeline.collector.start()
    pipeline.server.predict(1000)
    wait_until(pipeline.collector.ready, "the collector is ready")
    pipeline.assert_each_row_is_stored_once_as_written()


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_rows_logged_around_the_end_of_a_shipper_are_stored_by_the_next(pipeline: Pipeline, end: str) -> None:
    for delay in (0.3, 0.7, 1.1):  # the end comes at another step of its work each time
        pipeline.sidecar.start()
        before = pipeline.collector.coverage()["stored"]
        pipeline.server.predict(1000)
        wait_until(lambda before=before: pipeline.collector.coverage()["stored"] > before, "the shipper works")
        pipeline.server.predict(2000)
        time.sleep(delay)
        if end == "SIGTERM":
            assert pipeline.sidecar.terminate() == 0
        else:
            pipeline.sidecar.kill()
        pipeline.server.predict(1000)
    pipeline.sidecar.start()
    pipeline.assert_each_row_is_stored_once_as_written()


def test_a_shipper_with_a_full_buffer_stops_reading_and_goes_on_later(resting: Pipeline) -> None:
    resting.server.open("start2", rotate=16 << 20)
    resting.sidecar.start()
    resting.server.predict(16_000, padding=5000)
    written = sum(file.stat().st_size for file in resting.server.files())
    assert written > 64 << 20
    state = resting.sidecar.place(rendered.STATE_DIR)
    wait_until(lambda: size(state) > 24 << 20, "the buffer fills")
    time.sleep(5)
    assert size(state) < 70 << 20
    resting.collector.start()
    wait_until(resting.collector.ready, "the collector is ready")
    resting.assert_each_row_is_stored_once_as_written()


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_log_file_with_the_inode_of_a_deleted_one_is_read_from_its_start(pipeline: Pipeline) -> None:
    pipeline.sidecar.start()
    pipeline.server.predict(1000)
    wait_until(lambda: pipeline.collector.coverage()["stored"] == 1000, "the first rows are stored")
    pipeline.sidecar.terminate()
    stored = pipeline.server.files()[0]
    inode, length = stored.stat().st_ino, stored.stat().st_size
    pipeline.server.report()
    assert not stored.exists()
    successor = file_with_inode(inode, pipeline.server.directory)
    if successor is None:
        pytest.skip("this file system does not give an inode of a deleted file to a new one")
    lines = pipeline.server.lines("pod/1/start9", 1, 1000)
    assert len(lines) > length
    successor.write_bytes(lines)
    successor.rename(pipeline.server.directory / "predictions.start9.000001.jsonl")
    pipeline.server.client.report("pod/1/start9", 1000, PATIENCE)
    pipeline.sidecar.start()
    pipeline.assert_each_row_is_stored_once_as_written()


def file_with_inode(inode: int, directory: Path) -> Path | None:
    others = []
    found = None
    for number in range(5000):
        file = directory / f"new{number}"
        file.touch()
        if file.stat().st_ino == inode:
            found = file
            break
        others.append(file)
    for file in others:
        file.unlink()
    return found


def test_lines_that_are_no_records_arrive_byte_for_byte(pipeline: Pipeline) -> None:
    odd = [
        b"no JSON at all",
        b'{"not": "UTF-8 \xff\xfe \xc3"}',
        b'{"number": NaN, "big": 1e999, "exact": 0.1000000000000000055511151231257827}',
        b"<13>Jan  1 00:00:00 host program[1]: what syslog would take apart",
        b'{"tab": "\t", "quote": "\'", "backtick": "`", "template": "${HOST} $(echo)", "percent": "%s"}',
        b'{"long": "' + b"x" * 900_000 + b'"}',
    ]
    (pipeline.server.directory / "predictions.odd.000001.jsonl").write_bytes(b"\n".join(odd) + b"\n")
    pipeline.sidecar.start()
    rejected = pipeline.collector.data / "rejected"

    def arrived() -> list[str]:
        return [
            json.loads(line)["line"]
            for file in rejected.glob("*.jsonl")
            for line in file.read_text(encoding="utf-8").split("\n")
            if line
        ]

    wait_until(lambda: len(set(arrived())) >= len(odd), "every line is kept apart")
    assert sorted(set(arrived())) == sorted(line.decode("utf-8", "backslashreplace") for line in odd)


@pytest.mark.parametrize("resting", ["Fluentd"], indirect=True)  # syslog-ng takes an unset variable for an empty one
@pytest.mark.parametrize("variable", ["LOG_DIR", "STATE_DIR", "COLLECTOR_URL", "COLLECTOR_TOKEN", "BUFFER_BYTES"])
def test_fluentd_names_a_variable_that_is_missing(resting: Pipeline, variable: str) -> None:
    checked = resting.sidecar.run(PROGRAMS[resting.shipper].check, without=variable)
    assert checked.returncode != 0
    assert variable in checked.stdout


@pytest.mark.parametrize("resting", ["Fluentd"], indirect=True)
def test_fluentd_answers_probes_without_its_token(resting: Pipeline) -> None:
    resting.sidecar.start()
    port = resting.sidecar.environment["MONITOR_PORT"]

    def plugins() -> str:
        url = f"http://127.0.0.1:{port}/api/plugins.json?with_config=yes&debug=1"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            return ""

    wait_until(lambda: bool(plugins()), "the monitor answers")
    assert {plugin["plugin_id"] for plugin in json.loads(plugins())["plugins"]} == {
        "predictions",
        "monitor",
        "collector",
    }
    assert TOKEN not in plugins()
