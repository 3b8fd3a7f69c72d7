import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import MAX_ENDED_WRITERS, DriftMonitor
from driftmonitor_operator import status
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.reasons import CONDITIONS, EventReason
from driftmonitor_operator.status import (
    EventLog,
    Observation,
    Posted,
    Transition,
    WordsPace,
    body,
    event,
    judge,
    repeated,
)
from driftmonitor_operator.status.finding import Finding
from tests.support.observations import last_check, with_spec, with_status

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
    return Observation(
        monitor=make_monitor(), children=(), configuration="digest", endpoints={"predict": "http://x"}, now=NOW
    )


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


def test_the_outlier_detector_and_the_version_of_a_registry_are_told_with_the_model(
    observation: Observation, make_observed: MakeObserved
) -> None:
    model = {"version": "3", "sha256": "ab", "sizeBytes": 12, "resolvedUri": "models:/wine/7"}
    detector = {"version": "3", "sha256": "cd", "sizeBytes": 5}
    said = {"fetch-model": model, "fetch-outlier-detector": detector}
    statuses = [
        {"name": name, "state": {"terminated": {"exitCode": 0, "message": json.dumps(message)}}}
        for name, message in said.items()
    ]
    status = {"initContainerStatuses": statuses}
    pod = make_observed("Pod", "wine-1", "inference", owner=None, configuration="digest", status=status)
    found = body.fetched_model(replace(observation, children=(pod,)))
    assert found == model | {"outlierDetector": {"sha256": "cd", "sizeBytes": 5}}


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


@pytest.mark.parametrize(
    ("condition", "before", "after", "events"),
    [
        ("DriftDetected", ("False", "NoDrift"), ("Unknown", "LowLogCoverage"), [("Warning", "LowLogCoverage")]),
        ("ChecksHealthy", ("True", "Published"), ("False", "Stale"), [("Warning", "ChecksStale")]),
        ("ModelReady", ("True", "Serving"), ("False", "PodsUnavailable"), []),
        (
            "DataQualityDegraded",
            ("False", "NoViolations"),
            ("True", "ViolationsFound"),
            [("Warning", "DataQualityDegraded")],
        ),
        (
            "DataQualityDegraded",
            ("True", "ViolationsFound"),
            ("False", "NoViolations"),
            [("Normal", "DataQualityRestored")],
        ),
        ("DataQualityDegraded", ("Unknown", "NoCheckYet"), ("False", "NoViolations"), []),
        (
            "DataQualityDegraded",
            ("False", "NoViolations"),
            ("False", "QualityWarning"),
            [("Warning", "DataQualityWarning")],
        ),
        ("DataQualityDegraded", ("False", "QualityWarning"), ("False", "NoViolations"), []),
        (
            "ConfigurationWarning",
            ("False", "AsExpected"),
            ("True", "ScheduleNeverRuns"),
            [("Warning", "ConfigurationWarning")],
        ),
        ("ConfigurationWarning", ("True", "ScheduleNeverRuns"), ("False", "AsExpected"), []),
        ("PerformanceDegraded", ("False", "x"), ("Unknown", "NotMeasured"), []),
    ],
)
def test_events_of_what_is_neither_about_pods_nor_about_drift(
    condition: str, before: tuple[str, str], after: tuple[str, str], events: list[tuple[str, str]]
) -> None:
    previous = written(**{condition: before})
    assert told(previous, written(previous, **{condition: after})) == events


def test_every_transition_has_an_event_of_the_list_or_none() -> None:
    reasons = set()
    for kind, says in CONDITIONS.items():
        for before in says:
            for after in says:
                previous = written(**{kind: before})
                reasons |= {reason for _, reason in told(previous, written(previous, **{kind: after}))}
    previous = written(Ready=("True", "Ready"))
    reasons |= {reason for _, reason in told(previous, written(previous, Ready=("False", "InvalidSpec")))}
    assert reasons == set(EventReason)


FAILED = Transition("Warning", "ModelFailed", "container inference of pod wine-1 failed: exit code 1")


