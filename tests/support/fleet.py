"""Many monitors on one control plane, an operator that works on them, and a bare client to compare it with."""

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import yaml

from driftmonitor_operator import kinds
from hack.cluster.client import MERGE_PATCH, ApiError
from hack.cluster.controlplane import ControlPlane
from tests.support.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
PER_NAMESPACE = 50
IDLE_SECONDS = 20.0
"""The apiserver ends connections that nobody uses for long."""
SETTINGS = {f"{name}_IMAGE": f"image.example/{name.lower()}:1" for name in ("INFERENCE", "COLLECTOR", "CHECK")} | {
    "SYSLOG_NG_IMAGE": "image.example/syslog-ng:1",
    "SHIPPER_CONFIG_DIR": str(REPOSITORY / "fluentd"),
    "HEALTH_PORT": "0",
    "METRICS_PORT": "0",
    "PYTHONUNBUFFERED": "1",
}
SPEC: dict[str, Any] = {
    "model": {"storageUri": "https://models.example/wine.onnx", "version": "3"},
    "reference": {"storageUri": "https://models.example/wine.parquet"},
    "checks": {"schedule": "0 0 1 1 *"},
}
_WRITES = ("create", "update", "patch", "delete", "deletecollection")
_AGENTS = ("driftmonitor-operator/", "kopf/")
Body = dict[str, Any]


