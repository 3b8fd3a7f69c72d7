"""Real ONNX models, a real server process, and a small HTTP peer in the collector's place."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy
import pytest

from tests.support.serving import serving
from tests.support.waiting import wait_for

TOKEN = "sesame"


@dataclass
class TrainedModels:
    """Paths of ONNX files, all of them exported by skl2onnx from models trained on the same data."""

    columns: Path
    """Classifier late/on time: a float input `distance` and a string input `origin`, zipmap off."""
    strict_categories: Path
    """The same, and it refuses an origin that it was not trained on."""
    matrix: Path
    """Classifier with integer labels 3 and 4: one float input of 3 columns, zipmap off."""
    zipmap: Path
    """The same, zipmap on."""
    regressor: Path
    """One float input of 3 columns, one value."""
    nearest: Path
    """A classifier whose file does not tell its labels."""
    broken: Path
    """It loads, takes `distance` and `origin`, and predicts no row: a Reshape in it never fits."""
    broken_numbers: Path
    """The same with `distance` alone."""
    unguessable: Path
    """It takes -9 and -7 alone, and its file names 9 and 7."""
    integer_categories: Path
    """Classifier with an integer input `month` and a string input `origin`; it refuses values that it does not know."""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> TrainedModels:
    """Train and export once."""
    import pandas
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    folder = tmp_path_factory.mktemp("models")
    random = numpy.random.default_rng(7)
    matrix = random.random((200, 3)).astype(numpy.float32)
    number = (matrix[:, 0] > 0.5).astype(int) + 3
    frame = pandas.DataFrame({"distance": matrix[:, 0], "origin": numpy.where(matrix[:, 1] > 0.5, "JFK", "LGA")})
    late = numpy.where(matrix[:, 0] > 0.5, "late", "on time")

    def save(name: str, trained: Any, **arguments: Any) -> Path:
        path = folder / f"{name}.onnx"
        path.write_bytes(to_onnx(trained, **arguments).SerializeToString())
        return path

    def pipeline(unknown: str) -> Any:
        encoder = ColumnTransformer(
            [("n", StandardScaler(), ["distance"]), ("c", OneHotEncoder(handle_unknown=unknown), ["origin"])]
        )
        return make_pipeline(encoder, LogisticRegression()).fit(frame, late)

    named = {
        "initial_types": [("distance", FloatTensorType([None, 1])), ("origin", StringTensorType([None, 1]))],
        "options": {"zipmap": False},
    }
    months = pandas.DataFrame({"month": 5 + (matrix[:, 0] * 3).astype(int), "origin": frame["origin"]})
    strict = ColumnTransformer([("c", OneHotEncoder(handle_unknown="error"), ["month", "origin"])])
    typed = [("month", Int64TensorType([None, 1])), ("origin", StringTensorType([None, 1]))]
    classifier = LogisticRegression().fit(matrix, number)
    return TrainedModels(
        columns=save("columns", pipeline("ignore"), **named),
        strict_categories=save("strict_categories", pipeline("error"), **named),
        matrix=save("matrix", classifier, X=matrix[:1], options={"zipmap": False}),
        zipmap=save("zipmap", classifier, X=matrix[:1]),
        regressor=save("regressor", LinearRegression().fit(matrix, matrix.sum(axis=1)), X=matrix[:1]),
        unguessable=_unguessable(folder / "unguessable.onnx"),
        broken=_broken(folder / "broken.onnx", with_origin=True),
        broken_numbers=_broken(folder / "broken_numbers.onnx", with_origin=False),
        integer_categories=save(
            "integer_categories",
            make_pipeline(strict, LogisticRegression()).fit(months, late),
            initial_types=typed,
            options={"zipmap": False},
        ),
        nearest=save("nearest", KNeighborsClassifier().fit(matrix, number), X=matrix[:1], options={"zipmap": False}),
    )


def _broken(path: Path, *, with_origin: bool) -> Path:
    """onnxruntime loads it, since its shapes are free, and fails at every row."""
    from onnx import TensorProto, helper, numpy_helper

    number = numpy.array([-1, 2], numpy.int64)
    inputs = [helper.make_tensor_value_info("distance", TensorProto.FLOAT, [None, 1])]
    nodes = [
        helper.make_node("Reshape", ["distance", "pairs"], ["paired"]),
        helper.make_node("MatMul", ["paired", "weights"], ["value"]),
    ]
    if with_origin:
        inputs.append(helper.make_tensor_value_info("origin", TensorProto.STRING, [None, 1]))
        categories = {"cats_strings": ["JFK", "LGA"], "zeros": 0, "domain": "ai.onnx.ml"}
        nodes.insert(0, helper.make_node("OneHotEncoder", ["origin"], ["encoded"], **categories))
    graph = helper.make_graph(
        nodes,
        "broken",
        inputs,
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])],
        [
            numpy_helper.from_array(number, "pairs"),
            numpy_helper.from_array(numpy.ones((2, 1), numpy.float32), "weights"),
        ],
    )
    operators = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)]
    path.write_bytes(helper.make_model(graph, opset_imports=operators, ir_version=8).SerializeToString())
    return path


def _unguessable(path: Path) -> Path:
    from onnx import TensorProto, helper

    nodes = []
    for name, known in (("second", 7), ("first", 9)):
        categories = {"cats_int64s": [known], "zeros": 0, "domain": "ai.onnx.ml"}
        nodes.append(helper.make_node("Neg", [name], [f"{name}_negative"]))
        nodes.append(helper.make_node("Cast", [f"{name}_negative"], [f"{name}_integer"], to=TensorProto.INT64))
        nodes.append(helper.make_node("OneHotEncoder", [f"{name}_integer"], [f"{name}_encoded"], **categories))
        nodes.append(helper.make_node("Squeeze", [f"{name}_encoded"], [f"{name}_flat"], axes=[1]))
    nodes.append(helper.make_node("Add", ["first_flat", "second_flat"], ["value"]))
    graph = helper.make_graph(
        nodes,
        "unguessable",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("first", "second")],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])],
        [],
    )
    operators = [helper.make_opsetid("", 12), helper.make_opsetid("ai.onnx.ml", 3)]
    path.write_bytes(helper.make_model(graph, opset_imports=operators, ir_version=8).SerializeToString())
    return path


@dataclass
class Collector:
    """A peer that takes reports. What it answers is set by the test."""

    url: str = ""
    reports: list[dict[str, Any]] = field(default_factory=list)
    stored: Callable[[str, int], int] = lambda writer, written: written
    status: int = 200
    body: bytes | None = None

    def last(self) -> dict[str, int]:
        """The last report of each writer."""
        return {report["writer"]: report["written"] for report in list(self.reports)}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running peer that answers that all is stored."""
    peer = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            allowed = self.path == "/v1/writers" and self.headers["Authorization"] == f"Bearer {TOKEN}"
            status = peer.status if allowed else 401
            if status == 200:
                peer.reports.append(report)
            answer = peer.body
            if answer is None:
                answer = json.dumps({"stored_through": peer.stored(report["writer"], report["written"])}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    peer.url = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield peer


@dataclass
class ServerProcess:
    """A running `serve`."""

    process: subprocess.Popen[str]
    http: httpx.Client
    grpc: str
    """Host and port."""
    log_dir: Path

    def wait_ready(self) -> None:
        """Until /health answers 200."""

        def ready() -> bool:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.process.communicate()}"
            try:
                return self.http.get("/health").status_code == 200
            except httpx.TransportError:
                return False

        wait_for("the server is ready", ready)

    def terminate(self) -> tuple[int, str, str]:
        """SIGTERM; gives exit status, stdout and stderr."""
        self.process.send_signal(signal.SIGTERM)
        stdout, stderr = self.process.communicate(timeout=120)
        return self.process.returncode, stdout, stderr

    def records(self) -> list[dict[str, Any]]:
        """Every whole line of the log, in the order of writing."""
        lines: list[bytes] = []
        for path in sorted(self.log_dir.glob("predictions.*.jsonl")):
            lines += path.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]


