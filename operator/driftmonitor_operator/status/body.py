"""The operator's part of a monitor's status, as the API has it. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import ModelStatus
from driftmonitor_operator.kinds import FETCH_CONTAINER, FETCH_OUTLIERS_CONTAINER, Body
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status.drift import last_drift
from driftmonitor_operator.status.finding import Finding, timestamp
from driftmonitor_operator.status.lastwords import ended_writers
from driftmonitor_operator.status.observation import Observation
from driftmonitor_operator.status.workloads import termination_message

OWN_FIELDS = ("observedGeneration", "conditions", "drift", "lastDriftTime", "endpoints", "model", "endedWriters")
"""Fields of the status that the operator writes; all others are the check's."""


def conditions(findings: Mapping[str, Finding], previous: Body, generation: int, now: datetime) -> list[Body]:
    """The conditions as the API has them; `lastTransitionTime` moves only when a status does."""
    before = {condition["type"]: condition for condition in previous.get("conditions") or []}
    result = []
    for kind, (status, reason, message) in findings.items():
        old = before.get(kind, {})
        moved = old.get("lastTransitionTime") if old.get("status") == status else None
        result.append(
            {
                "type": kind,
                "status": status,
                "reason": str(reason),
                "message": message,
                "lastTransitionTime": moved or timestamp(now),
                "observedGeneration": generation,
            }
        )
    return result


def judged(observation: Observation, findings: Mapping[str, Finding], previous: Body, *, applied: bool = True) -> Body:
    """The operator's part of the status; `applied` is false where a child could not be, and is to be tried again."""
    generation = observation.monitor.metadata.generation
    status: Body = {
        "conditions": conditions(findings, previous, generation, observation.now),
        "drift": drift_word(findings["DriftDetected"]),
        "endpoints": observation.endpoints,
    }
    if found := last_drift(observation):
        status["lastDriftTime"] = timestamp(found)
    if model := fetched_model(observation) or previous.get("model"):
        status["model"] = model
    pods = [*observation.departed, *observation.pods("inference")]
    if ended := ended_writers(previous.get("endedWriters") or [], pods):
        status["endedWriters"] = ended
    seen = generation if applied else previous.get("observedGeneration")
    return status if seen is None else {"observedGeneration": seen, **status}


def invalid(findings: Mapping[str, Finding], previous: Body, generation: int, now: datetime) -> Body:
    """The status of a monitor whose spec cannot be used: what it had is still there, and nothing is known of it."""
    kept = {name: previous[name] for name in OWN_FIELDS if name in previous}
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
        case ("False", Reason.DRIFT_SUSPECTED, _):
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
            if detector := termination_message(pod, FETCH_OUTLIERS_CONTAINER):
                said["outlierDetector"] = json.loads(detector)
            return ModelStatus.model_validate(said).model_dump(mode="json", exclude_none=True)
        except (ValueError, TypeError, ValidationError):
            continue  # it has not fetched it yet, or could not
    return None


def changed(status: Body, previous: Body) -> bool:
    """Whether writing this status would change anything."""
    return any(status.get(name) != previous.get(name) for name in OWN_FIELDS)


def tells_more(written: Body, body: Body) -> bool:
    """Whether the answer to a write of the operator's part of the status has news of others, beside the monitor as it
    was judged: another spec, what a check has published, its deletion."""
    return _of_others(written) != _of_others(body)


def _of_others(body: Body) -> list[Any]:
    metadata, status = body["metadata"], body.get("status") or {}
    published = {name: value for name, value in status.items() if name not in OWN_FIELDS}
    return [metadata["uid"], metadata["generation"], "deletionTimestamp" in metadata, published]


def reworded(status: Body, previous: Body) -> bool:
    """Whether writing this status would change messages and nothing else."""
    return changed(status, previous) and not changed(_wordless(status), _wordless(previous))


def _wordless(status: Body) -> Body:
    conditions: list[dict[str, Any]] = status.get("conditions") or []
    return {**status, "conditions": [{**condition, "message": ""} for condition in conditions]}
