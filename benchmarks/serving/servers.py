"""The servers under measurement: how each is started, what it is sent, how its answer reads."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.serving import environments, requests
from benchmarks.serving.models import FEATURES, ServedModel
from benchmarks.serving.requests import Body

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
START_SECONDS = 120.0

Predictions = list[tuple[str, float]]
"""Label and probability of each row."""


class ServerError(Exception):
    """A server does not start or answers wrongly; the message shows what it said."""


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def on_cores(cores: list[int]) -> Iterator[None]:
    """What is started meanwhile runs on these cores for all of its life."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass
class Server:
    """One server."""

    name: str
    model: ServedModel
    folder: Path
    """Its own."""
    command: list[str]
    environment: Mapping[str, str]
    path: str
    """Where it predicts."""
    body: Body
    read: Callable[[Any], Predictions] | None
    """Its answer, decoded; none: it does not predict."""
    port: int
    cores: list[int]
    workers: int = 1
    grpc_port: int = 0
    uid: str = ""
    """First part of its writers' names."""
    checked: int = field(default=0, init=False)
    """Rows of `check`."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def output(self) -> Path:
        """What it says."""
        return self.folder / "output"

    @property
    def log_directory(self) -> Path:
        """Of the prediction log, if it is ours."""
        return self.folder / "log"

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self.process.poll() if self.process is not None else None

    @property
    def pid(self) -> int:
        """Of its first process."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it and wait until it predicts as scikit-learn does. ServerError."""
        with self.output.open("wb") as output, on_cores(self.cores):
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=self.folder, stdout=output, stderr=output
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"{self.name} does not start:\n{self._tail()}")
            try:
                self.check()
                return
            except OSError:
                time.sleep(0.2)

    def check(self) -> None:
        """Send one request of three rows and compare its answer. OSError if it does not listen yet, ServerError."""
        content, headers = self.body(self.model.rows[:3])
        answer = post(self.port, requests.message(self.path, content, headers))
        self.checked += 3
        if self.read is None:
            return
        try:
            predictions = self.read(json.loads(answer))
        except (ValueError, KeyError, TypeError) as error:
            raise ServerError(f"{self.name} answers {answer[:1000]!r}:\n{self._tail()}") from error
        wanted = list(zip(self.model.labels[:3], self.model.scores[:3], strict=True))
        for (label, score), (wanted_label, wanted_score) in zip(predictions, wanted, strict=True):
            if label != wanted_label or abs(score - wanted_score) > 1e-4:
                raise ServerError(f"{self.name} predicts {predictions}, not {wanted}")

    def stop(self, patience: float = 20) -> None:
        """SIGTERM, and SIGKILL if that does not end it in so many seconds."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _tail(self) -> str:
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-15:])


def post(port: int, message: bytes) -> bytes:
    """Send one request on a connection of its own; the body of its answer. OSError if that is not 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(message.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        answer = b""
        while block := connection.recv(1 << 16):
            answer += block
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(answer[:1000].decode("latin-1"))
    return body


def _environment(**more: str) -> dict[str, str]:
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME") if name in os.environ
    }
    return {**kept, "FEATURES": ",".join(FEATURES), **more}


def _folder(parent: Path, name: str) -> Path:
    folder = parent / "".join(letter if letter.isalnum() else "-" for letter in name.lower())
    folder.mkdir()
    return folder


def _read_own(answer: Any) -> Predictions:
    return [(row["label"], row["score"]) for row in answer["predictions"]]


