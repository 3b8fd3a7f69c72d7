"""Runs the server over a folder, and registers models at it with MLflow's own client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from hack.cluster.errors import ClusterError
from hack.mlflow.build import ensure
from hack.objectstore.process import free_port, wait_for_answer

_START_SECONDS = 400.0  # it is 10 s on 2 idle cores
_CLIENT_SECONDS = 400.0
_CLIENT = Path(__file__).parent / "client.py"
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # otherwise workers for what is not used here
    "GIT_PYTHON_REFRESH": "quiet",
}


class MlflowServer:
    """A running server on this machine that asks for a user name and a password, and serves artifacts itself."""

    username = "admin"
    password = "password-of-the-tests"  # noqa: S105 - for a server that only this machine reaches

    def __init__(self, folder: Path) -> None:
        """`folder` must be empty; it takes the registry and the artifacts."""
        self._folder, self._log = folder, folder / "server.log"
        self._python: Path | None = None
        self.port = free_port("127.0.0.1")
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> MlflowServer:
        self._python = ensure()
        settings = self._folder / "auth.ini"
        settings.write_text(
            "[mlflow]\ndefault_permission = NO_PERMISSIONS\n"
            f"database_uri = sqlite:///{self._folder}/users.db\n"
            f"admin_username = {self.username}\nadmin_password = {self.password}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        command = [str(self._python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--app-name", "basic-auth"]
        command += ["--backend-store-uri", f"sqlite:///{self._folder}/registry.db"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        secrets = {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "only for tests"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**os.environ, **_QUIET, **secrets},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # it starts processes of its own, which go with its group
            )
        try:
            wait_for_answer(self._process, f"{self.uri}/health", "MLflow server", self._log, _START_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def register(self, *models: dict[str, Any], environment: dict[str, str] | None = None) -> None:
        """Log and register models as `client.py` describes them; `environment` is for the client, such as credentials
        of a store for artifacts. Raises ClusterError when that fails."""
        login = {"MLFLOW_TRACKING_USERNAME": self.username, "MLFLOW_TRACKING_PASSWORD": self.password}
        result = subprocess.run(
            [str(self._python), "-P", str(_CLIENT), self.uri],
            cwd=self._folder,
            env={**os.environ, **_QUIET, **login, **(environment or {})},
            input=json.dumps(models),
            capture_output=True,
            text=True,
            timeout=_CLIENT_SECONDS,
        )
        if result.returncode:
            raise ClusterError(f"MLflow's client failed:\n{result.stderr[-3000:]}")

    def stop(self) -> None:
        """End the process, and those that it started."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
