import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.observed import Observed, Problem
from driftmonitor_operator.reasons import CONDITIONS, Reason
from driftmonitor_operator.status import Observation, judge, nothing_known
from driftmonitor_operator.status.finding import Finding
from tests.support.observations import DIGEST, ROLLED_OUT, add, last_check, summary, with_spec, with_status

Make = Callable[..., DriftMonitor]
MakeObserved = Callable[..., Observed]


def test_a_fresh_monitor_has_every_condition_with_a_reason_and_a_message(fresh: Observation) -> None:
    assert summary(fresh) == {
        "Ready": ("False", "RollingOut"),
        "ModelReady": ("False", "RollingOut"),
        "CollectorReady": ("False", "Starting"),
        "ReferenceReady": ("Unknown", "NotYetRead"),
        "ChecksHealthy": ("Unknown", "NoCheckYet"),
        "DriftDetected": ("Unknown", "NoCheckYet"),
        "DataQualityDegraded": ("Unknown", "NoCheckYet"),
        "PerformanceDegraded": ("Unknown", "NotMeasured"),
        "ConfigurationWarning": ("False", "AsExpected"),
    }
    assert all(found.message for found in judge(fresh).values())


def test_all_is_well_when_everything_runs_and_the_check_found_nothing(healthy: Observation) -> None:
    assert summary(healthy) == {
        "Ready": ("True", "Ready"),
        "ModelReady": ("True", "Serving"),
        "CollectorReady": ("True", "Storing"),
        "ReferenceReady": ("True", "Read"),
        "ChecksHealthy": ("True", "Published"),
        "DriftDetected": ("False", "NoDrift"),
        "DataQualityDegraded": ("False", "NoViolations"),
        "PerformanceDegraded": ("Unknown", "NotMeasured"),
        "ConfigurationWarning": ("False", "AsExpected"),
    }
    assert list(judge(healthy)) == list(CONDITIONS)


def test_it_is_ready_before_the_first_check(healthy: Observation) -> None:
    found = summary(with_status(healthy, lastCheck=None, reference=None))
    assert found["Ready"] == ("True", "Ready")
    assert found["DriftDetected"] == ("Unknown", "NoCheckYet")
    assert found["ReferenceReady"] == ("Unknown", "NotYetRead")


@pytest.mark.parametrize(
    ("verdict", "drift", "ready"),
    [
        ("NoDrift", "False", "True"),
        ("DriftSuspected", "False", "True"),
        ("DriftDetected", "True", "True"),
        ("InsufficientData", "Unknown", "True"),
        ("ReferenceMissing", "Unknown", "False"),
        ("CheckFailed", "Unknown", "False"),
    ],
)
def test_only_a_verdict_of_no_drift_reads_as_no_drift(
    verdict: str, drift: str, ready: str, healthy: Observation
) -> None:
    found = judge(with_status(healthy, lastCheck=last_check(verdict, message="as the check says")))
    assert found["DriftDetected"] == Finding(drift, verdict, "as the check says")  # type: ignore[arg-type]
    assert found["Ready"].status == ready


def test_a_suspended_monitor_says_nothing_about_drift(healthy: Observation) -> None:
    found = summary(with_spec(healthy, suspend=True))
    assert found["DriftDetected"] == ("Unknown", "Suspended")
    assert found["ChecksHealthy"] == ("Unknown", "Suspended")
    assert found["Ready"] == ("True", "Ready")


# Model and collector


def test_a_rolling_update_is_not_ready_until_only_new_pods_serve(
    healthy: Observation, make_observed: MakeObserved
) -> None:
    for change in (
        {"replicas": 2},
        {"updatedReplicas": 0},
        {"availableReplicas": 0},
        {"observedGeneration": 0},
    ):
        updating = make_observed("Deployment", "wine", "inference", status=ROLLED_OUT | change)
        assert summary(add(healthy, updating))["ModelReady"] == ("False", "RollingOut")


