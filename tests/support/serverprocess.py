"""A real inference server as a process that is ended and started again on the same log."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.support.callers import write_model
from tests.support.shipping import free_port
from tests.support.waiting import PATIENCE_SECONDS


class InferenceServer:
    """`serve` on ports that it keeps over its starts."""

    def __init__(self, folder: Path, log_dir: Path, collector_url: str, token_file: Path) -> None:
        """Nothing runs yet; `folder` is for its files beside the log."""
        model, config = folder / "model.onnx", folder / "inference.json"
        write_model(model)
        config.write_text(json.dumps({"monitor": "default/wine", "modelName": "wine", "modelVersion": "3"}))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log_dir = log_dir
        self.output = folder / "server.log"
        self.changes: dict[str, str] = {}
        """Variables that the next start has beside its own."""
        self._environment = {
            "CONFIG_FILE": str(config),
            "MODEL_FILE": str(model),
            "LOG_DIR": str(log_dir),
            "LOG_LIMIT_BYTES": str(256 << 20),
            "LOG_ROTATE_BYTES": "100000",
            "POD_UID": "pod-1",
            "COLLECTOR_URL": collector_url,
            "COLLECTOR_TOKEN_FILE": str(token_file),
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "GRPC_PORT": str(free_port()),
            "REPORT_SECONDS": "0.2",
            "SHUTDOWN_DELAY_SECONDS": "0.2",
            "DRAIN_SECONDS": "60",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns at once."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
        command = [sys.executable, "-m", "driftmonitor_inference", "serve"]
        with self.output.open("ab") as output:
            environment = kept | self._environment | self.changes
            self._process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    def ready(self) -> bool:
        """Whether it takes requests; a failure if it has ended."""
        assert self._process is not None and self._process.poll() is None, self.output.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=PATIENCE_SECONDS) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def begin_end(self) -> None:
        """Send SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def end(self) -> int:
        """Wait until it has ended by itself; its exit status."""
        assert self._process is not None
        return self._process.wait(PATIENCE_SECONDS)

    def terminate(self) -> int:
        """SIGTERM; its exit status, once it has drained."""
        self.begin_end()
        return self.end()

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def metrics(self) -> str:
        """What Prometheus would read."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE_SECONDS) as answer:
            return str(answer.read().decode())

    def metric(self, name: str) -> float:
        """The sum of the samples whose lines begin so."""
        return sum(float(line.split()[-1]) for line in self.metrics().splitlines() if line.startswith(name))
