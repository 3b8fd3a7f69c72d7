"""The operator's process against a real apiserver: its children come, come back, and go."""

import base64
from typing import Any

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
    "CronJob wine-check",
}
Body = dict[str, Any]


def test_all_children_are_made_and_owned(wine: Any) -> None:
    uid = wine.create()["metadata"]["uid"]
    wine.wait_until_applied()
    children = wine.api.children(wine.namespace)
    assert set(children) == CHILDREN
    secret = wine.child("Secret", "wine-collector")
    for body in [*children.values(), secret]:
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
    ("ConfigMap", "wine-config", {"data": {"inference.json": "{}"}}),
    ("ConfigMap", "wine-shipper", {"data": {"fluent.conf": None}}),
    ("Service", "wine", {"spec": {"selector": {"app.kubernetes.io/component": "collector"}}}),
    ("Deployment", "wine", {"spec": {"replicas": 7, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}),
    ("Deployment", "wine-collector", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}),
    ("CronJob", "wine-check", {"spec": {"suspend": True, "schedule": "1 1 1 1 *"}}),
]


def relevant(body: Body) -> Body:
    """The object without what every write changes."""
    volatile = ("managedFields", "resourceVersion", "generation", "annotations")
    metadata = {name: value for name, value in body["metadata"].items() if name not in volatile}
    return {name: value for name, value in body.items() if name != "status"} | {"metadata": metadata}


def test_an_edited_child_is_put_back(wine: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    before = {f"{kind} {name}": relevant(wine.child(kind, name)) for kind, name, _ in EDITS}
    for kind, name, change in EDITS:
        assert relevant(wine.api.patch(kind, wine.namespace, name, change)) != before[f"{kind} {name}"]
    for kind, name, _ in EDITS:
        wine.wait(
            f"{kind} {name}", lambda kind=kind, name=name: relevant(wine.child(kind, name)) == before[f"{kind} {name}"]
        )


def test_a_deleted_child_is_made_again(wine: Any) -> None:
    wine.create()
    wine.wait_until_applied()
    identities = [tuple(child.split()) for child in sorted(CHILDREN)] + [("Secret", "wine-collector")]
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


def test_a_new_model_version_changes_its_deployment_and_configuration_alone(wine: Any) -> None:
    wine.create()
    wine.wait_until_ready()
    before = wine.api.children(wine.namespace)
    wine.change(model={"version": "4"})
    wine.wait_until_ready()
    wine.wait_until_applied()
    after = wine.api.children(wine.namespace)
    changed = {child for child in after if relevant(after[child]) != relevant(before[child])}
    assert changed == {"Deployment wine", "ConfigMap wine-config"}
    template = after["Deployment wine"]["spec"]["template"]
    assert (
        template["metadata"]["annotations"] != before["Deployment wine"]["spec"]["template"]["metadata"]["annotations"]
    )


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
    theirs = {"kind": "ConfigMap", "metadata": {"name": "wine-config", "namespace": wine.namespace}, "data": {"a": "b"}}
    version = wine.api.create(theirs)["metadata"]["resourceVersion"]
    wine.create()
    condition = wine.wait_for_condition("ModelReady", "False", "ChildNotOwned")
    assert "ConfigMap wine-config" in condition["message"]
    assert wine.child("ConfigMap", "wine-config")["metadata"]["resourceVersion"] == version
    wine.api.delete("ConfigMap", wine.namespace, "wine-config")
    wine.wait_until_ready()
    assert "inference.json" in wine.child("ConfigMap", "wine-config")["data"]


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
