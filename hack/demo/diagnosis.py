"""Where to look when a step fails: the monitor's conditions, events, pods and the logs of those that are not well."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import indent

from hack.cluster.errors import ClusterError
from hack.demo.kubectl import Kubectl, Object

LOG_LINES = 15
EVENTS = 12
PODS = 3


def unwell(pod: Object) -> bool:
    """Pure: whether a pod has neither ended well nor has all of its containers ready."""
    status = pod.get("status", {})
    if status.get("phase") == "Succeeded":
        return False
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return not containers or any(not container.get("ready") for container in containers)


def conditions(monitor: Object) -> str:
    """Pure: one line for each condition."""
    return "\n".join(
        f"{condition['type']}={condition['status']} {condition['reason']}: {condition['message']}"
        for condition in monitor.get("status", {}).get("conditions", [])
    )


def diagnose(kubectl: Kubectl, monitor: str, operator: Kubectl) -> str:
    """What the cluster says of a monitor and of the operator. Never raises: what cannot be asked is said."""
    parts: list[tuple[str, Callable[[], str]]] = [
        ("conditions", lambda: conditions(kubectl.find("driftmonitor", monitor) or {})),
        ("events", lambda: _last(kubectl.run("get", "events", "--sort-by=.lastTimestamp"), EVENTS)),
        ("pods", lambda: kubectl.run("get", "pods", "-o", "wide")),
        ("logs of pods that are not ready", lambda: _logs(kubectl)),
        ("operator", lambda: _last(operator.run("logs", "deployment/driftmonitor-operator"), LOG_LINES)),
    ]
    text = []
    for title, ask in parts:
        try:
            answer = ask().rstrip()
        except ClusterError as error:
            answer = error.problem
        text.append(f"{title}:\n{indent(answer or '(none)', '  ')}")
    return "\n".join(text)


def _logs(kubectl: Kubectl) -> str:
    newest = sorted(filter(unwell, kubectl.items("pods")), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    return "\n".join(
        kubectl.run("logs", pod["metadata"]["name"], "--all-containers", "--prefix", f"--tail={LOG_LINES}")
        for pod in newest[-PODS:]
    )


def _last(text: str, lines: int) -> str:
    return "\n".join(text.splitlines()[-lines:])
