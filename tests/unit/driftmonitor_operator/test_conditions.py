import ast
import json
import typing
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import DRIFT_CHECKS, DriftMonitor, Storage, Verdict
from driftmonitor_operator import observed
from driftmonitor_operator.observed import Observed, Problem
from driftmonitor_operator.reasons import CONDITIONS, Reason
from driftmonitor_operator.status import Observation, judge, next_look, nothing_known, outdated_jobs, parsed
from driftmonitor_operator.status.finding import Finding
from tests.support.observations import (
    COLUMN,
    DIGEST,
    NOW,
    REFERENCE,
    ROLLED_OUT,
    add,
    entry,
    last_check,
    summary,
    with_spec,
    with_status,
)

Make = Callable[..., DriftMonitor]
MakeObserved = Callable[..., Observed]


def test_a_fresh_monitor_has_every_condition_with_a_reason_and_a_message(fresh: Observation) -> None:
    assert summary(fresh) == {
        "Ready": ("False", "RollingOut"),
        "ModelReady": ("False", "RollingOut"),
        "CollectorReady": ("False", "Starting"),
        "ReferenceReady": ("Unknown", "NotYetRead"),
        "ChecksHealthy": ("Unknown", "NoCheckYet"),
        "ValidationReady": ("Unknown", "NotRequested"),
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
        "ValidationReady": ("Unknown", "NotRequested"),
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


# The validation service


@pytest.fixture
def validated(healthy: Observation, make_observed: MakeObserved) -> Observation:
    """All is well, and two pods judge rows on request."""
    asked = with_spec(healthy, checks={"schedule": "*/5 * * * *", "validation": {"replicas": 2}})
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    return add(asked, make_observed("Deployment", "wine-validation", "validation", status=ROLLED_OUT | counts))


def test_validation_is_ready_once_all_its_pods_are(validated: Observation, make_observed: MakeObserved) -> None:
    assert summary(validated)["ValidationReady"] == ("True", "Serving")
    assert summary(validated)["Ready"] == ("True", "Ready")
    for change in ({"replicas": 3}, {"updatedReplicas": 1}, {"availableReplicas": 1}, {"observedGeneration": 0}):
        counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2} | change
        deployment = make_observed("Deployment", "wine-validation", "validation", status=ROLLED_OUT | counts)
        found = summary(add(validated, deployment))
        assert found["ValidationReady"] == found["Ready"] == ("False", "Starting")


def test_validation_that_does_not_run_says_why(validated: Observation, make_observed: MakeObserved) -> None:
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 0}
    deployment = make_observed("Deployment", "wine-validation", "validation", status=ROLLED_OUT | counts)
    down = add(validated, deployment)
    assert summary(replace(down, missing_reference="there is no ConfigMap"))["ValidationReady"] == (
        "False",
        "ReferenceMissing",
    )
    killed = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    status = {"containerStatuses": [container("validation", **killed)]}
    pod = make_observed("Pod", "wine-validation-1", "validation", owner=None, status=status)
    assert summary(add(down, pod))["ValidationReady"] == ("False", "OutOfMemory")
    failing = ROLLED_OUT | {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "quota"}]}
    refused = make_observed("Deployment", "wine-validation", "validation", status=failing)
    assert summary(add(validated, refused))["ValidationReady"] == ("False", "PodsRefused")