def test_a_deployment_of_a_deleted_namesake_does_not_count(healthy: Observation, make_observed: MakeObserved) -> None:
    owner = ("DriftMonitor", "wine", "old")
    old = make_observed("Deployment", "wine", "inference", owner=owner, status=ROLLED_OUT)
    assert summary(add(healthy, old))["ModelReady"] == ("False", "RollingOut")


def test_no_replicas_is_not_ready(healthy: Observation) -> None:
    assert summary(with_spec(healthy, serving={"replicas": 0}))["ModelReady"] == ("False", "ScaledToZero")


@pytest.mark.parametrize(
    ("component", "condition"),
    [("inference", "ModelReady"), ("collector", "CollectorReady"), ("check", "ChecksHealthy")],
)
def test_a_rejected_child_shows_in_the_condition_of_its_component(
    component: str, condition: str, healthy: Observation
) -> None:
    problem = Problem(component, "ChildRejected", "the apiserver's words")
    found = judge(replace(healthy, problems=(problem,)))
    assert found[condition] == Finding("False", "ChildRejected", "the apiserver's words")
    assert found["Ready"] == Finding("False", "ChildRejected", f"{condition} is False: the apiserver's words")


def test_checks_that_cannot_run_say_nothing_about_drift(healthy: Observation) -> None:
    problem = Problem("check", "ChildRejected", "bad cron")
    assert judge(replace(healthy, problems=(problem,)))["DriftDetected"].status == "Unknown"


def container(name: str, ready: bool = False, **state: Any) -> dict[str, Any]:
    return {"name": name, "ready": ready, "image": "registry.example/x:1", "state": state, "restartCount": 1}


def starting(observation: Observation, make_observed: MakeObserved, *statuses: dict[str, Any]) -> Observation:
    """The Deployment has no pod available; its one pod has these container statuses."""
    deployment = make_observed(
        "Deployment", "wine", "inference", status={"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}
    )
    status = {"initContainerStatuses": list(statuses)}
    pod = make_observed("Pod", "wine-1", "inference", owner=None, configuration=DIGEST, status=status)
    return add(observation, deployment, pod)


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (container("inference", waiting={"reason": "ImagePullBackOff"}), "ImagePullFailed", "registry.example/x:1"),
        (container("inference", waiting={"reason": "ErrImagePull"}), "ImagePullFailed", "kubectl describe pod wine-1"),
        (
            container("shipper", waiting={"reason": "CreateContainerConfigError", "message": "no secret"}),
            "ContainerNotStarted",
            "no secret",
        ),
        (
            container("fetch-model", terminated={"exitCode": 1, "message": json.dumps({"error": "404 Not Found"})}),
            "ModelFetchFailed",
            "404 Not Found",
        ),
        (
            container("fetch-model", terminated={"exitCode": 1, "message": "Traceback"}),
            "ModelFetchFailed",
            "could not be fetched: Traceback",
        ),
        (container("inference", terminated={"exitCode": 1, "message": "bad model"}), "ContainerFailed", "bad model"),
        (container("inference", terminated={"exitCode": 2}), "ContainerFailed", "kubectl logs wine-1 -c inference"),
        (container("inference", terminated={"exitCode": 137, "reason": "OOMKilled"}), "OutOfMemory", "more memory"),
        (
            {
                **container("inference", waiting={"reason": "CrashLoopBackOff"}),
                "lastState": {"terminated": {"exitCode": 1, "message": "bad model"}},
            },
            "ContainerFailed",
            "bad model",
        ),
        (
            {
                **container("inference", running={}),
                "lastState": {"terminated": {"exitCode": 1, "message": "bad model"}},
            },
            "ContainerFailed",
            "bad model",
        ),
    ],
)
def test_the_trouble_of_a_pod_is_named(
    status: dict[str, Any], reason: str, words: str, healthy: Observation, make_observed: MakeObserved
) -> None:
    found = judge(starting(healthy, make_observed, status))["ModelReady"]
    assert (found.status, found.reason) == ("False", reason)
    assert words in found.message


