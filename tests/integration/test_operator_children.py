"""The operator's process against a real apiserver: its children come, come back, and go."""

import base64
import re
import time
from typing import Any

from driftmonitor_operator.repairs import BURST, PAUSE

CHILDREN = {
    "ServiceAccount wine",
    "ServiceAccount wine-collector",
    "ServiceAccount wine-check",
    "Role wine-check",
    "RoleBinding wine-check",
    "ConfigMap wine-config",
    "ConfigMap wine-shipper",
    "PersistentVolumeClaim wine-collector",
    "Service wine",
    "Service wine-collector",
    "Deployment wine",
    "Deployment wine-collector",
    "NetworkPolicy wine",
    "NetworkPolicy wine-collector",
    "NetworkPolicy wine-check",
    "CronJob wine-check",
}
Body = dict[str, Any]
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"


def plain(child: str) -> str:
    """A child's name without a digest of its content."""
    return re.sub("-[0-9a-f]{16}$", "", child)


def children(wine: Any) -> dict[str, Body]:
    """All children; of a ConfigMap of several versions one that is mounted."""
    found = wine.api.children(wine.namespace)
    return {plain(child): body for child, body in found.items()}


def config_map(wine: Any, name: str) -> Body:
    """The one of that name, whatever its digest."""
    return children(wine)[f"ConfigMap {name}"]


