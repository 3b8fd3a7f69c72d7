"""What all manifests have in common: names, labels, the owner, security contexts, volumes."""

import hashlib
import json
from typing import Any, Literal

from driftmonitor_api.storage import StorageUri
from driftmonitor_api.v1alpha1 import API_VERSION, KIND, DriftMonitor, Resources
from driftmonitor_operator import kinds
from driftmonitor_operator.kinds import Body

Component = Literal["inference", "collector", "check"]

HTTP_PORT = 8080
USER_ID = 65532
TOKEN_KEY = "token"  # noqa: S105 - the key in the Secret, not what lies under it
TOKEN_MOUNT = "/etc/driftmonitor-token"  # noqa: S105 - a folder


def child_name(monitor: DriftMonitor, component: Component) -> str:
    """Name of most of a component's children; the inference server's bear the monitor's own name."""
    return monitor.metadata.name if component == "inference" else f"{monitor.metadata.name}-{component}"


def token_secret_name(monitor: DriftMonitor) -> str:
    """Name of the Secret with the collector's token."""
    return child_name(monitor, "collector")


def selector(monitor: DriftMonitor, component: Component) -> dict[str, str]:
    """Labels that pick the pods of one component; they never change."""
    return {
        kinds.NAME_LABEL: "driftmonitor",
        kinds.INSTANCE_LABEL: monitor.metadata.name,
        kinds.COMPONENT_LABEL: component,
    }


def labels(monitor: DriftMonitor, component: Component) -> dict[str, str]:
    """Labels of children and of their pods."""
    return selector(monitor, component) | {
        kinds.PART_OF_LABEL: "driftmonitor",
        kinds.MANAGED_BY_LABEL: kinds.FIELD_MANAGER,
    }


def child(kind: str, monitor: DriftMonitor, component: Component, name: str | None = None, **content: Any) -> Body:
    """The manifest of a child: identity, labels and owner, and its content."""
    return {
        "apiVersion": kinds.BY_NAME[kind].api_version,
        "kind": kind,
        "metadata": {
            "name": name or child_name(monitor, component),
            "namespace": monitor.metadata.namespace,
            "labels": labels(monitor, component),
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": monitor.metadata.name,
                    "uid": monitor.metadata.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        **content,
    }


def digest(content: object) -> str:
    """A short digest of anything that JSON can hold, the same for the same content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def pod_security() -> Body:
    """Pod-level part of what the `restricted` Pod Security Standard asks for."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Body:
    """Container-level part of it, and a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def resources(given: Resources | None, cpu: str, memory: str, memory_limit: str) -> Body:
    """What the user wrote, or requests and a memory limit; no processor limit, which only slows what could run."""
    if given is None:
        return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory_limit}}
    return given.model_dump(mode="json", exclude_none=True)


def env(**values: str | int) -> list[Body]:
    """Environment variables with plain values; numbers become text."""
    return [{"name": name, "value": str(value)} for name, value in values.items()]


def empty_dir(name: str, size_limit: str | None = None) -> Body:
    """A volume that lives as long as the pod."""
    return {"name": name, "emptyDir": {"sizeLimit": size_limit} if size_limit else {}}


def config_map_volume(name: str, config_map: str) -> Body:
    """A ConfigMap as files."""
    return {"name": name, "configMap": {"name": config_map}}


def token_volume(monitor: DriftMonitor) -> Body:
    """The collector's token as a file that only the pod's user and group may read."""
    return {"name": "token", "secret": {"secretName": token_secret_name(monitor), "defaultMode": 0o440}}


def source_volumes(name: str, uri: str | None) -> list[Body]:
    """The volume for an address that is mounted; none for one that is fetched, or for none."""
    if uri is None:
        return []
    source = StorageUri.parse(uri)
    match source.scheme:
        case "configmap":
            return [config_map_volume(name, source.container)]
        case "pvc":
            return [{"name": name, "persistentVolumeClaim": {"claimName": source.container, "readOnly": True}}]
        case _:
            return []


def mount(volume: str, path: str, *, read_only: bool = False) -> Body:
    """A volume at a path of a container."""
    return {"name": volume, "mountPath": path} | ({"readOnly": True} if read_only else {})


def collector_url(monitor: DriftMonitor) -> str:
    """Base URL of the collector inside the cluster."""
    return f"http://{collector_host(monitor)}:{HTTP_PORT}"


def collector_host(monitor: DriftMonitor) -> str:
    """Host name of the collector inside the cluster."""
    return f"{child_name(monitor, 'collector')}.{monitor.metadata.namespace}.svc"
