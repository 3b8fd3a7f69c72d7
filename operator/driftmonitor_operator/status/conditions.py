"""The conditions of a monitor: for each an ordered list of checks, the first that has an answer gives it. Pure."""

from datetime import datetime

from driftmonitor_operator.reasons import WORKS, Reason
from driftmonitor_operator.status import (
    checking,
    configuration,
    drift,
    freshness,
    performance,
    quality,
    serving,
    validation,
)
from driftmonitor_operator.status.finding import Check, Finding
from driftmonitor_operator.status.observation import Observation

_CHECKS: dict[str, tuple[Check, ...]] = {
    "ModelReady": serving.MODEL,
    "CollectorReady": serving.COLLECTOR,
    "ReferenceReady": checking.REFERENCE,
    "ChecksHealthy": checking.CHECKS,
    "ValidationReady": validation.VALIDATION,
    "DriftDetected": drift.DRIFT,
    "DataQualityDegraded": quality.DATA_QUALITY,
    "PerformanceDegraded": performance.PERFORMANCE,
    "ConfigurationWarning": configuration.CONFIGURATION,
}
_NEEDED = ("ModelReady", "CollectorReady")
"""Without knowing that these are well, nothing works; without knowing of the others, a new monitor does."""


def judge(observation: Observation) -> dict[str, Finding]:
    """All conditions, in the order in which they are shown."""
    findings = {kind: _first(checks, observation) for kind, checks in _CHECKS.items()}
    return {"Ready": _ready(findings), **findings}


def nothing_known(reason: Reason, message: str) -> dict[str, Finding]:
    """The conditions of a monitor whose spec cannot be used."""
    return {"Ready": Finding("False", reason, message)} | {
        kind: Finding("Unknown", reason, message) for kind in _CHECKS
    }


def next_look(observation: Observation) -> datetime | None:
    """When time alone will change what is said; None: never."""
    if observation.monitor.spec.suspend:
        return None
    moments = (
        freshness.checks_stale_at(observation),
        freshness.verdict_stale_at(observation),
        drift.held_until(observation),
    )
    return min((moment for moment in moments if moment and moment > observation.now), default=None)


def _first(checks: tuple[Check, ...], observation: Observation) -> Finding:
    return next(found for check in checks if (found := check(observation)) is not None)


def _ready(findings: dict[str, Finding]) -> Finding:
    for kind in WORKS:
        status, reason, message = findings[kind]
        if status == "False" or (status == "Unknown" and kind in _NEEDED):
            return Finding("False", reason, f"{kind} is {status}: {message}")
    message = "the model is served, its predictions are stored, and nothing is known to be broken"
    return Finding("True", Reason.READY, message)
