import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import status
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.status import Observation, Transition, body, event, judge
from driftmonitor_operator.status.finding import Finding

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
Make = Callable[..., DriftMonitor]
MakeObserved = Callable[..., Observed]


def written(previous: dict[str, Any] | None = None, now: datetime = NOW, **findings: tuple[str, str]) -> dict[str, Any]:
    found = {kind: Finding(value, reason, f"{reason}.") for kind, (value, reason) in findings.items()}  # type: ignore[arg-type]
    return {"conditions": body.conditions(found, previous or {}, 2, now)}


def test_the_transition_time_moves_only_when_the_status_does() -> None:
    first = written(now=BEFORE, Ready=("False", "RollingOut"), ModelReady=("False", "RollingOut"))
    second = written(first, Ready=("True", "Ready"), ModelReady=("False", "ImagePullFailed"))
    times = {c["type"]: c["lastTransitionTime"] for c in second["conditions"]}
    assert times == {"Ready": "2026-01-02T00:00:00Z", "ModelReady": "2026-01-01T00:00:00Z"}
    assert {c["observedGeneration"] for c in second["conditions"]} == {2}


@pytest.mark.parametrize(
    ("finding", "word"),
    [
        (("True", "DriftDetected"), "Drifted"),
        (("False", "DriftSuspected"), "Warning"),
        (("False", "NoDrift"), "Stable"),
        (("Unknown", "InsufficientData"), "Unknown"),
        (("Unknown", "NoCheckYet"), "Unknown"),
    ],
)
def test_drift_in_a_word(finding: tuple[Any, str], word: str) -> None:
    assert body.drift_word(Finding(*finding, "")) == word


@pytest.fixture
def observation(make_monitor: Make) -> Observation:
    return Observation(monitor=make_monitor(), children=(), configuration="digest", endpoints={"predict": "http://x"}, now=NOW)


def test_the_same_observation_twice_changes_nothing(observation: Observation) -> None:
    first = status.judged(replace(observation, now=BEFORE), judge(observation), {})
    assert status.changed(first, {})
    theirs = {"lastCheck": {"verdict": "NoDrift"}}
    second = status.judged(observation, judge(observation), first | theirs)
    assert second == first
    assert not status.changed(second, first | theirs)


def test_the_operators_part_holds_its_own_fields_only(observation: Observation) -> None:
    judged = status.judged(observation, judge(observation), {"lastCheck": {"verdict": "NoDrift"}})
    assert set(judged) == {"observedGeneration", "conditions", "drift", "endpoints"}
    assert judged["observedGeneration"] == 2
    assert judged["endpoints"] == {"predict": "http://x"}


def test_the_model_is_what_the_youngest_pod_of_this_spec_fetched(
    observation: Observation, make_observed: MakeObserved
) -> None:
    def pod(name: str, created: str, message: str, configuration: str = "digest") -> Observed:
        state = {"terminated": {"exitCode": 0, "message": message}}
        statuses = {"initContainerStatuses": [{"name": "fetch-model", "state": state}]}
        return make_observed(
            "Pod", name, "inference", owner=None, created=created, configuration=configuration, status=statuses
        )

    def said(version: str) -> str:
        return json.dumps({"version": version, "sha256": "ab", "sizeBytes": 12})

    children = (
        pod("old", "2026-01-01T00:00:00Z", said("old")),
        pod("new", "2026-01-02T00:00:00Z", said("new")),
        pod("failed", "2026-01-03T00:00:00Z", json.dumps({"error": "404"})),
        pod("other", "2026-01-04T00:00:00Z", said("other"), configuration="another"),
    )
    seen = replace(observation, children=children)
    assert body.fetched_model(seen) == {"version": "new", "sha256": "ab", "sizeBytes": 12}
    assert body.fetched_model(observation) is None


def test_the_model_stays_known_when_its_pod_is_gone(observation: Observation) -> None:
    model = {"version": "3", "sha256": "ab", "sizeBytes": 12}
    assert status.judged(observation, judge(observation), {"model": model})["model"] == model


def test_an_invalid_object_keeps_what_was_observed_of_it() -> None:
    findings = {
        "Ready": Finding("False", "InvalidSpec", "why"),
        "DriftDetected": Finding("Unknown", "InvalidSpec", "why"),
    }
    previous = {"observedGeneration": 1, "endpoints": {"predict": "x"}, "lastCheck": {}}
    said = status.invalid(findings, previous, 2, NOW)
    assert (said["observedGeneration"], said["endpoints"], said["drift"]) == (1, {"predict": "x"}, "Unknown")
    assert [c["observedGeneration"] for c in said["conditions"]] == [2, 2]
    assert "lastCheck" not in said


def told(previous: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str]]:
    return [(transition.type, transition.reason) for transition in status.transitions(now, previous)]


@pytest.mark.parametrize(
    ("condition", "before", "after", "events"),
    [
        ("DriftDetected", ("False", "NoDrift"), ("True", "DriftDetected"), [("Warning", "DriftDetected")]),
        ("DriftDetected", ("False", "NoDrift"), ("False", "DriftSuspected"), [("Warning", "DriftSuspected")]),
        ("DriftDetected", ("True", "DriftDetected"), ("False", "NoDrift"), [("Normal", "NoDrift")]),
        ("DriftDetected", ("True", "DriftDetected"), ("Unknown", "InsufficientData"), []),
        ("ModelReady", ("True", "Serving"), ("False", "RollingOut"), []),
        ("ModelReady", ("False", "RollingOut"), ("False", "ModelMissing"), [("Warning", "ModelFailed")]),
        ("CollectorReady", ("True", "Storing"), ("False", "OutOfMemory"), [("Warning", "CollectorFailed")]),
        ("ReferenceReady", ("True", "Read"), ("False", "ReferenceMissing"), [("Warning", "ReferenceMissing")]),
        ("ChecksHealthy", ("True", "Published"), ("False", "CheckFailed"), [("Warning", "CheckFailed")]),
        ("ChecksHealthy", ("False", "CheckFailed"), ("True", "Published"), []),
        ("Ready", ("False", "RollingOut"), ("True", "Ready"), [("Normal", "Ready")]),
        ("Ready", ("True", "Ready"), ("False", "RollingOut"), []),
        ("Ready", ("True", "Ready"), ("False", "InvalidSpec"), [("Warning", "InvalidSpec")]),
    ],
)
def test_an_event_tells_of_a_transition_once(
    condition: str, before: tuple[str, str], after: tuple[str, str], events: list[tuple[str, str]]
) -> None:
    previous = written(**{condition: before})
    following = written(previous, **{condition: after})
    assert told(previous, following) == events
    assert told(following, written(following, **{condition: after})) == []


def test_an_event_names_its_monitor() -> None:
    metadata = {"name": "wine", "namespace": "cellar", "uid": "u"}
    monitor = {"apiVersion": "driftmonitor.dev/v1alpha1", "kind": "DriftMonitor", "metadata": metadata}
    made = event(monitor, Transition("Warning", "DriftDetected", "m" * 3000), NOW, "1f")
    assert made["metadata"] == {"name": "wine.1f", "namespace": "cellar"}
    assert made["involvedObject"]["uid"] == "u"
    assert (made["type"], made["reason"], len(made["message"])) == ("Warning", "DriftDetected", 1024)
    assert made["firstTimestamp"] == "2026-01-02T00:00:00Z"
