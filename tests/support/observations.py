"""What the operator may see of a monitor: statuses as the check writes them, and changes of an observation."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.status import Observation, judge

NOW = datetime(2026, 1, 1, 10, 2, tzinfo=UTC)
"""Two minutes after the last check."""
DIGEST = "digest-of-the-configuration"
ROLLED_OUT = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
REFERENCE = {
    "storageUri": "configmap://wine-reference/reference.parquet",
    "sha256": "00",
    "rows": 2000,
    "time": "2026-01-01T10:00:00Z",
}
COLUMN = {
    "name": "alcohol",
    "type": "Numerical",
    "method": "psi",
    "score": 0.01,
    "warning": 0.1,
    "critical": 0.2,
    "severity": "NoDrift",
}


def last_check(verdict: str, **fields: Any) -> dict[str, Any]:
    """`status.lastCheck` as the check writes it."""
    times = {"time": "2026-01-01T10:00:00Z", "windowStart": "2026-01-01T09:00:00Z", "windowEnd": "2026-01-01T10:00:00Z"}
    return {**times, "rows": 1000, "verdict": verdict, **fields}


def entry(verdict: str, time: str, **fields: Any) -> dict[str, Any]:
    """One of `status.history`; `time` is that of the day, such as `09:55`."""
    return {"time": f"2026-01-01T{time}:00Z", "verdict": verdict, "rows": 1000, **fields}


def with_status(observation: Observation, **status: Any) -> Observation:
    """The same with another status, over that of a check that found nothing."""
    body = observation.monitor.model_dump(mode="json")
    body["status"] = {"lastCheck": last_check("NoDrift"), "reference": REFERENCE, "columns": [COLUMN]} | status
    return replace(observation, monitor=DriftMonitor.model_validate(body))


def with_spec(observation: Observation, **spec: Any) -> Observation:
    """The same with other fields of the spec."""
    body = observation.monitor.model_dump(mode="json", exclude_none=True)
    body["spec"] |= spec
    return replace(observation, monitor=DriftMonitor.model_validate(body))


def add(observation: Observation, *children: Observed) -> Observation:
    """The same with these children, instead of those of the same kind and name."""
    names = {(child.kind, child.name) for child in children}
    kept = [child for child in observation.children if (child.kind, child.name) not in names]
    return replace(observation, children=(*kept, *children))


def summary(observation: Observation) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition."""
    return {kind: (found.status, found.reason) for kind, found in judge(observation).items()}
