"""Asks each component of a running cluster whether it is well. All of it from the host, over the link to the node."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hack.cluster.certificates import KeyPair
from hack.cluster.client import ApiClient, ApiError
from hack.cluster.embedded import settings
from hack.cluster.embedded.manifests import STORAGE_CLASS, VOLUMES
from hack.cluster.embedded.namespace import Namespace, inside
from hack.cluster.embedded.settings import Settings

_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class Health:
    """One line of `status`."""

    component: str
    well: bool
    detail: str


def report(cluster: Settings, namespace: Namespace) -> Iterator[Health]:
    """Every component's health, in the order in which they need each other."""
    address = cluster.node_address
    restarts = _restarts(cluster)
    checks: list[tuple[str, Callable[[], str]]] = [
        ("etcd", lambda: _http(address, settings.METRICS_PORT, "/health")),
        ("containerd", lambda: _containerd(namespace)),
        ("kube-apiserver", lambda: _client(cluster).text("GET", "/readyz")),
        ("kube-controller-manager", lambda: _https(address, settings.CONTROLLER_MANAGER_PORT, "/healthz")),
        ("kube-scheduler", lambda: _https(address, settings.SCHEDULER_PORT, "/readyz")),
        ("kubelet", lambda: _http(address, settings.KUBELET_HEALTH_PORT, "/healthz")),
        ("kube-proxy", lambda: _http(address, settings.PROXY_HEALTH_PORT, "/healthz")),
        ("coredns", lambda: _http(address, settings.DNS_READY_PORT, "/ready")),
    ]
    for component, check in checks:
        again = restarts.get(component, 0)
        suffix = f", restarts: {again}" if again else ""
        try:
            check()
            yield Health(component, True, f"ready{suffix}")
        except (ApiError, OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
            yield Health(component, False, f"not ready{suffix}: {_reason(error)}")
    for component, judge in (("node", _node), ("volumes", _volumes), ("ServiceAccounts", _service_accounts)):
        try:
            yield judge(_client(cluster), cluster.name)
        except ApiError as error:
            yield Health(component, False, _reason(error))


def node_health(node: dict[str, Any]) -> Health:
    """The verdict on a Node object."""
    conditions = {each["type"]: each for each in node.get("status", {}).get("conditions", [])}
    ready = conditions.get("Ready", {"status": "Unknown", "message": "it has not reported yet"})
    if ready["status"] != "True":
        return Health("node", False, f"not ready: {ready.get('message', '')}")
    information = node["status"]["nodeInfo"]
    return Health("node", True, f"Ready, {information['kubeletVersion']}, {information['containerRuntimeVersion']}")


def volumes_health(volumes: list[dict[str, Any]]) -> Health:
    """The verdict on the pool of volumes: how many are free."""
    pool = [each for each in volumes if each["spec"].get("storageClassName") == STORAGE_CLASS]
    free = sum(each["status"].get("phase") == "Available" for each in pool)
    wait = "" if free else ", further claims wait for one"
    return Health("volumes", bool(pool), f"{free} of {len(pool)} available{wait}")


def _node(client: ApiClient, name: str) -> Health:
    return node_health(client.json("GET", f"/api/v1/nodes/{name}"))


def _volumes(client: ApiClient, _name: str) -> Health:
    return volumes_health(client.json("GET", VOLUMES)["items"])


def _service_accounts(client: ApiClient, _name: str) -> Health:
    client.text("GET", "/api/v1/namespaces/default/serviceaccounts/default")
    return Health("ServiceAccounts", True, "made for new namespaces")


def _client(cluster: Settings) -> ApiClient:
    pki = cluster.certificates
    pair = KeyPair(pki / "administrator.crt", pki / "administrator.key")
    return ApiClient(cluster.server, pki / "ca.crt", pair, _TIMEOUT_SECONDS)


def _http(address: str, port: int, path: str) -> str:
    return _get(http.client.HTTPConnection(address, port, timeout=_TIMEOUT_SECONDS), path)


def _https(address: str, port: int, path: str) -> str:
    context = ssl.create_default_context()
    context.check_hostname = False  # they make a certificate for themselves at each start, and only say "ok"
    context.verify_mode = ssl.CERT_NONE
    return _get(http.client.HTTPSConnection(address, port, timeout=_TIMEOUT_SECONDS, context=context), path)


def _get(connection: http.client.HTTPConnection, path: str) -> str:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read().decode(errors="replace")
    finally:
        connection.close()
    if answer.status != 200:
        raise ApiError(answer.status, content.strip())
    return content


def _containerd(namespace: Namespace) -> str:
    ctr = ["ctr", "--address", str(settings.CONTAINERD_SOCKET), "version"]
    return subprocess.run(
        inside(namespace, ctr), check=True, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS
    ).stdout


def _restarts(cluster: Settings) -> dict[str, int]:
    try:
        record = json.loads((cluster.directory / "components.json").read_text())
    except (OSError, ValueError):
        return {}
    return {name: each["restarts"] for name, each in record.items()}


def _reason(error: Exception) -> str:
    lines = (str(error) or type(error).__name__).splitlines()
    failed = [line for line in lines if line.startswith("[-]")]  # how the apiserver marks the check that failed
    return (failed or lines)[0]
