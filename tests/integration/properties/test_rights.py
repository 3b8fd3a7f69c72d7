"""The operator's and the check's rights: what they use is what they have."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_operator import kinds
from hack.cluster.client import MERGE_PATCH
from hack.cluster.controlplane import ControlPlane
from tests.support.installation import REPOSITORY, Installation, OperatorProgram
from tests.support.rights import Right, granted, refused, rules_of, used
from tests.support.waiting import wait_for

MINIMAL = {
    "model": {"storageUri": "https://models.example/wine.onnx"},
    "reference": {"storageUri": "https://models.example/wine.parquet"},
    "checks": {"schedule": "0 0 1 1 *"},
}
SCALED = MINIMAL | {"serving": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}}
GROUP = "driftmonitor.dev"
MOUNTED = MINIMAL | {"model": {"storageUri": "pvc://models/wine.onnx"}, "reference": {"storageUri": "configmap://r/r"}}


@pytest.fixture(scope="module", params=["cluster-wide", "namespaced"])
def installation(
    request: pytest.FixtureRequest, chart_plane: ControlPlane, chart_programs: Path, tmp_path_factory: Any
) -> Iterator[Installation]:
    """The chart in one of its modes; the monitors are in a namespace of that mode's name."""
    mode = request.param
    directory = tmp_path_factory.mktemp(mode)
    release = Installation(chart_plane, chart_programs, directory, mode, f"{mode}-system", REPOSITORY / "fluentd")
    release.make_namespace(mode)
    release.install(watchNamespace=mode if mode == "namespaced" else "")
    yield release
    release.helm("uninstall", release.release)
    release.kubectl("delete", "crd", "driftmonitors.driftmonitor.dev", "--timeout=60s")


@pytest.fixture(scope="module")
def events(installation: Installation) -> list[dict[str, Any]]:
    """What the apiserver saw of an operator's life in which everything happens that can."""
    namespace = installation.release
    with installation.operator() as operator:
        installation.apply_monitor(namespace, "wine", SCALED)
        installation.apply_monitor(namespace, "mounted", MOUNTED)
        installation.wait_until_applied(namespace)
        make_everything_happen(installation, operator, namespace)
    account = f"system:serviceaccount:{installation.namespace}:{installation.operator_name}"
    return [event for event in installation.plane.audit_events() if event["user"]["username"] == account]


def make_everything_happen(installation: Installation, operator: OperatorProgram, namespace: str) -> None:
    """Beside creation: a verdict told twice, repairs, changes, the end of what is not asked for, or not any more."""
    # The same thing happens again: its Event is counted up.
    for verdict, word in (("DriftDetected", "Drifted"), ("NoDrift", "Stable")) * 2:
        publish(installation, namespace, verdict)
        wait_for(f"the word {word}", lambda word=word: status(installation, namespace).get("drift") == word)
    # A child loses the label that it is known by: there is an object of its name, which must be looked at.
    unlabelled = [unlabel(installation, namespace, kind) for kind in kinds.APPLIED]
    for path in unlabelled:
        wait_for(f"the label of {path}", lambda path=path: labelled(installation, path))
    installation.apply_monitor(namespace, "wine", SCALED | {"serving": {"replicas": 2}})
    installation.wait_until_applied(namespace)
    # A check that cannot start must not stand in the way of the next one when the mistake is mended.
    stuck = stick(installation, namespace)
    installation.apply_monitor(namespace, "wine", MINIMAL | {"checks": {"schedule": "0 0 2 1 *"}})
    wait_for(f"the end of {stuck}", lambda: deleted(installation, stuck))  # and its pod must not run meanwhile
    installation.apply_monitor(namespace, "wine", MINIMAL)
    installation.wait_until_applied(namespace)
    leftovers = [leave(installation, namespace, kind) for kind in kinds.APPLIED]
    operator.wait_for_resyncs(2)
    for path in leftovers:
        wait_for(f"the end of {path}", lambda path=path: gone(installation, namespace, path))


def status(installation: Installation, namespace: str) -> dict[str, Any]:
    """What the monitor `wine` says."""
    said: dict[str, Any] = installation.monitors(namespace)["wine"].get("status", {})
    return said


