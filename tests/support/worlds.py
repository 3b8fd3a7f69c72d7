"""A control plane without controllers, and what a user and the garbage collector do in it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from driftmonitor_api import crd
from driftmonitor_operator import kinds
from hack.cluster.client import MERGE_PATCH, ApiError
from hack.cluster.controlplane import ControlPlane
from tests.support import portraits, specs
from tests.support.keptalive import KeptAliveClient
from tests.support.specs import Spec

Body = dict[str, Any]
_SELECTOR = f"?labelSelector={kinds.CHILD_SELECTOR}"
_CLAIMS = kinds.BY_NAME["PersistentVolumeClaim"]
_DEPLOYMENTS = kinds.BY_NAME["Deployment"]
_RELEASED = {"metadata": {"finalizers": None}}
"""Takes away the finalizer of a claim, as the controller does that guards claims in use."""
_THREADS = 8


class World:
    """One such control plane, with the CRD. All methods may be called from any thread."""

    def __init__(self, plane: ControlPlane) -> None:
        """Create the CRD, and wait until it is served."""
        self.plane = plane
        self._pool = ThreadPoolExecutor(_THREADS)
        self._client = KeptAliveClient(plane.client)
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        self._client.json("POST", path, crd.custom_resource_definition())
        plane.wait_until(self._served, "the CRD")

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._pool.shutdown()
        self._client.close()

    def make_namespace(self, name: str) -> None:
        """A namespace in which pods must be `restricted`."""
        restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
        self._client.json("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": restricted}})

    def create(self, namespace: str, name: str, spec: Spec) -> str:
        """A monitor. Returns its uid."""
        path = kinds.MONITOR.path(namespace) + "?fieldValidation=Strict"
        return str(self._client.json("POST", path, _monitor(name, spec))["metadata"]["uid"])

    def merge(self, namespace: str, name: str, old: Spec, new: Spec) -> None:
        """Change a monitor from the old spec to the new one by a merge patch."""
        patch = {"spec": specs.merge_patch(old, new)}
        self._client.json("PATCH", kinds.MONITOR.path(namespace, name), patch, MERGE_PATCH)

    def replace(self, namespace: str, name: str, spec: Spec) -> None:
        """Write the whole monitor anew."""
        path = kinds.MONITOR.path(namespace, name)
        while True:
            body = _monitor(name, spec)
            body["metadata"]["resourceVersion"] = self._client.json("GET", path)["metadata"]["resourceVersion"]
            try:
                self._client.json("PUT", path, body)
                return
            except ApiError as error:
                if error.status != 409:  # the operator has written the status meanwhile
                    raise

    def publish(self, namespace: str, name: str, status: Body) -> None:
        """Write facts to a monitor's status, as a check does."""
        body = {"apiVersion": kinds.MONITOR.api_version, "kind": kinds.MONITOR.name, "metadata": {"name": name}}
        path = kinds.MONITOR.path(namespace, name) + "/status?fieldManager=driftmonitor-check&force=true"
        self._client.json("PATCH", path, body | {"status": status}, "application/apply-patch+yaml")

    def delete(self, namespace: str, name: str) -> None:
        """Delete a monitor; its children stay until `collect_garbage`."""
        self._client.json("DELETE", kinds.MONITOR.path(namespace, name))

    def monitors(self) -> dict[tuple[str, str], Body]:
        """All monitors, by namespace and name."""
        bodies = self._client.json("GET", kinds.MONITOR.path(None))["items"]
        return {(body["metadata"]["namespace"], body["metadata"]["name"]): body for body in bodies}

    def children(self, namespace: str | None = None) -> dict[tuple[str, str], list[Body]]:
        """All children, by namespace and name of their monitor."""
        families: dict[tuple[str, str], list[Body]] = {}
        for body in self._all(namespace):
            metadata = body["metadata"]
            families.setdefault((metadata["namespace"], metadata["labels"][kinds.INSTANCE_LABEL]), []).append(body)
        return families

    def roll_out(self) -> None:
        """Do what the Deployment controller and the kubelets do when every new pod becomes ready."""
        behind: list[tuple[str, Body]] = []
        for body in self._list(_DEPLOYMENTS, None):
            metadata, replicas = body["metadata"], body["spec"]["replicas"]
            counts = {f"{name}eplicas": replicas for name in ("r", "readyR", "updatedR", "availableR") if replicas}
            status = {"observedGeneration": metadata["generation"]} | counts
            if {name: value for name, value in body["status"].items() if name != "conditions"} != status:
                gone = {name: None for name in body["status"] if name not in status}
                available = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
                path = _DEPLOYMENTS.path(metadata["namespace"], metadata["name"]) + "/status"
                behind.append((path, {"status": gone | status | {"conditions": [available]}}))
        self.each(self._patch_if_there, behind)

    def collect_garbage(self, namespace: str, owner: str) -> None:
        """Delete what belongs to the owner with this uid."""
        for body in self._all(namespace):
            metadata = body["metadata"]
            if [reference["uid"] for reference in metadata["ownerReferences"]] == [owner]:
                path = kinds.BY_NAME[body["kind"]].path(namespace, metadata["name"])
                self._client.json("DELETE", path, {"preconditions": {"uid": metadata["uid"]}})
                if "finalizers" in metadata:
                    self._patch_if_there((path, _RELEASED))

    def clear(self, namespace: str, names: Iterable[str]) -> None:
        """Delete these monitors and all children of any monitor in the namespace."""
        for name in names:
            self.delete(namespace, name)
        self.each(lambda kind: self._client.json("DELETE", kind.path(namespace) + _SELECTOR), portraits.COMPARED)
        claims = [_CLAIMS.path(namespace, body["metadata"]["name"]) for body in self._list(_CLAIMS, namespace)]
        self.each(self._patch_if_there, [(path, _RELEASED) for path in claims])

    def each(self, function: Callable[[Any], Any], arguments: Iterable[Any]) -> list[Any]:
        """The results of the calls, which are made at the same time."""
        return list(self._pool.map(function, arguments))

    def _all(self, namespace: str | None) -> list[Body]:
        lists = self.each(lambda kind: self._list(kind, namespace), portraits.COMPARED)
        return [body for bodies in lists for body in bodies]

    def _list(self, kind: kinds.Kind, namespace: str | None) -> list[Body]:
        items = self._client.json("GET", kind.path(namespace) + _SELECTOR)["items"]
        return [{"kind": kind.name, **body} for body in items]

    def _patch_if_there(self, patch: tuple[str, Body]) -> None:
        try:
            self._client.json("PATCH", *patch, MERGE_PATCH)
        except ApiError as error:
            if error.status != 404:
                raise

    def _served(self) -> bool:
        try:
            self._client.json("GET", kinds.MONITOR.path("default"))
        except ApiError:
            return False
        return True


def _monitor(name: str, spec: Spec) -> Body:
    return {
        "apiVersion": kinds.MONITOR.api_version,
        "kind": kinds.MONITOR.name,
        "metadata": {"name": name},
        "spec": spec,
    }