@pytest.fixture
def environment(tmp_path: Path, models: TrainedModels, collector: Collector) -> dict[str, str]:
    """A whole environment of `serve` for the classifier with named columns."""
    with socket.create_server(("127.0.0.1", 0)) as probe, socket.create_server(("127.0.0.1", 0)) as other:
        port, grpc_port = probe.getsockname()[1], other.getsockname()[1]
    config = {"monitor": "default/flights", "modelName": "flights", "modelVersion": "3"}
    (tmp_path / "inference.json").write_text(json.dumps(config))
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "log").mkdir()
    return {
        "CONFIG_FILE": str(tmp_path / "inference.json"),
        "MODEL_FILE": str(models.columns),
        "LOG_DIR": str(tmp_path / "log"),
        "LOG_LIMIT_BYTES": "50000000",
        "POD_UID": "pod-1",
        "COLLECTOR_URL": collector.url,
        "COLLECTOR_TOKEN_FILE": str(tmp_path / "token"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "GRPC_PORT": str(grpc_port),
        "REPORT_SECONDS": "0.1",
        "SHUTDOWN_DELAY_SECONDS": "0.5",
        "DRAIN_SECONDS": "20",
        "TERMINATION_MESSAGE_FILE": str(tmp_path / "termination"),
    }


def run_command(command: str, environment: dict[str, str], **arguments: Any) -> "subprocess.Popen[str]":
    """Start one command of the package with this environment and nothing else."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "driftmonitor_inference", command],
        env=kept | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **arguments,
    )


@pytest.fixture
def start_server(environment: dict[str, str]) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers; keyword arguments change the environment. What still runs at the end is killed."""
    started: list[ServerProcess] = []

    def start(**changes: str) -> ServerProcess:
        settings = environment | changes
        process = run_command("serve", settings)
        http = httpx.Client(base_url=f"http://127.0.0.1:{settings['PORT']}", timeout=30)
        started.append(ServerProcess(process, http, f"127.0.0.1:{settings['GRPC_PORT']}", Path(settings["LOG_DIR"])))
        return started[-1]

    yield start
    for server in started:
        server.http.close()
        server.process.kill()
        if server.process.stdout is not None and not server.process.stdout.closed:
            server.process.communicate()


@pytest.fixture
def run_to_end() -> Callable[..., tuple[int, str, str]]:
    """Runs one command to its end; gives exit status, stdout and stderr."""

    def run(command: str, environment: dict[str, str], **arguments: Any) -> tuple[int, str, str]:
        process = run_command(command, environment, **arguments)
        stdout, stderr = process.communicate(timeout=120)
        return process.returncode, stdout, stderr

    return run
