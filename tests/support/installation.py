"""The chart, installed by helm into a control plane, and the operator's process as the chart would have it run."""

import base64
import itertools
import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from hack.cluster.client import MERGE_PATCH, ApiError
from hack.cluster.controlplane import ControlPlane
from hack.cluster.processes import free_ports
from tests.support.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts/driftmonitor"
MONITORS = "/apis/driftmonitor.dev/v1alpha1/namespaces/{namespace}/driftmonitors"
Body = dict[str, Any]


class OperatorProgram:
    """One operator's process; `sources` are folders to import from before the installed ones."""

    def __init__(self, log: Path, environment: dict[str, str], sources: tuple[Path, ...] = ()) -> None:
        self.log = log
        self._health, self._metrics = free_ports(2)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KUBE")},
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(map(str, sources)),
            **environment,
            "HEALTH_PORT": str(self._health),
            "METRICS_PORT": str(self._metrics),
        }

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "driftmonitor_operator"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        try:
            wait_for("the operator to be ready", self._is_ready)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            code = self._process.wait(timeout=30)
        finally:
            self.kill()
        if error is None:
            assert code == 0, self.log.read_text()[-3000:]
            errors = [line for line in self.log.read_text().splitlines() if " ERROR driftmonitor_operator" in line]
            assert not errors, errors

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def metric(self, name: str) -> float:
        """Value of a metric without labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))

    def wait_for_resyncs(self, count: int = 1) -> None:
        """Return when it has listed everything that many times from now on, and no key waits for a worker."""
        times = {self.metric("driftmonitor_operator_last_resync_timestamp_seconds")}

        def done() -> bool:
            times.add(self.metric("driftmonitor_operator_last_resync_timestamp_seconds"))
            return len(times) > count and self.metric("driftmonitor_operator_queue_depth") == 0

        wait_for(f"{count} resyncs", done)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, f"the operator has ended: {self.log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Installation:
    """One release of the chart in one control plane, driven by helm and kubectl as a user drives them."""

    def __init__(
        self, plane: ControlPlane, programs: Path, directory: Path, release: str, namespace: str, fluentd: Path
    ) -> None:
        """`fluentd` is the folder of the shippers' files, which is in the operator's image elsewhere."""
        self.plane, self._programs, self._directory = plane, programs, directory
        self.release, self.namespace, self._fluentd = release, namespace, fluentd
        self.operator_name = f"{release}-operator"
        self._logs = itertools.count()
        directory.mkdir(parents=True, exist_ok=True)

    def install(self, chart: Path = CHART, **values: Any) -> None:
        """`helm upgrade --install`, and wait until the apiserver knows the kind."""
        file = self._directory / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        self.helm("upgrade", "--install", self.release, str(chart), "--create-namespace", "--values", str(file))
        self.kubectl("wait", "--for=condition=Established", "crd/driftmonitors.driftmonitor.dev", "--timeout=60s")

    def helm(self, *arguments: str) -> str:
        """Run helm in the release's namespace."""
        return self._run("helm", *arguments, "--namespace", self.namespace)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the cluster's administrator."""
        return self._run("kubectl", *arguments, stdin=stdin)

    def manifest(self) -> list[Body]:
        """What the release consists of, as rendered."""
        return [document for document in yaml.safe_load_all(self.helm("get", "manifest", self.release)) if document]

    @contextmanager
    def operator(self, *sources: Path, **settings: str) -> Iterator[OperatorProgram]:
        """Run the operator with the environment that the live Deployment gives its pod, and its ServiceAccount."""
        folder = self._directory / f"operator-{next(self._logs)}"
        folder.mkdir()
        kubeconfig = self.service_account_kubeconfig(folder / "kubeconfig", self.namespace, self.operator_name)
        environment = {
            **self._environment(),
            "SHIPPER_CONFIG_DIR": str(self._fluentd),
            "KUBECONFIG": str(kubeconfig),
            "RESYNC_SECONDS": "2",
            **settings,
        }
        with OperatorProgram(folder / "log", environment, sources) as program:
            yield program

    def service_account_kubeconfig(self, path: Path, namespace: str, name: str) -> Path:
        """Write a kubeconfig with a token of this ServiceAccount and nothing else."""
        token = self.kubectl("--namespace", namespace, "create", "token", name).strip()
        config = yaml.safe_load(self.plane.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        for entry in config["clusters"]:
            if authority := entry["cluster"].pop("certificate-authority", None):
                content = base64.b64encode(Path(authority).read_bytes()).decode()
                entry["cluster"]["certificate-authority-data"] = content
        path.write_text(yaml.safe_dump(config))
        return path

    def kubectl_of(self, kubeconfig: Path, *arguments: str, stdin: str | None = None) -> tuple[int, str]:
        """Run kubectl as somebody else; its exit code and all that it said."""
        command = [str(self._programs / "kubectl"), "--kubeconfig", str(kubeconfig), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def status_of(self, kubeconfig: Path, method: str, path: str, body: object = None) -> int:
        """The HTTP status of one bare request as somebody else; a body is sent as a merge patch."""
        config = yaml.safe_load(kubeconfig.read_text())
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        request = urllib.request.Request(self.plane.base_url + path, method=method)
        request.add_header("Authorization", f"Bearer {config['users'][0]['user']['token']}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", MERGE_PATCH)
        try:
            with urllib.request.urlopen(
                request, timeout=30, context=ssl.create_default_context(cadata=authority)
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return int(error.code)

    def make_namespace(self, name: str) -> None:
        """Make a namespace that takes only pods of the Pod Security Standard `restricted`."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.plane.client.json("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})

    def get(self, path: str) -> Body | None:
        """One object or list, None if there is none."""
        try:
            body: Body = self.plane.client.json("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return body

    def apply_monitor(self, namespace: str, name: str, spec: Body) -> None:
        """Create or change a monitor, as `kubectl apply --server-side` does."""
        metadata = {"name": name, "namespace": namespace}
        body = {"apiVersion": "driftmonitor.dev/v1alpha1", "kind": "DriftMonitor", "metadata": metadata, "spec": spec}
        self.plane.client.apply(f"{MONITORS.format(namespace=namespace)}/{name}", body)

    def monitors(self, namespace: str) -> dict[str, Body]:
        """The monitors of a namespace by name."""
        listed = self.plane.client.json("GET", MONITORS.format(namespace=namespace))
        return {body["metadata"]["name"]: body for body in listed["items"]}

    def wait_until_applied(self, namespace: str) -> None:
        """Return when the status of every monitor of the namespace is of its present spec."""

        def pending() -> list[str]:
            bodies = self.monitors(namespace).values()
            return [
                body["metadata"]["name"]
                for body in bodies
                if body.get("status", {}).get("observedGeneration") != body["metadata"]["generation"]
            ]

        wait_for("all monitors to be applied", lambda: not pending())

    def run_pods(self, namespace: str) -> None:
        """Do what a kubelet does with new pods once their containers run: there is no node here."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        for pod in self.plane.client.json("GET", path)["items"]:
            if pod["status"]["phase"] == "Pending" and "deletionTimestamp" not in pod["metadata"]:
                status = f"{path}/{pod['metadata']['name']}/status"
                with suppress(ApiError):  # the pod may be gone meanwhile
                    self.plane.client.json("PATCH", status, {"status": ready}, MERGE_PATCH)

    def children(self, namespace: str, resources: tuple[str, ...]) -> dict[str, Body]:
        """The operator's objects of these resources, such as `deployments.apps`, by kind and name."""
        selector = "app.kubernetes.io/managed-by=driftmonitor-operator"
        arguments = ("get", ",".join(resources), "--namespace", namespace, "-l", selector, "-o", "json")
        items = json.loads(self.kubectl(*arguments))["items"]
        return {f"{item['kind']} {item['metadata']['name']}": item for item in items}

    def _environment(self) -> dict[str, str]:
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{self.operator_name}"
        container = self.plane.client.json("GET", path)["spec"]["template"]["spec"]["containers"][0]
        fields = {"metadata.name": f"{self.operator_name}-0", "metadata.namespace": self.namespace}
        return {
            entry["name"]: entry.get("value") or fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
            for entry in container["env"]
            if entry.get("value") or "valueFrom" in entry  # an empty value is not stored
        }

    def _run(self, program: str, *arguments: str, stdin: str | None = None) -> str:
        command = [str(self._programs / program), "--kubeconfig", str(self.plane.kubeconfig), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr}"
        return done.stdout