def test_what_is_left_of_a_validation_service_that_was_given_up_does_not_count(validated: Observation) -> None:
    given_up = with_spec(validated, checks={"schedule": "*/5 * * * *"})
    problem = Problem("validation", "ChildTerminating", "it is being deleted")
    assert summary(replace(given_up, problems=(problem,)))["ValidationReady"] == ("Unknown", "NotRequested")


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
            "the model could not be fetched: Traceback",
        ),
        (
            container("fetch-outlier-detector", terminated={"exitCode": 1, "message": json.dumps({"error": "404"})}),
            "ModelFetchFailed",
            "the outlier detector could not be fetched: 404",
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


@pytest.mark.parametrize(
    ("available", "status", "reason", "words"),
    [
        (3, "True", "Storing", "3 of 3 collectors take records"),
        (2, "False", "PodsUnavailable", "2 of 3 collectors take records"),
        (0, "False", "Starting", "predictions wait in the sidecar's buffer"),
    ],
)
def test_of_several_collectors_it_is_said_how_many_take_records(
    available: int, status: str, reason: str, words: str, healthy: Observation, make_observed: MakeObserved
) -> None:
    storage = Storage(uri="s3://records", credentials_secret="records")
    collector = healthy.monitor.spec.collector.model_copy(update={"replicas": 3, "storage": storage})
    spec = healthy.monitor.spec.model_copy(update={"collector": collector})
    counts = {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": available}
    observation = replace(healthy, monitor=healthy.monitor.model_copy(update={"spec": spec}))
    found = judge(add(observation, make_observed("Deployment", "wine-collector", "collector", status=counts)))
    assert (found["CollectorReady"].status, found["CollectorReady"].reason) == (status, reason)
    assert words in found["CollectorReady"].message


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


def test_a_missing_outlier_detector_is_named_by_its_own_field(
    healthy: Observation, make_observed: MakeObserved
) -> None:
    missing = add(healthy.with_missing("", "", "there is no ConfigMap 'o'"), make_observed("Deployment", "wine", "inference"))  # fmt: skip  # noqa: E501  # one step
    sentence = "spec.model.outlierDetector.storageUri: there is no ConfigMap 'o'"
    assert judge(missing)["ModelReady"] == Finding("False", "ModelMissing", sentence)


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


@pytest.mark.parametrize(
    ("changed", "state", "outdated"),
    [
        ("2026-01-01T10:56:00Z", {"waiting": {"reason": "ImagePullBackOff"}}, True),
        ("2026-01-01T10:54:00Z", {"waiting": {"reason": "ImagePullBackOff"}}, False),
        ("2026-01-01T10:56:00Z", {"running": {}}, False),
        ("2026-01-01T10:56:00Z", {"terminated": {"exitCode": 1}}, False),
    ],
)
def test_a_check_is_outdated_that_cannot_start_and_whose_cron_job_was_changed_since(
    healthy: Observation, make_observed: MakeObserved, changed: str, state: dict[str, Any], outdated: bool
) -> None:
    running = job(make_observed, "wine-check-1", None, "2026-01-01T10:55:00Z")
    pod = check_pod(make_observed, "wine-check-1", **state)
    cron_job = healthy.cron_job()
    assert cron_job is not None
    others = tuple(child for child in healthy.children if child is not cron_job)
    cron_job = replace(cron_job, changed=datetime.fromisoformat(changed))
    found = outdated_jobs(replace(healthy, children=(*others, cron_job, running, pod)))
    assert found == ([running] if outdated else [])


def test_of_an_object_that_cannot_be_used_nothing_is_known() -> None:
    found = nothing_known(Reason.INVALID_SPEC, "why")
    assert list(found) == list(CONDITIONS)
    assert found.pop("Ready") == Finding("False", "InvalidSpec", "why")
    assert {finding.status for finding in found.values()} == {"Unknown"}


# The number of pods


def deployed(make_observed: MakeObserved, *counts: int, progressing: str = "") -> Observed:
    names = ("replicas", "updatedReplicas", "availableReplicas")
    condition = {"type": "Progressing", "status": "True", "reason": progressing}
    status = {"observedGeneration": 1, **dict(zip(names, counts, strict=True)), "conditions": [condition]}
    return make_observed("Deployment", "wine", "inference", status=status)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ((2, 2, 2), ("True", "Serving")),
        ((5, 5, 5), ("True", "Serving")),
        ((5, 5, 2), ("True", "Serving")),
        ((1, 1, 1), ("False", "RollingOut")),
        ((5, 5, 1), ("False", "RollingOut")),
        ((5, 2, 5), ("False", "RollingOut")),
    ],
)
def test_autoscaled_pods_serve_when_the_least_of_them_do_and_no_old_ones(
    counts: tuple[int, int, int], says: tuple[str, str], healthy: Observation, make_observed: MakeObserved
) -> None:
    scaled = with_spec(healthy, serving={"autoscaling": {"minReplicas": 2, "maxReplicas": 5}})
    found = judge(add(scaled, deployed(make_observed, *counts)))["ModelReady"]
    assert (found.status, found.reason) == says
    if found.status == "True":
        assert found.message == "2 to 5 pods serve version 3", "it is the same however many there are"


def test_a_pod_that_is_lost_after_a_rollout_is_no_rollout(healthy: Observation, make_observed: MakeObserved) -> None:
    three = with_spec(healthy, serving={"replicas": 3})
    lost = add(three, deployed(make_observed, 3, 3, 2, progressing="NewReplicaSetAvailable"))
    found = judge(lost)["ModelReady"]
    assert (found.status, found.reason) == ("False", "PodsUnavailable")
    assert found.message.startswith("2 of 3 pods serve version 3; ")
    rolling = add(three, deployed(make_observed, 3, 3, 2, progressing="ReplicaSetUpdated"))
    assert summary(rolling)["ModelReady"] == ("False", "RollingOut")


# Data quality


def violation(column: str) -> dict[str, str]:
    return {"column": column, "check": "completeness_check", "message": "only 3 of 9 rows have it"}


def test_violations_degrade_the_data_quality_and_are_named(healthy: Observation) -> None:
    found = judge(with_status(healthy, violations=[violation("alcohol")]))["DataQualityDegraded"]
    assert (found.status, found.reason) == ("True", "ViolationsFound")
    assert "alcohol: only 3 of 9 rows have it" in found.message
    many = with_status(healthy, violations=[violation(f"c{number}") for number in range(50)])
    found = judge(many)["DataQualityDegraded"]
    assert "c4: " in found.message and "c5: " not in found.message
    assert found.message.endswith("and 45 more in status.violations")
    assert summary(many)["Ready"] == ("True", "Ready")


def test_a_custom_check_of_quality_that_failed_leaves_it_unknown_unless_it_is_degraded(healthy: Observation) -> None:
    failure = {"column": "margin", "check": "custom_failure_check", "message": "failed: it broke"}
    found = judge(with_status(healthy, violations=[failure | {"severity": "Critical"}]))["DataQualityDegraded"]
    assert (found.status, found.reason) == ("Unknown", "CheckFailed")
    assert found.message == "mend checks.custom: margin: failed: it broke"
    both = with_status(healthy, violations=[failure, violation("alcohol")])
    assert summary(both)["DataQualityDegraded"] == ("True", "ViolationsFound")
    drift = with_status(healthy, violations=[failure | {"check": "custom_drift_failure_check"}])
    assert summary(drift)["DataQualityDegraded"] == ("False", "NoViolations")


def test_warnings_do_not_degrade_the_data_quality_and_are_named(healthy: Observation) -> None:
    warned = with_status(healthy, violations=[violation("alcohol") | {"severity": "Warning"}])
    found = judge(warned)["DataQualityDegraded"]
    assert (found.status, found.reason) == ("False", "QualityWarning")
    assert found.message == "not yet critical: alcohol: only 3 of 9 rows have it"
    both = with_status(
        healthy,
        violations=[violation("malic") | {"severity": "Critical"}, violation("alcohol") | {"severity": "Warning"}],
    )
    found = judge(both)["DataQualityDegraded"]
    assert (found.status, found.reason) == ("True", "ViolationsFound")
    assert "malic" in found.message and "alcohol" not in found.message


@pytest.mark.parametrize("check", DRIFT_CHECKS)
def test_drift_is_no_fault_of_the_data(check: str, healthy: Observation) -> None:
    shifted = with_status(healthy, violations=[violation("alcohol") | {"severity": "Critical", "check": check}])
    assert summary(shifted)["DataQualityDegraded"] == ("False", "NoViolations")


def _losing(observation: Observation, lost: int, *history: tuple[str, int | None]) -> Finding:
    """DataQualityDegraded after a check at 10:00 of the hour before; `history` has times of the day and rows lost."""
    entries = [entry("NoDrift", time, rowsLost=rows) for time, rows in (("10:00", lost), *history)]
    status = with_status(observation, lastCheck=last_check("NoDrift", rowsLost=lost), history=entries)
    return judge(status)["DataQualityDegraded"]


def test_rows_that_were_never_logged_degrade_the_data_quality_while_a_window_lacks_them(healthy: Observation) -> None:
    first = _losing(healthy, 12)
    assert (first.status, first.reason) == ("True", "RowsLost")
    assert first.message.startswith("12 rows were answered and lost, and missing in the last window: never logged")
    assert "spec.logging.shipper.bufferSize" in first.message
    assert _losing(healthy, 12, ("09:30", 5), ("08:59", 5)).message.startswith("7 rows")
    assert _losing(healthy, 12, ("09:30", None), ("09:00", 0), ("08:30", 0)).message.startswith("12 rows")
    assert _losing(healthy, 12, ("09:30", 12), ("09:00", 12)).status == "False"
    assert _losing(healthy, 0).status == "False"


def test_a_loss_before_the_oldest_check_that_is_known_is_past(healthy: Observation) -> None:
    full = [(f"09:{59 - number}", 12) for number in range(19)]
    assert _losing(healthy, 12, *full).status == "False"
    assert _losing(healthy, 13, *full).message.startswith("1 row was answered")
    assert _losing(healthy, 12, *full[:-1]).reason == "RowsLost", "the first check is known, and found them"


def test_rows_lost_are_told_beside_violations(healthy: Observation) -> None:
    both = with_status(healthy, lastCheck=last_check("NoDrift", rowsLost=3), violations=[violation("alcohol")])
    found = judge(both)["DataQualityDegraded"]
    assert found.reason == "ViolationsFound"
    assert "; besides, 3 rows were answered and lost" in found.message


def test_a_failed_check_with_violations_still_names_them(healthy: Observation) -> None:
    failed = with_status(healthy, lastCheck=last_check("CheckFailed"), columns=[], violations=[violation("alcohol")])
    assert summary(failed)["DataQualityDegraded"] == ("True", "ViolationsFound")


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        ("InsufficientData", "InsufficientData"),
        ("ReferenceMissing", "ReferenceMissing"),
        ("ReferenceStale", "ReferenceStale"),
        ("CheckFailed", "CheckFailed"),
        ("NoDrift", "NothingCompared"),
    ],
)
def test_where_nothing_was_compared_the_data_quality_is_unknown(
    verdict: str, reason: str, healthy: Observation
) -> None:
    found = summary(with_status(healthy, lastCheck=last_check(verdict), columns=[], violations=[]))
    assert found["DataQualityDegraded"] == ("Unknown", reason)


def test_a_suspended_monitor_says_nothing_about_data_quality(healthy: Observation) -> None:
    assert summary(with_spec(healthy, suspend=True))["DataQualityDegraded"] == ("Unknown", "Suspended")


# Configuration


@pytest.mark.parametrize(
    ("spec", "says", "words"),
    [
        ({"checks": {"schedule": "0 * * * *"}}, ("False", "AsExpected"), ""),
        (
            {"checks": {"schedule": "0 9-17 * * 1-5", "window": {"lookback": "2d"}}},
            ("True", "WindowShorterThanSchedule"),
            "up to 2d16h lie between two checks, and each looks at 2d only",
        ),
        ({"checks": {"schedule": "0 9-17 * * 1-5", "window": {"lookback": "64h"}}}, ("False", "AsExpected"), ""),
        (
            {"checks": {"schedule": "0 0 * * *", "timeZone": "Europe/Berlin", "window": {"lookback": "24h"}}},
            ("True", "WindowShorterThanSchedule"),
            "up to 1d1h",
        ),
        ({"checks": {"schedule": "0 0 31 2 *"}}, ("True", "ScheduleNeverRuns"), '"0 0 31 2 *"'),
        ({"checks": {"schedule": "99 * * * *"}}, ("Unknown", "ScheduleNotUnderstood"), '"99 * * * *"'),
        (
            {"checks": {"schedule": "0 * * * *", "timeZone": "Nowhere/Else"}},
            ("Unknown", "ScheduleNotUnderstood"),
            "'Nowhere/Else'",
        ),
        (
            {"collector": {"retention": "1d"}, "reference": {"window": {"lookback": "7d", "offset": "1d"}}},
            ("True", "RetentionShorterThanWindow"),
            "spec.reference.window reaches back 8d",
        ),
        (
            {"collector": {"retention": "2h"}, "checks": {"schedule": "0 * * * *", "window": {"offset": "90m"}}},
            ("True", "RetentionShorterThanWindow"),
            "spec.checks.window reaches back 2h30m",
        ),
    ],
)
def test_a_spec_that_can_hardly_be_meant_is_named(
    spec: dict[str, Any], says: tuple[str, str], words: str, healthy: Observation
) -> None:
    found = judge(with_spec(healthy, **spec))
    assert (found["ConfigurationWarning"].status, found["ConfigurationWarning"].reason) == says
    assert words in found["ConfigurationWarning"].message
    assert found["Ready"].status == "True"


# Other versions


def test_facts_of_a_newer_version_count_as_not_there_and_the_rest_is_read(healthy: Observation) -> None:
    body = with_status(healthy).monitor.model_dump(mode="json")
    body["status"]["history"] = [{"time": "2026-01-01T10:00:00Z", "verdict": "OutliersDetected", "rows": 1}]
    monitor = parsed(body)
    assert monitor.status.history is None
    assert monitor.status.last_check is not None
    body["status"]["lastCheck"]["verdict"] = "OutliersDetected"
    assert summary(replace(healthy, monitor=parsed(body)))["DriftDetected"] == ("Unknown", "NoCheckYet")


def test_a_spec_that_cannot_be_used_is_an_error_whatever_the_status_says(healthy: Observation) -> None:
    body = with_status(healthy).monitor.model_dump(mode="json")
    body["status"]["history"] = "nonsense"
    body["spec"]["model"]["storageUri"] = "nonsense"
    with pytest.raises(ValidationError, match="storageUri"):
        parsed(body)


def test_a_status_of_the_first_version_reads_as_it_did(healthy: Observation) -> None:
    """Its facts lack what came later: coverage and subject of the history, a corrected score."""
    first = {
        "observedGeneration": 1,
        "drift": "Drifted",
        "lastCheck": last_check("DriftDetected", drifted="3/12", driftShare=0.25, report="/v1/reports/x.html"),
        "reference": REFERENCE,
        "columns": [COLUMN | {"score": 0.5, "severity": "DriftDetected"}],
        "violations": [],
        "history": [entry("DriftDetected", "10:00", driftShare=0.25), entry("NoDrift", "09:55", driftShare=0.0)],
    }
    found = summary(with_status(healthy, **first))
    assert found["DriftDetected"] == ("True", "DriftDetected")
    assert found["DataQualityDegraded"] == ("False", "NoViolations")
    assert found["ReferenceReady"] == ("True", "Read")


# All of it


def test_every_reason_is_in_the_list_of_what_a_condition_can_say() -> None:
    listed = {reason for says in CONDITIONS.values() for _, reason in says}
    assert listed | {Reason.INVALID_SPEC} == set(Reason)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_observed_each_condition_says_what_it_can_say(
    data: st.DataObject, healthy: Observation, make_observed: MakeObserved
) -> None:
    draw = data.draw
    verdict = st.sampled_from(typing.get_args(Verdict))
    last = last_check(draw(verdict), coverage=draw(st.sampled_from([None, 0.5, 1.0])))
    last["rowsLost"] = draw(st.sampled_from([None, 0, 5]))
    last["subject"] = draw(st.sampled_from([None, "other", healthy.monitor.spec.subject]))
    status: dict[str, Any] = {
        "lastCheck": draw(st.sampled_from([None, last])),
        "reference": draw(st.sampled_from([None, REFERENCE, REFERENCE | {"storageUri": "configmap://other/file"}])),
        "columns": draw(st.sampled_from([None, [], [COLUMN]])),
        "violations": draw(
            st.sampled_from([None, [], [violation("alcohol")], [violation("alcohol") | {"severity": "Warning"}]])
        ),
        "history": [entry(draw(verdict), "10:00"), entry(draw(verdict), "09:55")],
    }
    spec = {
        "suspend": draw(st.booleans()),
        "serving": draw(
            st.sampled_from([{"replicas": 0}, {"replicas": 1}, {"autoscaling": {"minReplicas": 1, "maxReplicas": 3}}])
        ),
        "checks": {
            "schedule": draw(st.sampled_from(["* * * * *", "0 0 1 1 *", "0 0 30 2 *", "x"])),
            "policy": {"consecutiveWindows": draw(st.integers(1, 3)), "cooldown": draw(st.sampled_from(["0s", "9d"]))},
        },
    }
    problems = [
        Problem(component, reason, "why")
        for component in draw(st.sets(st.sampled_from(["inference", "collector", "check"])))
        for reason in [draw(st.sampled_from(PROBLEMS))]
    ]
    waiting = ["ImagePullBackOff", "CreateContainerError", "PodInitializing", "CrashLoopBackOff"]
    state = draw(
        st.one_of(
            st.sampled_from(waiting).map(lambda reason: {"waiting": {"reason": reason}}),
            st.sampled_from(["OOMKilled", "Error"]).map(lambda why: {"terminated": {"exitCode": 1, "reason": why}}),
        )
    )
    created = draw(st.sampled_from(["2026-01-01T09:00:00Z", "2026-01-01T11:00:00Z"]))
    finish = draw(st.sampled_from([None, ("Failed", created), ("Complete", created)]))
    unschedulable = {"conditions": [{"type": "PodScheduled", "status": "False"}]}
    stands = draw(st.sampled_from(["container", "unschedulable", "starting"]))

    def pod_status(name: str) -> dict[str, Any]:
        containers = {"containerStatuses": [container(name, **state)]}
        return {"container": containers, "unschedulable": unschedulable, "starting": {}}[stands]

    serving = draw(st.sampled_from(["fetch-model", "inference", "shipper"]))
    condition = draw(
        st.sampled_from(
            [
                {"type": "Progressing", "reason": "ProgressDeadlineExceeded"},
                {"type": "Progressing", "reason": "NewReplicaSetAvailable"},
                {"type": "ReplicaFailure", "status": "True"},
            ]
        )
    )
    counts = draw(st.sampled_from([ROLLED_OUT, {}, ROLLED_OUT | {"availableReplicas": 0}])) | {
        "conditions": [condition]
    }
    observation = add(
        with_status(with_spec(healthy, **spec), **status),
        make_observed("Deployment", "wine", "inference", status=counts),
        make_observed("Deployment", "wine-collector", "collector", status=counts),
        job(make_observed, "wine-check-1", finish, created),
        make_observed("Pod", "p-1", "inference", owner=None, configuration=DIGEST, status=pod_status(serving)),
        make_observed("Pod", "p-2", "collector", owner=None, status=pod_status("collector")),
        make_observed(
            "Pod", "p-3", "check", owner=("Job", "wine-check-1", "uid-of-wine-check-1"), status=pod_status("check")
        ),
    )
    observation = replace(
        observation,
        problems=tuple(problems),
        now=draw(st.sampled_from([NOW, NOW + timedelta(days=2), NOW - timedelta(days=2)])),
        written=draw(st.sampled_from([None, NOW])),
        missing_model=draw(st.sampled_from(["", "there is none"])),
        missing_reference=draw(st.sampled_from(["", "there is none"])),
    )
    findings = judge(observation)
    assert list(findings) == list(CONDITIONS)
    for kind, (value, reason, message) in findings.items():
        assert (value, reason) in CONDITIONS[kind], kind
        assert message and len(message) <= 4096
    moment = next_look(observation)
    assert moment is None or moment > observation.now


def problem_reasons() -> set[str]:
    """What the operator's modules give as the reason of a Problem."""
    found = set()
    for file in Path(observed.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                reason = node.args[1]
                name = reason.attr if isinstance(reason, ast.Attribute) else ""
                found.add(str(Reason[name]) if name else str(ast.literal_eval(reason)))
    return found


PROBLEMS = sorted(problem_reasons())


def test_the_reasons_of_children_that_cannot_be_applied_are_known() -> None:
    assert set(PROBLEMS) == {"ChildRejected", "ChildNotOwned", "ChildTerminating", "ApplyFailed"}
