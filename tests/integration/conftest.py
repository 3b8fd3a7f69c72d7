"""A real control plane with the operator's process, for tests/integration/test_operator_*.py."""

import base64
import itertools
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmonitor_operator import kinds
from hack.cluster import builds
from hack.cluster.client import MERGE_PATCH, ApiError
from hack.cluster.controlplane import ControlPlane
from tests.support.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
INSTALL = REPOSITORY / "manifests/install.yaml"
OPERATOR_NAMESPACE = "driftmonitor-system"
CHECK_MANAGER = "fieldManager=driftmonitor-check&force=true"
APPLY = "application/apply-patch+yaml"
Body = dict[str, Any]

SPEC: Body = {
    "model": {"storageUri": "https://models.example/wine.onnx", "version": "3"},
    "reference": {"storageUri": "https://models.example/wine.parquet"},
    "checks": {"schedule": "0 0 1 1 *"},
}


class Api:
    """The objects of one control plane, as its administrator."""

    def __init__(self, plane: ControlPlane, kubectl: Path) -> None:
        self.plane, self._kubectl = plane, kubectl

    def get(self, kind: str, namespace: str, name: str) -> Body | None:
        try:
            body: Body = self.plane.client.json("GET", kinds.BY_NAME[kind].path(namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return body

    def list(self, kind: str, namespace: str, selector: str = "") -> list[Body]:
        query = f"?labelSelector={selector}" if selector else ""
        items: list[Body] = self.plane.client.json("GET", kinds.BY_NAME[kind].path(namespace) + query)["items"]
        return items

    def create(self, body: Body) -> Body:
        path = kinds.BY_NAME[body["kind"]].path(body["metadata"]["namespace"])
        made: Body = self.plane.client.json(
            "POST", path, {"apiVersion": kinds.BY_NAME[body["kind"]].api_version, **body}
        )
        return made

    def patch(
        self,
        kind: str,
        namespace: str,
        name: str,
        change: Body,
        *,
        subresource: str = "",
        content_type: str = MERGE_PATCH,
    ) -> Body:
        path = kinds.BY_NAME[kind].path(namespace, name) + subresource
        changed: Body = self.plane.client.json("PATCH", path, change, content_type)
        return changed

    def delete(self, kind: str, namespace: str, name: str) -> None:
        self.plane.client.json("DELETE", kinds.BY_NAME[kind].path(namespace, name))

    def kubectl(self, *arguments: str) -> str:
        return subprocess.run(self.kubectl_command(*arguments), capture_output=True, text=True, check=True).stdout

    def kubectl_command(self, *arguments: str) -> tuple[str, ...]:
        return str(self._kubectl), "--kubeconfig", str(self.plane.kubeconfig), *arguments

    def children(self, namespace: str) -> dict[str, Body]:
        """What the operator applies, by kind and name."""
        selector = kinds.CHILD_SELECTOR
        found = ((kind.name, body) for kind in kinds.APPLIED for body in self.list(kind.name, namespace, selector))
        return {f"{kind} {body['metadata']['name']}": body for kind, body in found}

    def versions(self, namespace: str) -> dict[str, str]:
        """Resource versions of the children, the Secrets and the monitors: they move with every write."""
        bodies = self.children(namespace)
        bodies |= {f"Secret {body['metadata']['name']}": body for body in self.list("Secret", namespace)}
        bodies |= {body["metadata"]["name"]: body for body in self.list("DriftMonitor", namespace)}
        return {name: body["metadata"]["resourceVersion"] for name, body in bodies.items()}


class Monitor:
    """One DriftMonitor named `wine` in a namespace of its own."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api, self.namespace, self.name = api, namespace, "wine"
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        api.plane.client.json("POST", "/api/v1/namespaces", {"metadata": {"name": namespace, "labels": restricted}})

    def create(self, **spec: Any) -> Body:
        metadata = {"name": self.name, "namespace": self.namespace}
        return self.api.create({"kind": "DriftMonitor", "metadata": metadata, "spec": SPEC | spec})

    def change(self, **spec: Any) -> Body:
        return self.api.patch("DriftMonitor", self.namespace, self.name, {"spec": spec})

    def wait(self, what: str, probe: Callable[[], Any]) -> Any:
        return wait_for(what, probe)

    def delete(self) -> None:
        self.api.delete("DriftMonitor", self.namespace, self.name)

    def body(self) -> Body:
        body = self.api.get("DriftMonitor", self.namespace, self.name)
        assert body is not None
        return body

    def status(self) -> Body:
        status: Body = self.body().get("status", {})
        return status

    def condition(self, kind: str) -> Body:
        found: Body = next((c for c in self.status().get("conditions", []) if c["type"] == kind), {})
        return found

    def wait_for_condition(self, kind: str, status: str, reason: str) -> Body:
        def probe() -> Body | None:
            found = self.condition(kind)
            return found if (found.get("status"), found.get("reason")) == (status, reason) else None

        try:
            answer: Body = wait_for(f"{kind} to be {status} for {reason}", probe)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.condition(kind)}") from error
        return answer

    def child(self, kind: str, name: str) -> Body | None:
        return self.api.get(kind, self.namespace, name)

    def wait_until_applied(self) -> None:
        """All children were applied for the present spec."""

        def applied() -> bool:
            body = self.body()
            return bool(body.get("status", {}).get("observedGeneration") == body["metadata"]["generation"])

        wait_for("the children to be applied", applied)

    def events(self) -> list[tuple[str, str]]:
        return [(event["type"], event["reason"]) for event in self.whole_events()]

    def whole_events(self) -> list[Body]:
        found = self.api.list("Event", self.namespace)
        return [event for event in found if event["involvedObject"]["kind"] == "DriftMonitor"]

    def run_pods(self) -> None:
        """Do what a kubelet does once the containers run: there is no node here."""
        message = json.dumps({"version": "3", "sha256": "ab" * 32, "sizeBytes": 1234})
        fetched = {
            "name": "fetch-model",
            "image": "i",
            "imageID": "",
            "ready": True,
            "restartCount": 0,
            "state": {"terminated": {"exitCode": 0, "message": message}},
        }
        wait_for("the pods", lambda: len(self._starting_pods()) >= 1)
        for pod in self._starting_pods():
            ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            if pod["metadata"]["labels"][kinds.COMPONENT_LABEL] == "inference":
                ready["initContainerStatuses"] = [fetched]
            try:
                self.api.patch("Pod", self.namespace, pod["metadata"]["name"], {"status": ready}, subresource="/status")
            except ApiError as error:
                if error.status != 404:  # a rollout may take a pod away meanwhile
                    raise

    def _starting_pods(self) -> list[Body]:
        selector = f"{kinds.COMPONENT_LABEL}!=check"
        pods = self.api.list("Pod", self.namespace, selector)
        return [pod for pod in pods if pod["status"]["phase"] == "Pending"]

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            if self._starting_pods():
                self.run_pods()
            return bool(self.condition("Ready").get("status") == "True")

        wait_for("Ready", ready)

    def publish(self, verdict: str, facts: Body | None = None, **fields: Any) -> None:
        """Do what the check does: write facts, as its own field manager; `fields` are those of the last check."""
        check = {
            "time": "2026-01-01T10:00:00Z",
            "windowStart": "2026-01-01T09:00:00Z",
            "windowEnd": "2026-01-01T10:00:00Z",
            "rows": 1000,
            "verdict": verdict,
            "drifted": "3/12",
            "driftShare": 0.25,
        }
        reference = {"storageUri": SPEC["reference"]["storageUri"], "sha256": "cd", "rows": 5, "time": check["time"]}
        body = {
            "apiVersion": "driftmonitor.dev/v1alpha1",
            "kind": "DriftMonitor",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "status": {"lastCheck": check | fields, "reference": reference, **(facts or {})},
        }
        path = kinds.MONITOR.path(self.namespace, self.name) + "/status?" + CHECK_MANAGER
        self.api.plane.client.json("PATCH", path, body, APPLY)


class OperatorProcess:
    """`python -m driftmonitor_operator`, with the identity and rights that the install manifest gives it."""

    def __init__(self, directory: Path, kubeconfig: Path) -> None:
        self._directory, self._kubeconfig = directory, kubeconfig
        self._starts = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self.log = directory / "operator.log"

    def start(self, **settings: str) -> None:
        """Start with these environment variables, and return when it has looked at everything once."""
        self.launch(**settings)
        wait_for("the operator's start", lambda: self._running() and " started with " in self.log.read_text())
        self.wait_until_idle()

    def launch(self, **settings: str) -> int:
        """Start, and return its process id at once."""
        self.log = self._directory / f"operator-{next(self._starts)}.log"
        images = {f"{name}_IMAGE": f"image.example/{name.lower()}:1" for name in ("INFERENCE", "COLLECTOR", "CHECK")}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KUBE")},
            **images,
            "SYSLOG_NG_IMAGE": "image.example/syslog-ng:1",
            "SHIPPER_CONFIG_DIR": str(REPOSITORY / "fluentd"),
            "KUBECONFIG": str(self._kubeconfig),
            "HEALTH_PORT": "0",
            "METRICS_PORT": "0",
            "RESYNC_SECONDS": "5",
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "driftmonitor_operator"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        return self._process.pid

    @property
    def started(self) -> bool:
        """Whether it was, and not stopped since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None, "the operator has not been started"
        return self._process.pid

    def ended(self) -> int | None:
        """The exit code of the process, minus the signal that killed it; None while it runs."""
        assert self._process is not None, "the operator has not been started"
        return self._process.poll()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.terminate()
        try:
            return process.wait(timeout=25)
        finally:
            process.kill()
            process.wait()

    def wait_until_idle(self, resyncs: int = 0) -> None:
        """Return when that many resyncs were made from now on, and nothing waits for a worker."""
        times = {self.metrics()["driftmonitor_operator_last_resync_timestamp_seconds"]}

        def idle() -> bool:
            metrics = self.metrics()
            times.add(metrics["driftmonitor_operator_last_resync_timestamp_seconds"])
            return len(times) > resyncs and metrics["driftmonitor_operator_queue_depth"] == 0

        wait_for(f"the operator to be idle after {resyncs} resyncs", idle)

    def applied(self, namespace: str) -> int:
        """Number of applies of children there since its start, by its log."""
        lines = self.log.read_text().splitlines()
        return len([line for line in lines if " applied " in line and f" {namespace}/" in line])

    def metrics(self) -> dict[str, float]:
        lines = self.fetch("metrics", "/metrics").splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def fetch(self, server: str, path: str) -> str:
        """What its server for `health` or `metrics` answers."""
        assert self._running()
        port = self.log.read_text().partition(f"{server} on port ")[2].partition(",")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            content: bytes = answer.read()
        return content.decode()

    def _running(self) -> bool:
        assert self._process is not None, "the operator has not been started"
        assert self._process.poll() is None, f"the operator has ended: {self.log.read_text()[-3000:]}"
        return True


@pytest.fixture(scope="session")
def operator_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A control plane with everything of the install manifest but the operator's Deployment."""
    binaries = builds.ensure(["kubectl", "kube-apiserver", "kube-controller-manager"])
    directory = tmp_path_factory.mktemp("operator-plane")
    with ControlPlane(directory, binaries=binaries, controller_manager=True) as plane:
        api = Api(plane, binaries / "kubectl")
        documents = yaml.safe_load_all(INSTALL.read_text())
        manifest = directory / "install-without-operator.yaml"
        manifest.write_text(yaml.safe_dump_all(d for d in documents if d and d["kind"] != "Deployment"))
        api.kubectl("apply", "--server-side", "-f", str(manifest))
        api.kubectl("wait", "--for=condition=Established", "crd/driftmonitors.driftmonitor.dev", "--timeout=60s")
        yield api


@pytest.fixture(scope="session")
def operator_kubeconfig(operator_api: Api, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the operator's ServiceAccount, with its token and no other right."""
    token = operator_api.kubectl("-n", OPERATOR_NAMESPACE, "create", "token", "driftmonitor-operator").strip()
    config = yaml.safe_load(operator_api.plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    for entry in config["clusters"]:
        authority = entry["cluster"].pop("certificate-authority", None)
        if authority:
            content = base64.b64encode(Path(authority).read_bytes()).decode()
            entry["cluster"]["certificate-authority-data"] = content
    file = tmp_path_factory.mktemp("operator") / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.fixture(scope="module")
def operator(operator_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """A running operator; a test that stops it starts it again."""
    process = OperatorProcess(tmp_path_factory.mktemp("operator-log"), operator_kubeconfig)
    process.start()
    yield process
    assert process.stop() == 0, process.log.read_text()[-3000:]
    for log in process.log.parent.glob("*.log"):
        errors = [line for line in log.read_text().splitlines() if " ERROR " in line]
        assert not errors, errors


_namespaces = (f"cellar-{number}" for number in itertools.count(1))


def _monitor(api: Api) -> Iterator[Monitor]:
    monitor = Monitor(api, next(_namespaces))
    yield monitor
    if api.get("DriftMonitor", monitor.namespace, monitor.name):
        monitor.delete()


@pytest.fixture
def wine(operator_api: Api, operator: OperatorProcess) -> Iterator[Monitor]:
    """A monitor yet to be created, in a namespace of its own."""
    yield from _monitor(operator_api)


@pytest.fixture
def other_wine(operator_api: Api, operator: OperatorProcess) -> Iterator[Monitor]:
    """Another one, of the same name in another namespace."""
    yield from _monitor(operator_api)


@pytest.fixture(scope="session")
def chart_programs() -> Path:
    """The folder with helm and the programs of the control plane."""
    return builds.ensure(["helm", "kubectl", "kube-apiserver", "kube-controller-manager"])


@pytest.fixture(scope="session")
def chart_plane(chart_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An empty control plane with an audit log, for releases of the chart; who installs one takes it away again."""
    directory = tmp_path_factory.mktemp("chart-plane")
    with ControlPlane(directory, binaries=chart_programs, controller_manager=True, audit=True) as plane:
        yield plane