def publish(installation: Installation, namespace: str, verdict: str) -> None:
    """Do what the check does: write facts, as its own field manager."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    check = {"time": now, "windowStart": now, "windowEnd": now, "rows": 1000, "verdict": verdict, "message": verdict}
    body = {
        "apiVersion": kinds.MONITOR.api_version,
        "kind": kinds.MONITOR.name,
        "metadata": {"name": "wine", "namespace": namespace},
        "status": {"lastCheck": check},
    }
    path = f"{kinds.MONITOR.path(namespace, 'wine')}/status?fieldManager=driftmonitor-check&force=true"
    installation.plane.client.json("PATCH", path, body, "application/apply-patch+yaml")


def unlabel(installation: Installation, namespace: str, kind: kinds.Kind) -> str:
    """Take the operator's label from one child of the monitor `wine`. Returns the child's path."""
    selector = f"{kinds.CHILD_SELECTOR},{kinds.INSTANCE_LABEL}=wine"
    listed = installation.get(f"{kind.path(namespace)}?labelSelector={selector}")
    assert listed is not None and listed["items"], kind.name
    path = kind.path(namespace, listed["items"][0]["metadata"]["name"])
    change = {"metadata": {"labels": {kinds.MANAGED_BY_LABEL: None}}}
    installation.plane.client.json("PATCH", path, change, MERGE_PATCH)
    return path


def stick(installation: Installation, namespace: str) -> str:
    """Have a check of the monitor `wine` that fits on no node. Returns its Job's path."""
    client = installation.plane.client
    cron_job = installation.get(kinds.BY_NAME["CronJob"].path(namespace, "wine-check"))
    assert cron_job is not None
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "wine-check", "uid": cron_job["metadata"]["uid"]}
    template = cron_job["spec"]["jobTemplate"]
    metadata = {"name": "wine-check-1", "labels": template["metadata"]["labels"], "ownerReferences": [owner]}
    client.json("POST", kinds.JOB.path(namespace), {"metadata": metadata, "spec": template["spec"]})
    selector = f"{kinds.POD.path(namespace)}?labelSelector=batch.kubernetes.io/job-name=wine-check-1"
    (pod,) = wait_for("the check's pod", lambda: (installation.get(selector) or {}).get("items"))
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
    path = f"{kinds.POD.path(namespace, pod['metadata']['name'])}/status"
    client.json("PATCH", path, {"status": {"conditions": [unscheduled]}}, MERGE_PATCH)
    return kinds.JOB.path(namespace, "wine-check-1")


def labelled(installation: Installation, path: str) -> bool:
    """Whether the object bears the operator's label."""
    body = installation.get(path)
    return body is not None and body["metadata"]["labels"].get(kinds.MANAGED_BY_LABEL) == kinds.FIELD_MANAGER


