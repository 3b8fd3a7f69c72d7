"""Events: what `kubectl describe` shows of a monitor's history, one for each transition of a condition.

One that comes again is counted in the Event that was posted before, and where one kind comes in ever other words, they
share one, so that a container that crashes all day leaves a few Events. All but the memory of what was posted is pure.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from driftmonitor_operator.kinds import EVENT, FIELD_MANAGER, Body
from driftmonitor_operator.reasons import EventReason, Reason
from driftmonitor_operator.status.finding import timestamp

_MESSAGE_LENGTH = 1024
_REMEMBERED = 4096
_DISTINCT = 10
_DISTINCT_TIME = timedelta(minutes=10)
COMBINED = "(combined from similar events): "


class Transition(NamedTuple):
    """An Event to post."""

    type: str
    """`Normal` or `Warning`."""
    reason: str
    message: str


@dataclass(frozen=True)
class Posted:
    """An Event that was posted, and how often it has come."""

    name: str
    count: int
    message: str
    since: datetime
    """When it was posted first."""


class EventLog:
    """Remembers the Events that were posted last, so that they can be counted up. May be used from several threads."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        """Nothing has been posted."""
        self._remembered = remembered
        self._lock = threading.Lock()
        self._posted: OrderedDict[tuple[str, ...], Posted] = OrderedDict()

    def again(self, uid: str, transition: Transition, now: datetime) -> Posted | None:
        """The Event to patch for this transition of the monitor with this uid, counted up; None: post a new one."""
        with self._lock:
            known = self._posted.get(_key(uid, transition))
            message = transition.message
            if known is None:
                alike = [
                    posted
                    for key, posted in self._posted.items()
                    if key[:3] == (uid, transition.type, transition.reason) and now - posted.since < _DISTINCT_TIME
                ]
                if len(alike) < _DISTINCT:
                    return None
                known, message = alike[-1], f"{COMBINED}{transition.message}"
            return Posted(known.name, known.count + 1, message[:_MESSAGE_LENGTH], known.since)

    def remember(self, uid: str, transition: Transition, posted: Posted) -> None:
        """Note what was posted or patched."""
        combined = posted.message.startswith(COMBINED)
        key = _key(uid, transition._replace(message=COMBINED) if combined else transition)
        with self._lock:
            self._posted[key] = posted
            self._posted.move_to_end(key)
            while len(self._posted) > self._remembered:
                self._posted.popitem(last=False)


def _key(uid: str, transition: Transition) -> tuple[str, ...]:
    return uid, transition.type, transition.reason, transition.message


def transitions(status: Body, previous: Body) -> list[Transition]:
    """The Events for what this status says and the previous one did not."""
    before = {c["type"]: (c["status"], c["reason"]) for c in previous.get("conditions") or []}
    events = []
    for condition in status["conditions"]:
        kind, value, reason = condition["type"], condition["status"], condition["reason"]
        known = before.get(kind)
        if known == (value, reason):
            continue
        if found := _event(kind, value, reason, known[0] if known else None):
            events.append(Transition(*found, condition["message"][:_MESSAGE_LENGTH]))
    return events


_QUIET = (Reason.ROLLING_OUT, Reason.STARTING, Reason.SCALED_TO_ZERO, Reason.PODS_UNAVAILABLE, Reason.CHILD_TERMINATING)
"""A condition is False for these without anything being wrong, or for long."""
_FAILURES = {
    "ModelReady": EventReason.MODEL_FAILED,
    "CollectorReady": EventReason.COLLECTOR_FAILED,
    "ReferenceReady": EventReason.REFERENCE_MISSING,
    "ChecksHealthy": EventReason.CHECK_FAILED,
    "ValidationReady": EventReason.VALIDATION_FAILED,
}
_DRIFT = {
    Reason.NO_DRIFT: ("Normal", EventReason.NO_DRIFT),
    Reason.DRIFT_SUSPECTED: ("Warning", EventReason.DRIFT_SUSPECTED),
    Reason.DRIFT_DETECTED: ("Warning", EventReason.DRIFT_DETECTED),
    Reason.LOW_LOG_COVERAGE: ("Warning", EventReason.LOW_LOG_COVERAGE),
}


def _event(kind: str, value: str, reason: str, before: str | None) -> tuple[str, EventReason] | None:
    """Type and reason of the Event for a condition that had another status before, or no other; None: not worth one."""
    match kind, value:
        case "DriftDetected", _:
            return _DRIFT.get(Reason(reason)) if reason in set(Reason) else None
        case "Ready", "True":
            return "Normal", EventReason.READY
        case "Ready", _:
            return ("Warning", EventReason.INVALID_SPEC) if reason == Reason.INVALID_SPEC else None
        case "DataQualityDegraded", "True":
            return "Warning", EventReason.DATA_QUALITY_DEGRADED
        case "DataQualityDegraded", "False" if reason == Reason.QUALITY_WARNING:
            return "Warning", EventReason.DATA_QUALITY_WARNING
        case "DataQualityDegraded", "False":
            return ("Normal", EventReason.DATA_QUALITY_RESTORED) if before == "True" else None
        case "PerformanceDegraded", "True":
            return "Warning", EventReason.PERFORMANCE_DEGRADED
        case "PerformanceDegraded", "False" if reason == Reason.METRICS_WARNING:
            return "Warning", EventReason.PERFORMANCE_WARNING
        case "PerformanceDegraded", "False":
            return ("Normal", EventReason.PERFORMANCE_RESTORED) if before == "True" else None
        case "ConfigurationWarning", "True":
            return "Warning", EventReason.CONFIGURATION_WARNING
        case "ReferenceReady", "False" if reason == Reason.REFERENCE_STALE:
            return "Warning", EventReason.REFERENCE_STALE
        case "ChecksHealthy", "False" if reason == Reason.STALE:
            return "Warning", EventReason.CHECKS_STALE
        case _, "False" if reason not in _QUIET and kind in _FAILURES:
            return "Warning", _FAILURES[kind]
        case _:
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
        "message": transition.message[:_MESSAGE_LENGTH],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }


def repeated(posted: Posted, now: datetime) -> list[Body]:
    """The JSON patch of an Event that comes again."""
    changed = {"count": posted.count, "lastTimestamp": timestamp(now), "message": posted.message}
    return [{"op": "replace", "path": f"/{name}", "value": value} for name, value in changed.items()]
