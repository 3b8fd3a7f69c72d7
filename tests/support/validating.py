"""The validation service as a process."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from driftmonitor_api.config import ValidationConfig
from driftmonitor_api.v1alpha1 import DriftMonitor
from tests.support.shipping import TOKEN
from tests.support.waiting import PATIENCE_SECONDS, wait_for

FEATURES = [{"name": "alcohol", "type": "Numerical"}, {"name": "colour", "type": "Categorical"}]
Body = dict[str, Any]
_ANSWER_SECONDS = 500
"""For the first comparison, which loads Evidently, on a busy machine."""
_LISTENING = re.compile(r"running on http://127\.0\.0\.1:(\d+)")


def monitor(**spec: Any) -> Body:
    """A DriftMonitor whose reference is mounted, with these parts of its spec."""
    minimal: Body = {
        "model": {"storageUri": "configmap://models/wine.onnx", "features": FEATURES},
        "reference": {"storageUri": "pvc://references/wine.csv"},
        "checks": {"schedule": "* * * * *", "window": {"minRows": 100, "maxRows": 2000}},
    }
    return {"metadata": {"name": "wine", "namespace": "cellar"}, "spec": minimal | spec}


class ValidationService:
    """The real one, on any free port."""

    def __init__(self, folder: Path, body: Body | None = None) -> None:
        """`body` is its monitor."""
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.reference = folder / "wine.csv"
        self.token_file = folder / "token"
        self.token_file.write_text(TOKEN)
        self.log = folder / "validation.log"
        self._config = folder / "validation.json"
        config = ValidationConfig.of(DriftMonitor.model_validate(body or monitor()))
        self._config.write_text(config.model_dump_json(exclude_none=True))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The one started last."""
        assert self._process is not None
        return self._process

    def launch(self, **changes: str) -> None:
        """Start, with these variables beside its own, and return at once."""
        environment = {
            **os.environ,
            "CONFIG_FILE": str(self._config),
            "COLLECTOR_TOKEN_FILE": str(self.token_file),
            "REFERENCE_MOUNT": str(self.folder),
            "HOST": "127.0.0.1",
            "PORT": "0",
            "TIMEOUT_SECONDS": str(_ANSWER_SECONDS),
            **changes,
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "driftmonitor_check", "serve"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    @property
    def port(self) -> int:
        """Where it listens, once it does."""
        self.wait("the service to listen", lambda: _LISTENING.search(self.log.read_text()) is not None)
        found = _LISTENING.search(self.log.read_text())
        assert found is not None
        return int(found[1])

    @property
    def url(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, **changes: str) -> None:
        """Start, and return when it is ready."""
        self.launch(**changes)
        self.wait("the service to be ready", self.ready)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Until the condition holds, or the process has ended."""

        def met() -> bool:
            assert self.process.poll() is None, f"it has ended: {self.log.read_text()[-3000:]}"
            return condition()

        wait_for(what, met)

    def ready(self) -> bool:
        return self._answers("/readyz") == 200

    def alive(self) -> bool:
        return self._answers("/healthz") == 200

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=PATIENCE_SECONDS)

    def post(self, content: Any, token: str = TOKEN, **headers: str) -> httpx.Response:
        """Records as JSON, or bytes as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): v for name, v in headers.items()}}
        return httpx.post(f"{self.url}/validation", content=body, headers=headers, timeout=_ANSWER_SECONDS)

    def metric(self, name: str) -> float:
        lines = [line for line in self.get("/metrics").text.splitlines() if not line.startswith("#")]
        return {key: float(value) for key, _, value in (line.rpartition(" ") for line in lines)}.get(
            f"driftmonitor_validation_{name}", 0.0
        )

    def worker(self) -> int:
        """Process id of the worker."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        (worker,) = (c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes())
        return int(worker)

    def hold_worker(self) -> int:
        """Have the worker stand still, as one that computes for ever does; its process id."""
        worker = self.worker()
        os.kill(worker, signal.SIGSTOP)
        return worker

    def loaded(self, pid: int, library: str) -> bool:
        """Whether a process has loaded a library of this name."""
        return library in Path(f"/proc/{pid}/maps").read_text()

    def _answers(self, path: str) -> int:
        try:
            return self.get(path).status_code
        except httpx.TransportError:
            return 0