def leave(installation: Installation, namespace: str, kind: kinds.Kind) -> str:
    """Make a child as an earlier version may have left it: of a name that no manifest has. Returns its path."""
    selector = f"{kinds.CHILD_SELECTOR},{kinds.INSTANCE_LABEL}=wine"
    listed = installation.get(f"{kind.path(namespace)}?labelSelector={selector}")
    assert listed is not None
    if not listed["items"]:  # an autoscaler, say, while none is asked for
        body = OTHERS[kind.name]
        owner = installation.monitors(namespace)["wine"]["metadata"]
        reference = {
            "apiVersion": kinds.MONITOR.api_version,
            "kind": "DriftMonitor",
            "name": "wine",
            "uid": owner["uid"],
        }
        labels = {kinds.MANAGED_BY_LABEL: kinds.FIELD_MANAGER, kinds.INSTANCE_LABEL: "wine"}
        metadata: dict[str, Any] = {"labels": labels, "ownerReferences": [reference]}
    else:
        body = listed["items"][0]
        metadata = {name: body["metadata"][name] for name in ("labels", "ownerReferences")}
    body = {name: part for name, part in body.items() if name != "status"}
    if kind.name == "Service":
        for name in ("clusterIP", "clusterIPs"):
            body["spec"].pop(name, None)
    metadata |= {"name": "of-an-earlier-version", "namespace": namespace}
    made = {**body, "apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata}
    installation.plane.client.json("POST", kind.path(namespace), made)
    return kind.path(namespace, "of-an-earlier-version")


OTHERS: dict[str, dict[str, Any]] = {
    "HorizontalPodAutoscaler": {
        "spec": {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "wine"}}
    },
    "PodDisruptionBudget": {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
}


def gone(installation: Installation, namespace: str, path: str) -> bool:
    """Whether the object is deleted, or waits only for its last user as a volume claim does.

    A ConfigMap goes once the pods run that do not mount it.
    """
    installation.run_pods(namespace)
    return deleted(installation, path)


def deleted(installation: Installation, path: str) -> bool:
    """Whether the object is gone or about to go."""
    body = installation.get(path)
    return body is None or "deletionTimestamp" in body["metadata"]


@pytest.mark.property(21)
def test_the_verbs_that_the_operator_uses_are_the_verbs_that_it_is_granted(
    installation: Installation, events: list[dict[str, Any]]
) -> None:
    assert refused(events) == []
    rules = rules_of(installation.operator_name, installation.namespace, installation.manifest())
    work = installation.release if installation.release == "namespaced" else ""
    assert set(rules) == {work, installation.namespace, "default"}
    roles = [kinds.BY_NAME["Role"].path(installation.release, f"{name}-check") for name in ("wine", "mounted")]
    handed_on = {right for role in roles for right in granted((installation.get(role) or {})["rules"])}
    assert handed_on == {Right(GROUP, "driftmonitors", "get"), Right(GROUP, "driftmonitors/status", "patch")}
    seen: dict[str, set[Right]] = {}
    for where in rules:
        elsewhere = {"default", installation.namespace}
        there = [e for e in events if place(e) == where or (where == work and place(e) not in elsewhere)]
        seen[where] = used(there)
    # The rights of the checks: nobody can grant what he does not hold.
    seen[work] |= handed_on
    for where, mine in rules.items():
        assert granted(mine) - seen[where] == set(), f"granted in {where or 'all namespaces'}, never used"
        assert seen[where] - granted(mine) == set(), f"used in {where or 'all namespaces'}, granted by something else"


def place(event: dict[str, Any]) -> str:
    """The namespace that a request was for, empty for all."""
    return str(event.get("objectRef", {}).get("namespace", ""))


@pytest.mark.property(21)
def test_in_one_namespace_the_operator_asks_for_nothing_outside_it(
    installation: Installation, events: list[dict[str, Any]]
) -> None:
    places = {place(event) for event in events if "resource" in event.get("objectRef", {})}
    if installation.release == "namespaced":
        assert places == {"namespaced", installation.namespace, "default"}
    kinds_of_role = {body["kind"] for body in installation.manifest() if body["kind"].endswith(("Role", "Binding"))}
    assert ("ClusterRoleBinding" in kinds_of_role) == (installation.release == "cluster-wide")


@pytest.mark.property(21)
def test_no_role_reads_secrets_has_a_wildcard_or_could_gain_rights(installation: Installation) -> None:
    roles = [body for body in installation.manifest() if body["kind"] in ("Role", "ClusterRole")]
    assert roles
    for role in roles:
        for right in granted(role["rules"]):
            assert "*" not in "".join(right), role["metadata"]["name"]
            assert right.verb not in ("escalate", "bind", "impersonate")
            assert right.resource != "secrets" or right.verb == "create"
            assert right.resource not in ("pods/exec", "nodes", "serviceaccounts/token", "certificatesigningrequests")


Check = Callable[..., int]


@pytest.fixture
def check(installation: Installation, events: list[dict[str, Any]], tmp_path: Path) -> Check:
    """The HTTP status of a request of the check of the monitor `wine`."""
    kubeconfig = installation.service_account_kubeconfig(tmp_path / "kubeconfig", installation.release, "wine-check")
    return lambda *request: installation.status_of(kubeconfig, *request)


@pytest.mark.property(22)
def test_the_check_cannot_patch_other_objects_nor_any_spec(installation: Installation, check: Check) -> None:
    namespace = installation.release
    own, other = kinds.MONITOR.path(namespace, "wine"), kinds.MONITOR.path(namespace, "mounted")
    status, spec = {"status": {"drift": "Unknown"}}, {"spec": {"suspend": True}}
    assert check("GET", own) == 200
    assert check("PATCH", f"{own}/status", status) == 200
    refused_requests: list[tuple[Any, ...]] = [
        ("PATCH", own, spec),
        ("PATCH", other, spec),
        ("PATCH", f"{other}/status", status),
        ("GET", other),
        ("GET", kinds.MONITOR.path(namespace)),
        ("DELETE", own),
        *(("GET", kind.path(namespace)) for kind in kinds.BY_NAME.values()),
        ("GET", kinds.SECRET.path(namespace, "wine-collector")),
        ("PATCH", kinds.BY_NAME["Deployment"].path(namespace, "wine"), {"spec": {"replicas": 0}}),
        ("PATCH", kinds.BY_NAME["CronJob"].path(namespace, "wine-check"), spec),
        ("PATCH", kinds.BY_NAME["Role"].path(namespace, "wine-check"), {"rules": []}),
    ]
    answers = [(request, check(*request)) for request in refused_requests]
    assert [(request, code) for request, code in answers if code != 403] == []


@pytest.mark.property(22)
def test_a_spec_that_the_check_sends_with_its_status_changes_nothing_but_the_status(
    installation: Installation, check: Check
) -> None:
    path = kinds.MONITOR.path(installation.release, "wine")
    before = installation.get(path)
    smuggled = {"spec": {"suspend": True}, "metadata": {"labels": {"a": "b"}, "finalizers": ["a.example/b"]}}
    assert check("PATCH", f"{path}/status", smuggled | {"status": {"drift": "Warning"}}) == 200
    after = installation.get(path)
    assert before is not None and after is not None
    assert after["status"]["drift"] == "Warning"
    assert after["spec"] == before["spec"]
    for field in ("labels", "finalizers", "generation"):
        assert after["metadata"].get(field) == before["metadata"].get(field)