def test_the_trouble_of_pods_of_another_configuration_does_not_count(
    healthy: Observation, make_observed: MakeObserved
) -> None:
    observation = starting(healthy, make_observed, container("inference", waiting={"reason": "ImagePullBackOff"}))
    assert summary(replace(observation, configuration="reverted"))["ModelReady"] == ("False", "RollingOut")


def test_the_failed_start_of_a_container_that_is_ready_by_now_does_not_count(
    healthy: Observation, make_observed: MakeObserved
) -> None:
    status = {**container("inference", ready=True), "lastState": {"terminated": {"exitCode": 1}}}
    assert summary(starting(healthy, make_observed, status))["ModelReady"] == ("False", "RollingOut")


def test_a_pod_that_fits_on_no_node_is_named(healthy: Observation, make_observed: MakeObserved) -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}
    pod = make_observed("Pod", "wine-collector-1", "collector", owner=None, status={"conditions": [condition]})
    deployment = make_observed("Deployment", "wine-collector", "collector")
    found = judge(add(healthy, deployment, pod))["CollectorReady"]
    assert found == Finding("False", "Unschedulable", "pod wine-collector-1 fits on no node: 0/1 nodes are available")


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}, "PodsRefused"),
        ({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}, "ProgressDeadlineExceeded"),
    ],
)
def test_a_deployment_that_makes_no_pods_is_named(
    condition: dict[str, Any], reason: str, healthy: Observation, make_observed: MakeObserved
) -> None:
    deployment = make_observed("Deployment", "wine", "inference", status={"conditions": [condition]})
    assert summary(add(healthy, deployment))["ModelReady"] == ("False", reason)


def test_a_missing_model_is_named_while_nothing_serves(healthy: Observation, make_observed: MakeObserved) -> None:
    missing = healthy.with_missing("there is no ConfigMap 'm'", "")
    assert summary(missing)["ModelReady"] == ("True", "Serving")
    found = judge(add(missing, make_observed("Deployment", "wine", "inference")))["ModelReady"]
    assert found == Finding("False", "ModelMissing", "spec.model.storageUri: there is no ConfigMap 'm'")


# Reference


def test_a_missing_reference_is_named(fresh: Observation) -> None:
    found = judge(fresh.with_missing("", "there is no ConfigMap 'r'"))["ReferenceReady"]
    assert found == Finding("False", "ReferenceMissing", "spec.reference.storageUri: there is no ConfigMap 'r'")


def test_a_new_reference_is_not_yet_read(healthy: Observation) -> None:
    changed = with_spec(healthy, reference={"storageUri": "https://x.example/other.csv"})
    assert summary(changed)["ReferenceReady"] == ("Unknown", "NotYetRead")


def test_a_reference_that_the_check_missed_is_missing(healthy: Observation) -> None:
    found = judge(with_status(healthy, lastCheck=last_check("ReferenceMissing", message="404")))
    assert found["ReferenceReady"] == Finding("False", "ReferenceMissing", "404")


# Checks


def job(make_observed: MakeObserved, name: str, end: tuple[str, str] | None, created: str) -> Observed:
    conditions = (
        [{"type": end[0], "status": "True", "lastTransitionTime": end[1], "message": "BackoffLimit"}] if end else []
    )
    owner = ("CronJob", "wine-check", "uid-of-wine-check")
    return make_observed("Job", name, "check", owner=owner, created=created, status={"conditions": conditions})


def check_pod(make_observed: MakeObserved, job_name: str, **state: Any) -> Observed:
    status = {"containerStatuses": [container("check", **state)]}
    return make_observed("Pod", f"{job_name}-x", "check", owner=("Job", job_name, f"uid-of-{job_name}"), status=status)