def post(log: EventLog, transition: Transition, now: datetime, uid: str = "u") -> Posted:
    """What the operator does with one transition."""
    posted = log.again(uid, transition, now) or Posted(f"e{id(transition)}", 1, transition.message, now)
    log.remember(uid, transition, posted)
    return posted


def test_what_comes_again_is_counted_in_one_event() -> None:
    log = EventLog()
    first = post(log, FAILED, NOW)
    for count in range(2, 21):
        again = post(log, FAILED, NOW + timedelta(days=count))
        assert (again.name, again.count) == (first.name, count)
    assert repeated(again, NOW) == [
        {"op": "replace", "path": "/count", "value": 20},
        {"op": "replace", "path": "/lastTimestamp", "value": "2026-01-02T00:00:00Z"},
        {"op": "replace", "path": "/message", "value": FAILED.message},
    ]
    for other in (FAILED._replace(type="Normal"), FAILED._replace(reason="x"), FAILED._replace(message="x")):
        assert log.again("u", other, NOW) is None
    assert log.again("another monitor", FAILED, NOW) is None


def test_one_kind_of_event_in_ever_other_words_shares_one() -> None:
    log = EventLog()
    transitions = [FAILED._replace(message=f"pod wine-{number} failed") for number in range(30)]
    posted = [post(log, transition, NOW + timedelta(seconds=number)) for number, transition in enumerate(transitions)]
    assert len({event.name for event in posted}) == 10
    assert posted[-1].message == "(combined from similar events): pod wine-29 failed"
    assert posted[-1].count == 21
    assert log.again("u", FAILED._replace(message="an hour later"), NOW + timedelta(hours=1)) is None


def test_an_event_that_is_gone_is_posted_anew() -> None:
    log = EventLog()
    post(log, FAILED, NOW)
    log.remember("u", FAILED, Posted("new", 1, FAILED.message, NOW))
    assert log.again("u", FAILED, NOW) == Posted("new", 2, FAILED.message, NOW)


def test_the_memory_of_events_is_bounded() -> None:
    log = EventLog(remembered=3)
    for number in range(5):
        post(log, FAILED, NOW, uid=str(number))
    assert [log.again(str(number), FAILED, NOW) is not None for number in range(5)] == [False, False, True, True, True]


# Words


def test_a_status_that_says_the_same_in_other_words_is_told_from_one_that_says_another() -> None:
    previous = written(Ready=("False", "RollingOut")) | {"drift": "Unknown"}
    same = written(previous, Ready=("False", "RollingOut")) | {"drift": "Unknown"}
    assert not status.changed(same, previous) and not status.reworded(same, previous)
    same["conditions"][0]["message"] = "2 of 3 pods"
    assert status.changed(same, previous) and status.reworded(same, previous)
    assert not status.reworded(same | {"drift": "Stable"}, previous)
    assert not status.reworded(written(previous, Ready=("False", "Other")) | {"drift": "Unknown"}, previous)


def test_words_that_alternate_are_written_ever_less_often() -> None:
    pace, facts = WordsPace(), (1, None)
    now, end, writes = NOW, NOW + timedelta(days=1), 0
    while now < end:
        if delay := pace.delay("u", facts, now):
            now += delay
        else:
            writes += 1
            now += timedelta(seconds=1)
    assert writes < 60
    pace.delay("u", facts, now)
    assert pace.delay("u", facts, now) > timedelta(0)
    assert pace.delay("u", (2, None), now) == timedelta(0), "other facts may be told at once"
    assert pace.delay("another monitor", facts, now) == timedelta(0)


def test_a_clock_that_was_set_back_does_not_silence_a_monitor() -> None:
    pace = WordsPace()
    pace.delay("u", 1, NOW)
    assert pace.delay("u", 1, NOW - timedelta(days=9)) == timedelta(0)


# Children that could not be applied


