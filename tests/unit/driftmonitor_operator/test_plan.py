from collections.abc import Callable

from driftmonitor_operator.observed import Observed, Problem
from driftmonitor_operator.plan import Step, decide, unwanted

UID = "11111111-1111-1111-1111-111111111111"
MANIFEST = {
    "kind": "Service",
    "metadata": {"name": "wine", "labels": {"app.kubernetes.io/component": "inference"}},
}
Make = Callable[..., Observed]


def test_what_does_not_exist_is_applied() -> None:
    assert decide(MANIFEST, "digest", None, UID) is Step.APPLY


def test_what_was_found_equal_to_this_manifest_is_kept(make_observed: Make) -> None:
    live = make_observed("Service", "wine", "inference")
    live.settle("digest")
    assert live.body is None
    assert decide(MANIFEST, "digest", live, UID) is Step.KEEP


def test_what_was_found_equal_to_another_manifest_is_applied(make_observed: Make) -> None:
    live = make_observed("Service", "wine", "inference")
    live.settle("another")
    assert decide(MANIFEST, "digest", live, UID) is Step.APPLY


def test_what_differs_is_applied(make_observed: Make) -> None:
    assert decide(MANIFEST, "digest", make_observed("Service", "wine", "inference"), UID) is Step.APPLY


def test_an_object_of_someone_else_is_never_overwritten(make_observed: Make) -> None:
    for owner in (None, ("Deployment", "other", "u")):
        problem = decide(MANIFEST, "digest", make_observed("Service", "wine", "inference", owner=owner), UID)
        assert isinstance(problem, Problem)
        assert (problem.component, problem.reason) == ("inference", "ChildNotOwned")
        assert "Service wine" in problem.message


def test_a_child_of_a_deleted_namesake_is_waited_for(make_observed: Make) -> None:
    live = make_observed("Service", "wine", "inference", owner=("DriftMonitor", "wine", "old"))
    problem = decide(MANIFEST, "digest", live, UID)
    assert isinstance(problem, Problem)
    assert problem.reason == "ChildTerminating"


def test_a_child_under_deletion_is_waited_for(make_observed: Make) -> None:
    live = make_observed("Service", "wine", "inference", deletionTimestamp="2026-01-01T00:00:00Z")
    problem = decide(MANIFEST, "digest", live, UID)
    assert isinstance(problem, Problem)
    assert problem.reason == "ChildTerminating"


def test_only_own_children_that_nothing_asks_for_are_unwanted(make_observed: Make) -> None:
    left_over = make_observed("ConfigMap", "wine-old", "inference")
    children = [
        left_over,
        make_observed("Service", "wine", "inference"),
        make_observed("ConfigMap", "foreign", "inference", owner=None),
        make_observed("ConfigMap", "of-namesake", "inference", owner=("DriftMonitor", "wine", "old")),
        make_observed("ConfigMap", "going", "inference", deletionTimestamp="2026-01-01T00:00:00Z"),
        make_observed("Job", "wine-check-1", "check"),
        make_observed("Pod", "wine-1", "inference"),
    ]
    assert unwanted(children, [MANIFEST], UID) == [left_over]
