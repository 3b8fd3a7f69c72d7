"""The status that the operator writes, and the Events that tell of its changes. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import ModelStatus
from driftmonitor_operator.conditions import Finding, Observation
from driftmonitor_operator.kinds import FETCH_CONTAINER, Body
from driftmonitor_operator.workloads import termination_message

OWN_FIELDS = ("observedGeneration", "conditions", "drift", "endpoints", "model")
"""Fields of the status that the operator writes; all others are the check's."""


class Transition(NamedTuple):
    """An Event to post."""

    type: str
    """`Normal` or `Warning`."""
    reason: str
    message: str


def conditions(findings: Mapping[str, Finding], previous: Body, generation: int, now: datetime) -> list[Body]:
    """The conditions as the API has them; `lastTransitionTime` moves only when a status does."""
    before = {condition["type"]: condition for condition in previous.get("conditions") or []}
    result = []
    for kind, (status, reason, message) in findings.items():
        old = before.get(kind, {})
        moved = old["lastTransitionTime"] if old.get("status") == status else _timestamp(now)
        result.append(
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": message,
                "lastTransitionTime": moved,
                "observedGeneration": generation,
            }
        )
    return result


def judged(observation: Observation, findings: Mapping[str, Finding], previous: Body, now: datetime) -> Body:
    """The operator's part of the status."""
    metadata = observation.monitor.metadata
    status: Body = {
        "observedGeneration": metadata.generation,
        "conditions": conditions(findings, previous, metadata.generation, now),
        "drift": drift_word(findings["DriftDetected"]),
        "endpoints": observation.endpoints,
    }
    if model := fetched_model(observation) or previous.get("model"):
        status["model"] = model
    return status


def invalid(findings: Mapping[str, Finding], previous: Body, generation: int, now: datetime) -> Body:
    """The status of a monitor whose spec cannot be used: what it had is still there, and nothing is known of it."""
    kept = {name: previous[name] for name in ("observedGeneration", "endpoints", "model") if name in previous}
    changed = {
        "conditions": conditions(findings, previous, generation, now),
        "drift": drift_word(findings["DriftDetected"]),
    }
    return kept | changed


def drift_word(finding: Finding) -> str:
    """The DriftDetected condition in one word, for the printed column."""
    match finding:
        case ("True", _, _):
            return "Drifted"
        case ("False", "DriftSuspected", _):
            return "Warning"
        case ("False", _, _):
            return "Stable"
        case _:
            return "Unknown"


def fetched_model(observation: Observation) -> Body | None:
    """What the youngest pod of the present spec said of the model that it fetched."""
    for pod in sorted(observation.serving_pods(), key=lambda pod: (pod.created, pod.name), reverse=True):
        try:
            said = json.loads(termination_message(pod, FETCH_CONTAINER))
            return ModelStatus.model_validate(said).model_dump(mode="json")
        except (ValueError, ValidationError):
            continue  # it has not fetched it yet, or could not
    return None


def changed(status: Body, previous: Body) -> bool:
    """Whether writing this status would change anything."""
    return any(status.get(name) != previous.get(name) for name in OWN_FIELDS)


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


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
