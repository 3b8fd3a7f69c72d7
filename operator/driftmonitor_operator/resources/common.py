"""What all manifests have in common: names, labels, the owner."""

import hashlib
import json
from typing import Any, Literal

from driftmonitor_api.v1alpha1 import API_VERSION, KIND, DriftMonitor
from driftmonitor_operator import kinds
from driftmonitor_operator.kinds import Body

Component = Literal["inference", "collector", "check", "validation"]

HTTP_PORT = 8080
GRPC_PORT = 9000
TOKEN_KEY = "token"  # noqa: S105 - the key in the Secret, not what lies under it


def components(monitor: DriftMonitor) -> list[Component]:
    """The programs that this monitor has."""
    always: list[Component] = ["inference", "collector", "check"]
    return [*always, "validation"] if monitor.spec.checks.validation is not None else always


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


def collector_url(monitor: DriftMonitor) -> str:
    """Base URL of the collector inside the cluster."""
    return f"http://{collector_host(monitor)}:{HTTP_PORT}"


def collector_host(monitor: DriftMonitor) -> str:
    """Host name of the collector inside the cluster."""
    return f"{child_name(monitor, 'collector')}.{monitor.metadata.namespace}.svc"