def ours(
    parent: Path,
    model: ServedModel,
    collector_url: str,
    cores: list[int],
    *,
    name: str = "DriftMonitor",
    logging: bool = True,
    workers: int = 1,
    batching: dict[str, Any] | None = None,
    token: str = "token",
    settings: Mapping[str, str] | None = None,
) -> Server:
    """The inference server as the operator starts it, with some of its settings changed. Without logging see
    programs/unlogged.py."""
    folder, port, grpc_port = _folder(parent, name), free_port(), free_port()
    (folder / "log").mkdir()
    (folder / "temporary").mkdir()
    (folder / "token").write_text(token)
    more: dict[str, Any] = {} if batching is None else {"batching": batching}
    command = ["-m", "driftmonitor_inference", "serve"]
    if not logging:
        command = ["-m", "benchmarks.serving.programs.unlogged"]
    environment = _environment(
        CONFIG_FILE=str(model.write_config(folder, **more)),
        MODEL_FILE=str(model.file),
        LOG_DIR=str(folder / "log"),
        LOG_LIMIT_BYTES=str(4 << 30),
        POD_UID=folder.name,
        COLLECTOR_URL=collector_url,
        COLLECTOR_TOKEN_FILE=str(folder / "token"),
        HOST="127.0.0.1",
        PORT=str(port),
        GRPC_PORT=str(grpc_port),
        WORKERS=str(workers),
        TMPDIR=str(folder / "temporary"),
        SHUTDOWN_DELAY_SECONDS="0",
        DRAIN_SECONDS="5",
        TERMINATION_MESSAGE_FILE=str(folder / "termination"),
        PYTHONPATH=str(REPOSITORY),
    ) | dict(settings or {})
    return Server(
        name,
        model,
        folder,
        [sys.executable, *command],
        environment,
        "/predict",
        requests.named,
        _read_own,
        port,
        cores,
        workers,
        grpc_port,
        folder.name,
    )


def naive(parent: Path, model: ServedModel, cores: list[int]) -> Server:
    """FastAPI under uvicorn, both with their defaults."""
    name = "naive FastAPI"
    environment = _environment(MODEL_FILE=str(model.file), PYTHONPATH=str(REPOSITORY))
    port = free_port()
    command = _uvicorn("naive", port)
    folder = _folder(parent, name)
    return Server(name, model, folder, command, environment, "/predict", requests.named, _read_own, port, cores)


def noop(parent: Path, model: ServedModel, cores: list[int], answer: bytes, answer_of_many: bytes) -> Server:
    """An ASGI application that answers as many bytes as these, whatever it is sent."""
    name = "no-op ASGI"
    sizes = {"ANSWER_BYTES": str(len(answer)), "ANSWER_OF_MANY_BYTES": str(len(answer_of_many))}
    environment = _environment(PYTHONPATH=str(REPOSITORY), **sizes)
    port = free_port()
    command = [*_uvicorn("noop", port), "--no-access-log"]
    folder = _folder(parent, name)
    return Server(name, model, folder, command, environment, "/", requests.named, None, port, cores)


def _uvicorn(program: str, port: int) -> list[str]:
    application = f"benchmarks.serving.programs.{program}:app"
    return [sys.executable, "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port)]


def mlserver(parent: Path, model: ServedModel, cores: list[int]) -> Server:
    """MLServer with its defaults. NotInstalledError."""
    programs = environments.MLSERVER.ensure()
    name, port = "MLServer", free_port()
    folder = _folder(parent, name)
    shutil.copy(PROGRAMS / "mlserver_runtime.py", folder)
    shutil.copy(model.file, folder / "model.onnx")
    settings = {"name": "classifier", "implementation": "mlserver_runtime.OnnxModel"}
    settings |= {"parameters": {"uri": "./model.onnx"}}  # type: ignore[dict-item]
    (folder / "model-settings.json").write_text(json.dumps(settings))
    ports = {"host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    (folder / "settings.json").write_text(json.dumps(ports))
    command = [str(programs / "mlserver"), "start", "."]
    path = "/v2/models/classifier/infer"

    def read(answer: Any) -> Predictions:
        outputs = {output["name"]: output["data"] for output in answer["outputs"]}
        scores = outputs["probabilities"]
        return [(label, max(scores[2 * place : 2 * place + 2])) for place, label in enumerate(outputs["label"])]

    return Server(name, model, folder, command, _environment(), path, requests.tensor, read, port, cores)


def bentoml(parent: Path, model: ServedModel, cores: list[int]) -> Server:
    """BentoML with its defaults and its monitor. NotInstalledError."""
    programs = environments.BENTOML.ensure()
    name, port = "BentoML", free_port()
    folder = _folder(parent, name)
    shutil.copy(PROGRAMS / "bento_service.py", folder)
    environment = _environment(
        MODEL_FILE=str(model.file), BENTOML_HOME=str(folder / "home"), BENTOML_DO_NOT_TRACK="True"
    )
    address = ["--host", "127.0.0.1", "--port", str(port)]
    command = [str(programs / "bentoml"), "serve", "bento_service:Classifier", *address]

    def read(answer: Any) -> Predictions:
        return [(row["label"], row["score"]) for row in answer]

    return Server(name, model, folder, command, environment, "/predict", requests.named, read, port, cores)
