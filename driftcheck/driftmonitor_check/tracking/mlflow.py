"""Writes a run by MLflow's REST interface, as its own client would; that client is larger than the whole check."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from driftmonitor_api.credentials import MlflowCredentials
from driftmonitor_api.reports import DriftReport
from driftmonitor_check.tracking import content

_API = "/api/2.0/mlflow"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
_ANSWER_BYTES = 1 << 20
_MISSING = 404


class TrackingError(Exception):
    """The run could not be written; the message says why."""


@dataclass(frozen=True)
class Server:
    """An MLflow server; `timeout` is in seconds, for each request."""

    login: MlflowCredentials
    timeout: float = 15.0

    def record(self, experiment: str, report: DriftReport, files: Mapping[str, bytes]) -> str:
        """A finished run with metrics, tags and files; its id. Raises TrackingError."""
        try:
            return self._recorded(experiment, report, files)
        except (KeyError, TypeError, ValueError) as error:  # of answers that lack what MLflow's have
            answered = f"{type(error).__name__}: {error}"
            raise TrackingError(f"what answers at {self.login.tracking_uri} is no MLflow server: {answered}") from error

    def _recorded(self, experiment: str, report: DriftReport, files: Mapping[str, bytes]) -> str:
        made = report.check.time
        asked = {
            "experiment_id": self._experiment(experiment),
            "run_name": f"{report.monitor} {made:%FT%TZ}",
            "start_time": _milliseconds(made),
            "tags": [{"key": key, "value": value} for key, value in content.tags(report).items()],
        }
        info = self._call("POST", "runs/create", asked)["run"]["info"]
        known = {"run_id": info["run_id"]}
        metrics = [
            {"key": key, "value": value, "timestamp": _milliseconds(made), "step": 0}
            for key, value in content.metrics(report).items()
        ]
        self._call("POST", "runs/log-batch", known | {"metrics": metrics})
        try:
            for name, file in files.items():
                self._put(str(info.get("artifact_uri")), name, file)
        finally:
            self._call("POST", "runs/update", known | {"status": "FINISHED", "end_time": _milliseconds(made)})
        return str(info["run_id"])

    def _experiment(self, name: str) -> str:
        try:
            found = self._call("GET", f"experiments/get-by-name?{urlencode({'experiment_name': name})}")["experiment"]
        except _MissingError:
            return str(self._call("POST", "experiments/create", {"name": name})["experiment_id"])
        if found.get("lifecycle_stage") == "deleted":
            raise TrackingError(f"the experiment {name!r} is deleted at the MLflow server; restore it or name another")
        return str(found["experiment_id"])

    def _put(self, root: str, name: str, file: bytes) -> None:
        parts = urlsplit(root)
        if parts.scheme != "mlflow-artifacts":
            raise TrackingError(
                f"its artifacts lie at a {parts.scheme or 'file'}: address, which the check does not write to; start"
                " the MLflow server with --serve-artifacts"
            )
        self._send("PUT", f"{_ARTIFACTS}{quote(parts.path)}/{quote(name)}", file, "application/octet-stream")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        text = self._send(method, f"{_API}/{path}", data, "application/json")
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise TrackingError(f"what answers at {self.login.tracking_uri} is no MLflow server")
        return answer

    def _send(self, method: str, path: str, data: bytes | None, kind: str) -> bytes:
        uri = self.login.tracking_uri
        request = urllib.request.Request(f"{uri}{path}", data, {"Content-Type": kind}, method=method)  # noqa: S310 - credentials.py allows http(s) alone
        if self.login.authorization is not None:
            request.add_unredirected_header("Authorization", self.login.authorization)  # not to where it redirects
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:  # noqa: S310 - as above
                return bytes(response.read(_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                said = _said(error.read(_ANSWER_BYTES))
            kind_of = _MissingError if error.code == _MISSING else TrackingError
            raise kind_of(f"the MLflow server {uri} answered {error.code} {error.reason}{said}") from None
        except urllib.error.URLError as error:
            raise TrackingError(f"the MLflow server {uri} cannot be reached: {error.reason}") from None
        except (HTTPException, OSError) as error:
            raise TrackingError(f"the MLflow server {uri} broke off: {error or type(error).__name__}") from None


class _MissingError(TrackingError):
    """It answered that there is no such thing."""


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _said(body: bytes) -> str:
    try:
        message = json.loads(body).get("message")
    except (ValueError, AttributeError):
        return ""
    return f": {' '.join(message.split())[:300]}" if isinstance(message, str) else ""