class Connection:
    """A kept-alive connection with a client certificate, as fast as Python's own library is. Belongs to one thread."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pair:  # Python takes a certificate from a file only
            pair.write(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
        parts = urlsplit(cluster["server"])
        self._connection = HTTPSConnection(str(parts.hostname), parts.port, timeout=60, context=context)
        self._used = 0.0

    def send(self, method: str, path: str, content: bytes | None = None, kind: str = "application/json") -> bytes:
        headers = {"Content-Type": kind, "Accept": "application/json", "User-Agent": "fleet"}
        if time.monotonic() > self._used + IDLE_SECONDS:
            self._connection.close()  # it opens itself again
        self._connection.request(method, path, content, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        self._used = time.monotonic()
        if answer.status >= 400:
            raise ApiError(answer.status, body.decode(errors="replace"))
        return body

    def close(self) -> None:
        self._connection.close()


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()


def send_all(kubeconfig: Path, connections: int, requests: Iterable[tuple[str, str, bytes, str]]) -> None:
    """Send these requests over that many connections at the same time."""
    own = threading.local()
    opened: list[Connection] = []

    def send(request: tuple[str, str, bytes, str]) -> None:
        if not hasattr(own, "connection"):
            own.connection = Connection(kubeconfig)
            opened.append(own.connection)
        own.connection.send(*request)

    try:
        with ThreadPoolExecutor(connections) as threads:
            for _ in threads.map(send, requests):
                pass
    finally:
        for connection in opened:
            connection.close()


@dataclass(frozen=True)
class Traffic:
    """What the operator asked the apiserver in some time."""

    requests: int
    writes: int
    """Those of the requests that were granted a change."""
    failed: int
    """Answers with a status of 500 and above."""


class Fleet:
    """Monitors named by numbers in namespaces of fifty each."""

    def __init__(self, plane: ControlPlane, prefix: str = "fleet") -> None:
        self.plane, self._prefix = plane, prefix
        self.size = 0
        self._connection = Connection(plane.kubeconfig)
        self._seen = 0

    def close(self) -> None:
        """End the connection to the apiserver."""
        self._connection.close()

    def install(self) -> None:
        """The CRD, and nothing else of the install manifest."""
        for document in yaml.safe_load_all((REPOSITORY / "manifests/install.yaml").read_text()):
            if document and document["kind"] == "CustomResourceDefinition":
                name = document["metadata"]["name"]
                self.plane.client.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", document)

        def served() -> bool:
            try:
                self._get(kinds.MONITOR.path("default"))
            except ApiError:
                return False
            return True

        wait_for("the CRD", served)

    def place(self, number: int) -> tuple[str, str]:
        """Namespace and name of one of them."""
        return f"{self._prefix}-{number // PER_NAMESPACE}", f"wine-{number}"

    def grow(self, size: int) -> None:
        """Create monitors until there are that many."""
        for number in range(-(-self.size // PER_NAMESPACE), -(-size // PER_NAMESPACE)):
            namespace = {"metadata": {"name": f"{self._prefix}-{number}"}}
            self.plane.client.json("POST", "/api/v1/namespaces", namespace)

        def request(number: int) -> tuple[str, str, bytes, str]:
            namespace, name = self.place(number)
            body = {"apiVersion": kinds.MONITOR.api_version, "kind": kinds.MONITOR.name, "spec": SPEC}
            content = json.dumps(body | {"metadata": {"name": name, "namespace": namespace}}).encode()
            return "POST", kinds.MONITOR.path(namespace), content, "application/json"

        send_all(self.plane.kubeconfig, 4, map(request, range(self.size, size)))
        self.size = size

    def bodies(self, kind: kinds.Kind) -> list[Body]:
        """All objects of that kind in all namespaces."""
        items: list[Body] = self._get(kind.path(None))["items"]
        return [item for item in items if item["metadata"]["namespace"].startswith(f"{self._prefix}-")]

    def settled(self) -> bool:
        """Whether the operator says of each monitor that its children are applied."""
        bodies = self.bodies(kinds.MONITOR)
        return len(bodies) == self.size and all(
            body.get("status", {}).get("observedGeneration") == body["metadata"]["generation"] for body in bodies
        )

    def children(self) -> dict[str, int]:
        """Number of children by kind."""
        return {kind.name: len(self.bodies(kind)) for kind in (*kinds.APPLIED, kinds.SECRET)}

    def change(self, number: int, replicas: int) -> float:
        """Change one monitor; seconds until its Deployment has followed."""
        namespace, name = self.place(number)
        change = json.dumps({"spec": {"serving": {"replicas": replicas}}}).encode()
        begin = time.monotonic()
        self._connection.send("PATCH", kinds.MONITOR.path(namespace, name), change, MERGE_PATCH)
        path = kinds.BY_NAME["Deployment"].path(namespace, name)
        wait_for("the changed child", lambda: self._get(path)["spec"].get("replicas") == replicas, 120, 0.01)
        return time.monotonic() - begin

    def traffic(self) -> Traffic:
        """What the operator has asked since the last call, by the audit log."""
        events = self.plane.audit_events()[self._seen :]
        self._seen += len(events)
        mine = [e for e in events if e.get("userAgent", "").startswith(_AGENTS) and e["stage"] == "ResponseComplete"]
        codes = [e.get("responseStatus", {}).get("code", 0) for e in mine]
        # What is refused writes nothing: a token is asked for, and it is there.
        writes = [e for e, code in zip(mine, codes, strict=True) if e["verb"] in _WRITES and code < 300]
        failed = [code for code in codes if code >= 500]
        return Traffic(len(mine), len(writes), len(failed))

    def _get(self, path: str) -> Any:
        return json.loads(self._connection.send("GET", path))


class Operator:
    """`python -m driftmonitor_operator` on this control plane, as its administrator."""

    def __init__(self, plane: ControlPlane, directory: Path, **settings: str) -> None:
        self._plane, self._directory, self._settings = plane, directory, settings
        self._starts = 0

    def __enter__(self) -> Self:
        self._starts += 1
        self.log = self._directory / f"operator-{self._starts}.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
        environment = kept | SETTINGS | {"KUBECONFIG": str(self._plane.kubeconfig)} | self._settings
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "driftmonitor_operator"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.exit_code = self.process.wait(40)
        finally:
            self.process.kill()
            self.process.wait()

    def idle(self) -> bool:
        """Whether it has listed everything and nothing waits for a worker."""
        return " started with " in self.log.read_text() and self.metric("driftmonitor_operator_queue_depth") == 0

    def wait_until_idle(self, seconds: float = 120.0) -> None:
        """Return when it is idle."""
        wait_for("the operator to be idle", self.idle, seconds, 0.2)

    def wait_until_settled(self, fleet: Fleet, seconds: float) -> None:
        """Return when all monitors are settled; the apiserver is asked that only when the operator is idle."""
        wait_for(f"{fleet.size} monitors", lambda: self.idle() and fleet.settled(), seconds, 0.5)

    def metric(self, name: str) -> float:
        """One of its own metrics."""
        found = re.search(r"metrics on port (\d+)", self.log.read_text())
        assert found
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    def memory(self) -> float:
        """The most memory that it has had since its start, MiB."""
        return self._status("VmHWM")

    def memory_now(self) -> float:
        """Its memory at this moment, MiB."""
        return self._status("VmRSS")

    def cpu_seconds(self) -> float:
        """Processor time since its start."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, field: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(f"{field}:")).split()[1]) / 1024


def apply_request(manifest: Body, namespace: str) -> tuple[str, str, bytes, str]:
    """The server-side apply of one manifest, in another namespace."""
    metadata = manifest["metadata"] | {"namespace": namespace}
    query = urlencode({"fieldManager": kinds.FIELD_MANAGER, "force": "true"})
    path = kinds.BY_NAME[manifest["kind"]].path(namespace, metadata["name"])
    content = json.dumps(manifest | {"metadata": metadata}).encode()
    return "PATCH", f"{path}?{query}", content, "application/apply-patch+yaml"