def test_all_children_are_made_and_owned(wine: Any) -> None:
    uid = wine.create()["metadata"]["uid"]
    wine.wait_until_applied()
    assert set(children(wine)) == CHILDREN
    secret = wine.child("Secret", "wine-collector")
    for body in [*children(wine).values(), secret]:
        (owner,) = body["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (uid, True, True)
    assert len(base64.b64decode(secret["data"]["token"])) >= 32


def test_the_monitor_carries_no_annotation_and_no_finalizer(wine: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    assert {"annotations", "finalizers"}.isdisjoint(wine.body()["metadata"])


EDITS: list[tuple[str, str, Body]] = [
    ("ServiceAccount", "wine", {"automountServiceAccountToken": True}),
    ("Role", "wine-check", {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}),
    ("RoleBinding", "wine-check", {"subjects": []}),
    ("Service", "wine", {"spec": {"selector": {"app.kubernetes.io/component": "collector"}}}),
    ("Deployment", "wine", {"spec": {"replicas": 7, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}),
    ("Deployment", "wine-collector", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}),
    ("CronJob", "wine-check", {"spec": {"suspend": True, "schedule": "1 1 1 1 *"}}),
    ("NetworkPolicy", "wine-collector", {"spec": {"ingress": [{}]}}),
    ("PodDisruptionBudget", "wine", {"spec": {"maxUnavailable": "100%"}}),
    ("PersistentVolumeClaim", "wine-collector", {"metadata": {"labels": {"app.kubernetes.io/component": None}}}),
    ("Service", "wine-collector", {"metadata": {"labels": {"app.kubernetes.io/instance": "other"}}}),
]
ADDITIONS: list[tuple[str, str, Body]] = [
    ("Deployment", "wine", {"spec": {"template": {"spec": {"containers": [{"name": "intruder", "image": "i"}]}}}}),
    ("Deployment", "wine", {"spec": {"paused": True}}),
    ("Deployment", "wine-collector", {"spec": {"strategy": {"type": "RollingUpdate"}}}),
    ("Deployment", "wine-collector", {"spec": {"template": {"spec": {"affinity": {"podAffinity": {}}}}}}),
    (
        "Deployment",
        "wine-collector",
        {"spec": {"template": {"spec": {"volumes": [{"name": "tmp", "emptyDir": None, "hostPath": {"path": "/"}}]}}}},
    ),
    ("Service", "wine", {"spec": {"type": "NodePort"}}),
    ("Service", "wine", {"spec": {"publishNotReadyAddresses": True}}),
    ("NetworkPolicy", "wine-check", {"spec": {"ingress": [{}]}}),
    ("CronJob", "wine-check", {"spec": {"jobTemplate": {"spec": {"completions": 3}}}}),
]
"""What people may add to a child beside what the operator has set, in a strategic merge patch."""


def relevant(body: Body) -> Body:
    """The object without what every write changes."""
    volatile = ("managedFields", "resourceVersion", "generation", "annotations")
    metadata = {name: value for name, value in body["metadata"].items() if name not in volatile}
    return {name: value for name, value in body.items() if name != "status"} | {"metadata": metadata}


def test_an_edited_child_is_put_back(wine: Any) -> None:
    wine.create(serving={"replicas": 2})
    wine.wait_until_applied()
    before = {f"{kind} {name}": relevant(wine.child(kind, name)) for kind, name, _ in EDITS}
    for kind, name, change in EDITS:
        assert relevant(wine.api.patch(kind, wine.namespace, name, change)) != before[f"{kind} {name}"]
    for kind, name, _ in EDITS:
        wine.wait(
            f"{kind} {name}", lambda kind=kind, name=name: relevant(wine.child(kind, name)) == before[f"{kind} {name}"]
        )


def test_what_someone_adds_to_a_child_is_taken_away(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    before = {(kind, name): relevant(wine.child(kind, name)) for kind, name, _ in ADDITIONS}
    for kind, name, change in ADDITIONS:
        added = wine.api.patch(kind, wine.namespace, name, change, content_type=STRATEGIC_MERGE_PATCH)
        assert relevant(added) != before[kind, name], change
        wine.wait(
            f"{change} to be gone",
            lambda kind=kind, name=name: relevant(wine.child(kind, name)) == before[kind, name],
        )
    operator.wait_until_idle(resyncs=1)
    applied, versions = operator.applied(wine.namespace), wine.api.versions(wine.namespace)
    operator.wait_until_idle(resyncs=2)
    assert (operator.applied(wine.namespace), wine.api.versions(wine.namespace)) == (applied, versions)


def test_what_controllers_and_kubectl_set_is_left_alone(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    operator.wait_until_idle(resyncs=1)
    applied = operator.applied(wine.namespace)
    wine.api.kubectl("-n", wine.namespace, "rollout", "restart", "deployment/wine")
    wine.api.kubectl("-n", wine.namespace, "annotate", "service/wine", "team=red")
    wine.api.kubectl("-n", wine.namespace, "label", "networkpolicy/wine", "team=red")
    wine.wait_until_ready()
    operator.wait_until_idle(resyncs=2)
    annotations = wine.child("Deployment", "wine")["spec"]["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in annotations
    assert wine.child("Service", "wine")["metadata"]["annotations"] == {"team": "red"}
    assert operator.applied(wine.namespace) == applied

    # Nor does it go when something else is taken away.
    wine.api.patch("Deployment", wine.namespace, "wine", {"spec": {"paused": True}})
    wine.wait("the pause to end", lambda: "paused" not in wine.child("Deployment", "wine")["spec"])
    assert wine.child("Deployment", "wine")["spec"]["template"]["metadata"]["annotations"] == annotations


def test_against_someone_who_changes_a_child_for_ever_it_repairs_at_a_bounded_rate(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    operator.wait_until_idle(resyncs=1)
    applied, begin = operator.applied(wine.namespace), time.monotonic()
    changes = 0
    while time.monotonic() - begin < 10 or changes < 50:
        changes += 1
        ports = [{"name": "http", "port": 1000 + changes, "targetPort": "http"}]
        wine.api.patch("Service", wine.namespace, "wine", {"spec": {"ports": ports}})
        time.sleep(0.1)
    repairs, seconds = operator.applied(wine.namespace) - applied, time.monotonic() - begin
    assert 0 < repairs <= BURST + seconds / PAUSE.total_seconds() + 1, changes
    wine.wait("the repair", lambda: wine.child("Service", "wine")["spec"]["ports"][0]["port"] == 80)


def test_a_deleted_child_is_made_again(wine: Any) -> None:
    wine.create(serving={"autoscaling": {"minReplicas": 2, "maxReplicas": 3}})
    wine.wait_until_applied()
    assert {plain(child) for child in wine.api.children(wine.namespace)} == CHILDREN | {
        "PodDisruptionBudget wine",
        "HorizontalPodAutoscaler wine",
    }
    identities = [tuple(child.split()) for child in wine.api.children(wine.namespace)] + [("Secret", "wine-collector")]
    before = {identity: wine.child(*identity)["metadata"]["uid"] for identity in identities}
    for kind, name in identities:
        wine.api.delete(kind, wine.namespace, name)

    def made_again(identity: tuple[str, str]) -> bool:
        body = wine.child(*identity)
        return body is not None and body["metadata"]["uid"] != before[identity]

    for identity in identities:
        wine.wait(f"{identity} to be made again", lambda identity=identity: made_again(identity))


def test_at_rest_nothing_is_written(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    operator.wait_until_idle(resyncs=1)
    before, applied = wine.api.versions(wine.namespace), operator.applied(wine.namespace)
    operator.wait_until_idle(resyncs=2)
    assert wine.api.versions(wine.namespace) == before
    assert operator.applied(wine.namespace) == applied, "an apply that changes nothing is a request all the same"


def test_a_restart_writes_nothing_and_repairs_what_happened_meanwhile(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    operator.wait_until_idle(resyncs=1)
    before = wine.api.versions(wine.namespace)
    assert operator.stop() == 0
    operator.start()
    assert wine.api.versions(wine.namespace) == before
    assert operator.applied(wine.namespace) == 0

    assert operator.stop() == 0
    wine.api.patch("Service", wine.namespace, "wine", {"spec": {"selector": {"stray": "label"}}})
    wine.api.delete("CronJob", wine.namespace, "wine-check")
    wine.change(serving={"replicas": 2})
    operator.start()
    wine.wait_until_applied()
    assert wine.child("CronJob", "wine-check") is not None
    assert wine.child("Deployment", "wine")["spec"]["replicas"] == 2


CHANGES: list[tuple[str, Body, set[str]]] = [
    ("model version", {"model": {"version": "4"}}, {"Deployment wine", "ConfigMap wine-config"}),
    (
        "model address",
        {"model": {"storageUri": "https://other.example:8443/wine.onnx"}},
        {"Deployment wine", "NetworkPolicy wine"},
    ),
    ("replicas", {"serving": {"replicas": 2}}, {"Deployment wine", "PodDisruptionBudget wine"}),
    ("sampling", {"logging": {"samplingPercent": 10}}, {"Deployment wine", "ConfigMap wine-config"}),
    ("shipper", {"logging": {"shipper": {"type": "SyslogNG"}}}, {"Deployment wine", "ConfigMap wine-shipper"}),
    ("retention", {"collector": {"retention": "1d"}}, {"Deployment wine-collector"}),
    ("schedule", {"checks": {"schedule": "1 1 1 1 *", "timeZone": "Europe/Berlin"}}, {"CronJob wine-check"}),
    ("window", {"checks": {"window": {"lookback": "2h"}}}, set()),
    ("drift", {"checks": {"drift": {"driftShare": 0.2}}}, set()),
    ("policy", {"checks": {"policy": {"consecutiveWindows": 2}}}, set()),
    (
        "reference",
        {"reference": {"storageUri": "configmap://a/b.csv"}},
        {"CronJob wine-check", "NetworkPolicy wine-check"},
    ),
    ("suspend", {"suspend": True}, {"CronJob wine-check"}),
    (
        "nodes",
        {"scheduling": {"nodeSelector": {"a": "b"}}},
        {"Deployment wine", "Deployment wine-collector", "CronJob wine-check"},
    ),
]


def test_a_change_rolls_only_what_it_touches(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    before = wine.api.children(wine.namespace)
    for what, change, touched in CHANGES:
        wine.change(**change)
        wine.wait_until_applied()
        after = wine.api.children(wine.namespace)
        assert different(before, after) == touched, what
        before = after


def different(before: dict[str, Body], after: dict[str, Body]) -> set[str]:
    """Children that were made, went, or are not what they were, by their names without digests."""
    both = before.keys() & after.keys()
    changed = {child for child in both if relevant(before[child]) != relevant(after[child])}
    return {plain(child) for child in changed | (before.keys() ^ after.keys())}


def test_a_removed_field_falls_back_to_its_default(wine: Any) -> None:
    wine.create(serving={"replicas": 3, "resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "1"}}})
    wine.wait_until_applied()
    wine.change(serving=None)
    wine.wait_until_applied()
    spec = wine.child("Deployment", "wine")["spec"]
    (server,) = spec["template"]["spec"]["containers"]
    assert spec["replicas"] == 1
    assert server["resources"] == {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}


def test_a_deleted_monitor_leaves_nothing_and_can_come_again(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    token = wine.child("Secret", "wine-collector")["data"]["token"]
    wine.delete()
    # At once: the old children may still be there.
    uid = wine.create()["metadata"]["uid"]
    wine.wait_until_ready()

    def all_new() -> bool:
        bodies = [*wine.api.children(wine.namespace).values(), *wine.api.list("Secret", wine.namespace)]
        owners = {body["metadata"]["ownerReferences"][0]["uid"] for body in bodies}
        return len(bodies) == len(CHILDREN) + 1 and owners == {uid}

    wine.wait("new children only", all_new)
    assert wine.child("Secret", "wine-collector")["data"]["token"] != token
    wine.delete()

    def gone() -> bool:
        mine = ("Pod", "Job", "Secret")
        left = [body for kind in mine for body in wine.api.list(kind, wine.namespace)]
        return not left and not wine.api.children(wine.namespace)

    wine.wait("everything to be gone", gone)


def test_an_object_of_someone_else_is_never_overwritten(wine: Any) -> None:
    spec = {"selector": {"a": "b"}, "ports": [{"port": 1}]}
    theirs = {"kind": "Service", "metadata": {"name": "wine", "namespace": wine.namespace}, "spec": spec}
    version = wine.api.create(theirs)["metadata"]["resourceVersion"]
    wine.create()
    condition = wine.wait_for_condition("ModelReady", "False", "ChildNotOwned")
    assert "Service wine" in condition["message"]
    assert wine.child("Service", "wine")["metadata"]["resourceVersion"] == version
    wine.api.delete("Service", wine.namespace, "wine")
    wine.wait_until_ready()
    assert wine.child("Service", "wine")["spec"]["ports"][0]["port"] == 80


def config_maps(wine: Any) -> set[str]:
    return {child for child in wine.api.children(wine.namespace) if child.startswith("ConfigMap ")}


def test_the_files_of_old_pods_are_kept_until_none_of_these_can_come_again(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    first = config_maps(wine)
    wine.change(model={"version": "4"})
    wine.wait_until_applied()
    # The new pod does not start, and the old one is lost: its ReplicaSet makes it again.
    operator.wait_until_idle(resyncs=1)
    both = config_maps(wine)
    assert first < both
    running = [pod for pod in wine.api.list("Pod", wine.namespace) if pod["status"]["phase"] == "Running"]
    (old,) = (p for p in running if p["metadata"]["labels"]["app.kubernetes.io/component"] == "inference")
    wine.api.delete("Pod", wine.namespace, old["metadata"]["name"])
    operator.wait_until_idle(resyncs=1)
    assert config_maps(wine) == both

    # The change is taken back: the files of the version that never ran go, those of the first stay.
    wine.change(model={"version": "3"})
    wine.wait_until_ready()
    wine.wait("the second version's files to go", lambda: config_maps(wine) == first)

    wine.change(model={"version": "5"})
    wine.wait_until_applied()
    wine.wait_until_ready()
    wine.wait("the first version's files to go", lambda: len(config_maps(wine)) == 2 and config_maps(wine) != first)


def test_no_pod_goes_when_an_autoscaler_takes_over_and_when_it_is_given_up(wine: Any, operator: Any) -> None:
    seen: list[int] = []

    def replicas() -> int:
        seen.append(wine.child("Deployment", "wine")["spec"]["replicas"])
        return seen[-1]

    wine.create(serving={"replicas": 4})
    wine.wait_until_applied()
    assert replicas() == 4
    # No metrics here, so that the autoscaler leaves a number between its bounds as it is.
    wine.change(serving={"replicas": None, "autoscaling": {"minReplicas": 2, "maxReplicas": 6}})
    wine.wait_until_applied()
    assert wine.child("HorizontalPodAutoscaler", "wine")["spec"]["maxReplicas"] == 6
    assert replicas() == 4
    managers = {
        entry["manager"]
        for entry in wine.child("Deployment", "wine")["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    }
    assert managers == {"driftmonitor-operator-handover"}
    wine.change(model={"version": "4"})  # an apply without replicas must not reset them either
    wine.wait_until_applied()
    assert replicas() == 4

    scale = {"spec": {"replicas": 5}}  # as the autoscaler does
    wine.api.patch("Deployment", wine.namespace, "wine", scale, subresource="/scale")
    operator.wait_until_idle(resyncs=2)
    assert replicas() == 5
    wine.change(serving={"autoscaling": None, "replicas": 3})
    wine.wait_until_applied()
    assert replicas() == 3
    wine.wait("the autoscaler to go", lambda: wine.child("HorizontalPodAutoscaler", "wine") is None)
    operator.wait_until_idle(resyncs=1)
    assert replicas() == 3
    assert set(seen) == {4, 5, 3}


def test_a_monitor_without_pods_comes_up_when_an_autoscaler_takes_over(wine: Any) -> None:
    wine.create(serving={"replicas": 0})
    wine.wait_until_applied()
    wine.change(serving={"replicas": None, "autoscaling": {"minReplicas": 3, "maxReplicas": 6}})
    wine.wait_until_applied()
    assert wine.child("Deployment", "wine")["spec"]["replicas"] == 3
    # Kubernetes' autoscaler lets what was scaled to nothing be.
    wine.api.patch("Deployment", wine.namespace, "wine", {"spec": {"replicas": 0}}, subresource="/scale")
    wine.wait("the pods to come back", lambda: wine.child("Deployment", "wine")["spec"]["replicas"] == 3)
    wine.change(serving={"replicas": 0, "autoscaling": None})
    wine.wait_until_applied()
    assert wine.child("Deployment", "wine")["spec"]["replicas"] == 0


def test_a_disruption_budget_comes_and_goes_with_the_second_pod(wine: Any) -> None:
    def budget() -> Body | None:
        found: Body | None = wine.child("PodDisruptionBudget", "wine")
        return found

    wine.create()
    wine.wait_until_applied()
    assert budget() is None
    wine.change(serving={"replicas": 2})
    wine.wait("the budget", budget)
    wine.change(serving={"replicas": 1})
    wine.wait("the budget to go", lambda: budget() is None)


VALIDATION = {
    f"{kind} wine-validation"
    for kind in ("ServiceAccount", "ConfigMap", "Service", "NetworkPolicy", "Deployment", "PodDisruptionBudget")
}


def test_a_validation_service_comes_changes_and_goes_with_its_field(wine: Any, operator: Any) -> None:
    def validation_files() -> set[str]:
        return {child for child in config_maps(wine) if "-validation-" in child}

    wine.create()
    wine.wait_until_ready()
    assert wine.condition("ValidationReady")["reason"] == "NotRequested"
    wine.change(checks={"validation": {"replicas": 2}})
    wine.wait_until_applied()
    assert set(children(wine)) == CHILDREN | VALIDATION
    wine.wait_until_ready()
    wine.wait_for_condition("ValidationReady", "True", "Serving")
    assert wine.status()["endpoints"]["validation"] == f"http://wine-validation.{wine.namespace}.svc/validation"

    # Edited, it is put back; what it compares changed, it starts anew; and the old file goes after the last old pod.
    before, first = wine.api.children(wine.namespace), validation_files()
    live = relevant(wine.child("Deployment", "wine-validation"))
    wine.api.patch("Deployment", wine.namespace, "wine-validation", {"spec": {"replicas": 5}})
    wine.wait("the edit to be undone", lambda: relevant(wine.child("Deployment", "wine-validation")) == live)
    wine.change(checks={"window": {"minRows": 7}})
    wine.wait_until_applied()
    changed = different(before, wine.api.children(wine.namespace))
    assert changed == {"ConfigMap wine-validation", "Deployment wine-validation"}
    assert first < validation_files()
    wine.wait_until_ready()
    wine.wait("the first file to go", lambda: len(validation_files()) == 1 and validation_files() != first)

    wine.change(checks={"validation": None})
    wine.wait_until_applied()
    wine.wait("all of it to go", lambda: set(children(wine)) == CHILDREN)
    wine.wait_for_condition("ValidationReady", "Unknown", "NotRequested")
    assert "validation" not in wine.status()["endpoints"]


ENDPOINT_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


def test_policies_follow_the_apiserver_to_where_kubernetes_says_it_is(wine: Any, operator: Any) -> None:
    def allowed() -> set[tuple[str, int]]:
        """Where the check may connect to by address alone."""
        rules = wine.child("NetworkPolicy", "wine-check")["spec"]["egress"]
        blocks = [(p["ipBlock"], port["port"]) for r in rules for p in r["to"] for port in r["ports"] if "ipBlock" in p]
        return {(block["cidr"], port) for block, port in blocks if "except" not in block}

    def excepted() -> set[str]:
        """Where a server that fetches its model may not connect to."""
        block = wine.child("NetworkPolicy", "wine")["spec"]["egress"][-1]["to"][0]["ipBlock"]
        return set(block["except"])

    wine.create()
    wine.wait_until_applied()
    # This apiserver listens on the loopback address, so Kubernetes has no EndpointSlice for it.
    port = int(wine.api.plane.base_url.rpartition(":")[2])
    assert allowed() == {("127.0.0.1/32", port)}
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.7"]}, {"addresses": ["192.0.2.8"]}],
        "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
    }
    client = wine.api.plane.client
    client.json("POST", ENDPOINT_SLICES, body)
    try:
        wine.wait("the policies", lambda: allowed() == {("192.0.2.7/32", 6443), ("192.0.2.8/32", 6443)})
        wine.wait("the exceptions", lambda: {"192.0.2.7/32", "192.0.2.8/32"} < excepted())
    finally:
        client.json("DELETE", f"{ENDPOINT_SLICES}/kubernetes")
    operator.wait_until_idle(resyncs=2)
    assert allowed() == {("192.0.2.7/32", 6443), ("192.0.2.8/32", 6443)}, "what was known last holds"


def test_policies_are_taken_away_where_the_operator_is_to_make_none(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    assert operator.stop() == 0
    operator.start(NETWORK_POLICIES="false")
    wine.wait("the policies to go", lambda: not [c for c in children(wine) if c.startswith("NetworkPolicy")])
    assert operator.stop() == 0
    operator.start()
    wine.wait("the policies to come back", lambda: set(children(wine)) == CHILDREN)


def test_the_process_tells_how_it_is(wine: Any, operator: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    assert operator.fetch("health", "/healthz") == "ok\n"
    assert operator.fetch("health", "/readyz") == "ok\n"
    metrics = operator.metrics()
    assert metrics["driftmonitor_operator_reconcile_duration_seconds_count"] > 0
    assert metrics['driftmonitor_operator_monitors{drift="Unknown"}'] >= 1


def test_with_one_namespace_to_watch_it_leaves_the_others_alone(wine: Any, other_wine: Any, operator: Any) -> None:
    assert operator.stop() == 0
    operator.start(WATCH_NAMESPACE=wine.namespace)
    other_wine.create()
    wine.create()
    wine.wait_until_applied()
    operator.wait_until_idle(resyncs=1)
    assert wine.child("Service", "wine") is not None
    assert other_wine.api.children(other_wine.namespace) == {}
    assert other_wine.status() == {}
    assert operator.stop() == 0
    operator.start()
    other_wine.wait_until_applied()
