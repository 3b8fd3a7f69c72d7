"""Events: what `kubectl describe` shows of a monitor's history, one for each transition of a condition. Pure."""

from datetime import datetime
from typing import NamedTuple

from driftmonitor_operator.kinds import EVENT, FIELD_MANAGER, Body
from driftmonitor_operator.status.body import timestamp


class Transition(NamedTuple):
    """An Event to post."""

    type: str
    """`Normal` or `Warning`."""
    reason: str
    message: str


def transitions(status: Body, previous: Body) -> list[Transition]:
    """The Events for what this status says and the previous one did not."""
    before = {c["type"]: (c["status"], c["reason"]) for c in previous.get("conditions") or []}
    events = []
    for condition in status["conditions"]:
        kind, value, reason = condition["type"], condition["status"], condition["reason"]
        if before.get(kind) == (value, reason):
            continue
        if found := _event(kind, value, reason):
            events.append(Transition(*found, condition["message"]))
    return events


_QUIET_REASONS = ("RollingOut", "Starting", "ScaledToZero", "ChildTerminating")
"""A condition is False for these without anything being wrong."""
_FAILURES = {
    "ModelReady": "ModelFailed",
    "CollectorReady": "CollectorFailed",
    "ReferenceReady": "ReferenceMissing",
    "ChecksHealthy": "CheckFailed",
}
_DRIFT_EVENTS = {"NoDrift": "Normal", "DriftSuspected": "Warning", "DriftDetected": "Warning"}


def _event(kind: str, value: str, reason: str) -> tuple[str, str] | None:
    if kind == "DriftDetected":
        return (_DRIFT_EVENTS[reason], reason) if reason in _DRIFT_EVENTS else None
    if kind == "Ready":
        if reason == "InvalidSpec":
            return "Warning", reason
        return ("Normal", "Ready") if value == "True" else None
    if value == "False" and reason not in _QUIET_REASONS:
        return "Warning", _FAILURES[kind]
    return None


def event(body: Body, transition: Transition, now: datetime, suffix: str) -> Body:
    """The Event for one transition of a monitor; `suffix` makes its name unique."""
    metadata, time = body["metadata"], timestamp(now)
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"name": f"{metadata['name']}.{suffix}", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": body["apiVersion"],
            "kind": body["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": transition.type,
        "reason": transition.reason,
        "message": transition.message[:1024],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }
