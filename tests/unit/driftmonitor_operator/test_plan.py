import copy
from collections.abc import Callable
from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.observed import Observed, Problem
from driftmonitor_operator.plan import Step, decide, handover, overwriting, unwanted

Body = dict[str, Any]
UID = "11111111-1111-1111-1111-111111111111"
MANIFEST: Body = {
    "kind": "Service",
    "metadata": {"name": "wine", "labels": {"app.kubernetes.io/component": "inference"}},
}
DEPLOYMENT: Body = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "wine", "namespace": "cellar", "labels": {"app.kubernetes.io/component": "inference"}},
    "spec": {"template": {"metadata": {"labels": {"a": "b"}}}},
}
AUTOSCALED = {"serving": {"autoscaling": {"minReplicas": 2, "maxReplicas": 5}}}
Make = Callable[..., Observed]
MakeMonitor = Callable[..., DriftMonitor]


@pytest.fixture
def monitor(make_monitor: MakeMonitor) -> DriftMonitor:
    return make_monitor()


def test_what_does_not_exist_is_applied(monitor: DriftMonitor) -> None:
    assert decide(MANIFEST, "digest", None, monitor) is Step.APPLY


def test_what_this_manifest_was_applied_to_is_kept(make_observed: Make, monitor: DriftMonitor) -> None:
    live = make_observed("Service", "wine", "inference")
    live.settle("digest")
    assert decide(MANIFEST, "digest", live, monitor) is Step.KEEP


def test_what_another_manifest_or_none_was_applied_to_is_applied(make_observed: Make, monitor: DriftMonitor) -> None:
    live = make_observed("Service", "wine", "inference")
    assert decide(MANIFEST, "digest", live, monitor) is Step.APPLY
    live.settle("another")
    assert decide(MANIFEST, "digest", live, monitor) is Step.APPLY


def test_what_others_have_added_to_is_overwritten(make_observed: Make, monitor: DriftMonitor) -> None:
    live = make_observed("Service", "wine", "inference")
    live.applied, live.added_to = "digest", True
    assert decide(MANIFEST, "digest", live, monitor) is Step.OVERWRITE
    assert decide(MANIFEST, "another", live, monitor) is Step.APPLY


def test_an_object_of_someone_else_is_never_overwritten(make_observed: Make, monitor: DriftMonitor) -> None:
    for owner in (None, ("Deployment", "other", "u")):
        problem = decide(MANIFEST, "digest", make_observed("Service", "wine", "inference", owner=owner), monitor)
        assert isinstance(problem, Problem)
        assert (problem.component, problem.reason) == ("inference", "ChildNotOwned")
        assert "Service wine" in problem.message


def test_a_child_of_a_deleted_namesake_is_waited_for(make_observed: Make, monitor: DriftMonitor) -> None:
    live = make_observed("Service", "wine", "inference", owner=("DriftMonitor", "wine", "old"))
    problem = decide(MANIFEST, "digest", live, monitor)
    assert isinstance(problem, Problem)
    assert problem.reason == "ChildTerminating"


def test_a_child_under_deletion_is_waited_for(make_observed: Make, monitor: DriftMonitor) -> None:
    live = make_observed("Service", "wine", "inference", deletionTimestamp="2026-01-01T00:00:00Z")
    problem = decide(MANIFEST, "digest", live, monitor)
    assert isinstance(problem, Problem)
    assert problem.reason == "ChildTerminating"


def test_an_autoscaled_deployment_below_its_least_number_of_pods_is_applied(
    make_observed: Make, make_monitor: MakeMonitor
) -> None:
    live = make_observed("Deployment", "wine", "inference")
    live.settle("digest")
    steps = []
    for live.replicas in (0, 1, 2, 9):
        steps.append(decide(DEPLOYMENT, "digest", live, make_monitor(**AUTOSCALED)))
    assert steps == [Step.APPLY, Step.APPLY, Step.KEEP, Step.KEEP]


def deployment(replicas: int, *, owned: bool) -> Body:
    fields: Body = {"f:spec": {"f:replicas": {}} if owned else {"f:template": {}}}
    entry = {"manager": "driftmonitor-operator", "operation": "Apply", "fieldsV1": fields}
    metadata = DEPLOYMENT["metadata"] | {"managedFields": [entry], "resourceVersion": "7"}
    return DEPLOYMENT | {"metadata": metadata, "spec": copy.deepcopy(DEPLOYMENT["spec"]) | {"replicas": replicas}}


@pytest.mark.parametrize(
    ("replicas", "owned", "handed"),
    [(4, True, 4), (1, True, 2), (0, True, 2), (4, False, None), (2, False, None), (1, False, 2), (0, False, 2)],
)
def test_the_number_of_pods_is_handed_over_before_it_leaves_the_manifest(
    replicas: int, owned: bool, handed: int | None
) -> None:
    body = handover(DEPLOYMENT, deployment(replicas, owned=owned), 2)
    assert (body and body["spec"]) == (None if handed is None else {"replicas": handed})
    if body:
        assert body["metadata"] == {"name": "wine", "namespace": "cellar"}, "it owns nothing else"


def test_a_number_of_pods_that_the_manifest_has_is_not_handed_over() -> None:
    fixed = DEPLOYMENT | {"spec": DEPLOYMENT["spec"] | {"replicas": 3}}
    assert handover(fixed, deployment(4, owned=True), 3) is None
    assert handover(MANIFEST, MANIFEST, 3) is None


def test_overwriting_leaves_the_autoscalers_number_and_the_time_of_a_restart() -> None:
    live = deployment(4, owned=False)
    restarted = {"kubectl.kubernetes.io/restartedAt": "now"}
    live["spec"]["template"]["metadata"]["annotations"] = restarted | {"foreign": "x"}
    live["spec"]["paused"] = True
    guard, change = overwriting(DEPLOYMENT, live)
    assert guard == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    template = {"metadata": {"labels": {"a": "b"}, "annotations": restarted}}
    assert change == {"op": "replace", "path": "/spec", "value": {"replicas": 4, "template": template}}
    assert "annotations" not in DEPLOYMENT["spec"]["template"]["metadata"]


def test_overwriting_sets_the_number_of_pods_where_the_manifest_has_one() -> None:
    fixed = DEPLOYMENT | {"spec": DEPLOYMENT["spec"] | {"replicas": 3}}
    _, change = overwriting(fixed, deployment(4, owned=False))
    assert change["value"] == fixed["spec"]


def test_only_own_children_that_nothing_asks_for_are_unwanted(make_observed: Make) -> None:
    left_over = make_observed("NetworkPolicy", "wine-old", "inference")
    children = [
        left_over,
        make_observed("Service", "wine", "inference"),
        make_observed("NetworkPolicy", "foreign", "inference", owner=None),
        make_observed("NetworkPolicy", "of-namesake", "inference", owner=("DriftMonitor", "wine", "old")),
        make_observed("NetworkPolicy", "going", "inference", deletionTimestamp="2026-01-01T00:00:00Z"),
        make_observed("Job", "wine-check-1", "check"),
        make_observed("Pod", "wine-1", "inference"),
    ]
    assert unwanted(children, [MANIFEST], UID) == [left_over]


ROLLED_OUT = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("status", "mounted_by_deployment", "mounted_by_pod", "kept"),
    [
        (ROLLED_OUT, False, False, False),
        (ROLLED_OUT, True, False, True),
        (ROLLED_OUT, False, True, True),
        (ROLLED_OUT | {"availableReplicas": 1}, False, False, True),
        (ROLLED_OUT | {"updatedReplicas": 1}, False, False, True),
        (ROLLED_OUT | {"replicas": 3}, False, False, True),
        (ROLLED_OUT | {"observedGeneration": 0}, False, False, True),
        ({}, False, False, True),
    ],
)
def test_old_files_go_once_the_rollout_is_complete_and_no_pod_mounts_them(
    status: Body, mounted_by_deployment: bool, mounted_by_pod: bool, kept: bool, make_observed: Make
) -> None:
    files = make_observed("ConfigMap", "wine-config-1", "inference")
    deployment = make_observed("Deployment", "wine", "inference", status=status)
    deployment.replicas = 2
    deployment.config_maps = ("wine-config-1",) if mounted_by_deployment else ("wine-config-2",)
    pod = make_observed("Pod", "wine-1", "inference", owner=("ReplicaSet", "wine-x", "r"))
    pod.config_maps = ("wine-config-1",) if mounted_by_pod else ("wine-config-2",)
    assert unwanted([files, deployment, pod], [DEPLOYMENT], UID) == ([] if kept else [files])


def test_old_files_are_kept_while_there_is_no_deployment(make_observed: Make) -> None:
    assert unwanted([make_observed("ConfigMap", "wine-config-1", "inference")], [DEPLOYMENT], UID) == []


def test_the_files_of_a_program_that_is_not_wanted_any_more_go_with_its_last_pod(make_observed: Make) -> None:
    files = make_observed("ConfigMap", "wine-validation-1", "validation")
    inference = make_observed("Deployment", "wine", "inference", status=ROLLED_OUT)
    inference.replicas = 2
    deployment = make_observed("Deployment", "wine-validation", "validation", status=ROLLED_OUT)
    pod = make_observed("Pod", "wine-validation-1", "validation", owner=("ReplicaSet", "wine-x", "r"))
    deployment.config_maps = pod.config_maps = ("wine-validation-1",)
    manifests = [DEPLOYMENT]
    assert unwanted([inference, files, deployment, pod], manifests, UID) == [deployment]
    assert unwanted([inference, files, pod], manifests, UID) == []
    assert unwanted([inference, files], manifests, UID) == [files]