def test_a_job_that_failed_after_the_last_verdict_is_a_failed_check(
    healthy: Observation, make_observed: MakeObserved
) -> None:
    failed = job(make_observed, "wine-check-1", ("Failed", "2026-01-01T11:00:00Z"), "2026-01-01T10:55:00Z")
    pod = check_pod(make_observed, "wine-check-1", terminated={"exitCode": 1, "message": "the collector is away"})
    found = judge(add(healthy, failed, pod))
    message = "the check wine-check-1 failed: the collector is away"
    assert found["ChecksHealthy"] == Finding("False", "CheckFailed", message)
    assert found["DriftDetected"] == Finding("Unknown", "CheckFailed", message)
    assert found["Ready"].status == "False"


def test_a_failed_job_without_a_pod_says_what_kubernetes_says(
    healthy: Observation, make_observed: MakeObserved
) -> None:
    failed = job(make_observed, "wine-check-1", ("Failed", "2026-01-01T11:00:00Z"), "2026-01-01T10:55:00Z")
    assert judge(add(healthy, failed))["ChecksHealthy"].message == "the check wine-check-1 failed: BackoffLimit"


def test_a_job_that_failed_before_the_last_verdict_is_past(healthy: Observation, make_observed: MakeObserved) -> None:
    failed = job(make_observed, "wine-check-1", ("Failed", "2026-01-01T09:00:00Z"), "2026-01-01T08:55:00Z")
    assert summary(add(healthy, failed))["ChecksHealthy"] == ("True", "Published")


def test_only_the_newest_finished_job_counts(healthy: Observation, make_observed: MakeObserved) -> None:
    failed = job(make_observed, "wine-check-1", ("Failed", "2026-01-01T11:00:00Z"), "2026-01-01T10:55:00Z")
    good = job(make_observed, "wine-check-2", ("Complete", "2026-01-01T12:00:00Z"), "2026-01-01T11:55:00Z")
    running = job(make_observed, "wine-check-3", None, "2026-01-01T12:55:00Z")
    assert summary(add(healthy, failed, good, running))["ChecksHealthy"] == ("True", "Published")
    assert summary(add(healthy, failed, running))["ChecksHealthy"] == ("False", "CheckFailed")


def test_jobs_of_a_deleted_namesake_do_not_count(healthy: Observation, make_observed: MakeObserved) -> None:
    conditions = [{"type": "Failed", "status": "True", "lastTransitionTime": "2026-01-01T11:00:00Z"}]
    owner = ("CronJob", "wine-check", "old")
    old = make_observed("Job", "wine-check-1", "check", owner=owner, status={"conditions": conditions})
    assert summary(add(healthy, old))["ChecksHealthy"] == ("True", "Published")


def test_a_check_that_cannot_start_is_named_and_keeps_the_last_verdict(
    healthy: Observation, make_observed: MakeObserved
) -> None:
    running = job(make_observed, "wine-check-1", None, "2026-01-01T10:55:00Z")
    pod = check_pod(make_observed, "wine-check-1", waiting={"reason": "ImagePullBackOff"})
    found = summary(add(healthy, running, pod))
    assert found["ChecksHealthy"] == ("False", "ImagePullFailed")
    assert found["DriftDetected"] == ("False", "NoDrift")


def test_a_first_attempt_that_failed_may_yet_succeed(healthy: Observation, make_observed: MakeObserved) -> None:
    running = job(make_observed, "wine-check-1", None, "2026-01-01T10:55:00Z")
    pod = check_pod(make_observed, "wine-check-1", terminated={"exitCode": 1, "message": "once"})
    assert summary(add(healthy, running, pod))["ChecksHealthy"] == ("True", "Published")


def test_of_an_object_that_cannot_be_used_nothing_is_known() -> None:
    found = nothing_known(Reason.INVALID_SPEC, "why")
    assert list(found) == list(CONDITIONS)
    assert found.pop("Ready") == Finding("False", "InvalidSpec", "why")
    assert {finding.status for finding in found.values()} == {"Unknown"}