def test_the_generation_is_observed_only_once_its_children_are_applied(observation: Observation) -> None:
    findings = judge(observation)
    assert "observedGeneration" not in status.judged(observation, findings, {}, applied=False)
    before = {"observedGeneration": 1}
    waiting = status.judged(observation, findings, before, applied=False)
    assert waiting["observedGeneration"] == 1
    assert {condition["observedGeneration"] for condition in waiting["conditions"]} == {2}
    assert status.judged(observation, findings, before)["observedGeneration"] == 2


def test_the_last_drift_is_written_down_and_dropped_with_its_model(observation: Observation) -> None:
    seen = with_status(replace(observation, written=NOW), lastCheck=last_check("DriftDetected"))
    assert status.judged(seen, judge(seen), {})["lastDriftTime"] == "2026-01-01T10:00:00Z"
    later = with_status(seen, lastDriftTime="2026-01-01T09:00:00Z")
    assert status.judged(later, judge(later), {})["lastDriftTime"] == "2026-01-01T09:00:00Z"
    other = with_spec(later, reference={"storageUri": "configmap://another/file.csv"})
    assert "lastDriftTime" not in status.judged(other, judge(other), {})


def _ending_pod(make_observed: MakeObserved, message: str, name: str = "wine-1", **status: Any) -> Observed:
    container = {"name": "inference", "state": {"terminated": {"exitCode": 0, "message": message}}}
    metadata = {} if status else {"deletionTimestamp": "2026-01-02T00:00:00Z"}
    return make_observed(
        "Pod", name, "inference", owner=None, status={"containerStatuses": [container], **status}, **metadata
    )


def test_what_servers_said_at_their_end_is_kept_for_the_check(
    observation: Observation, make_observed: MakeObserved
) -> None:
    known = {"endedWriters": [{"writer": "old/0/1", "written": 3}, {"writer": "uid/0/1", "written": 5}]}
    message = '{"writer":"uid/0/1","written":12}\n{"writer":"uid/1/1","written":7}\n{"writer":"uid/2/1","wri'
    seen = replace(observation, children=(_ending_pod(make_observed, message),))
    ended = status.judged(seen, judge(seen), known)["endedWriters"]
    assert [(entry["writer"], entry["written"]) for entry in ended] == [("old/0/1", 3), ("uid/0/1", 12), ("uid/1/1", 7)]
    again = status.judged(seen, judge(seen), {"endedWriters": ended})
    assert again["endedWriters"] == ended
    assert status.judged(observation, judge(observation), {"endedWriters": ended})["endedWriters"] == ended


@pytest.mark.parametrize(
    ("said", "pod_status"),
    [("the model cannot be read", {}), ("", {}), ('{"writer":"uid/0/1","written":12}', {"phase": "Running"})],
)
def test_a_container_that_failed_or_starts_again_has_no_last_words(
    said: str, pod_status: dict[str, Any], observation: Observation, make_observed: MakeObserved
) -> None:
    seen = replace(observation, children=(_ending_pod(make_observed, said, **pod_status),))
    assert "endedWriters" not in status.judged(seen, judge(seen), {})


def test_pods_that_are_gone_or_evicted_had_last_words_too(
    observation: Observation, make_observed: MakeObserved
) -> None:
    gone = _ending_pod(make_observed, '{"writer":"uid/0/1","written":12}')
    evicted = _ending_pod(make_observed, '{"writer":"uid/0/2","written":2}', "wine-2", phase="Failed")
    seen = replace(observation, children=(evicted,), departed=(gone,))
    assert status.judged(seen, judge(seen), {})["endedWriters"] == [
        {"writer": "uid/0/1", "written": 12},
        {"writer": "uid/0/2", "written": 2},
    ]


def test_of_too_many_last_words_the_latest_are_kept(observation: Observation, make_observed: MakeObserved) -> None:
    known = [{"writer": f"uid/0/{number}", "written": number} for number in range(1, MAX_ENDED_WRITERS + 1)]
    seen = replace(observation, children=(_ending_pod(make_observed, '{"writer":"last/0/1","written":12}'),))
    ended = status.judged(seen, judge(seen), {"endedWriters": known})["endedWriters"]
    assert ended == [*known[1:], {"writer": "last/0/1", "written": 12}]
