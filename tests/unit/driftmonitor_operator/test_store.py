from typing import Any

from driftmonitor_operator.store import Store

KEY = ("cellar", "wine")


def monitor(version: int, uid: str = "u1", **status: Any) -> dict[str, Any]:
    return {
        "kind": "DriftMonitor",
        "metadata": {"namespace": "cellar", "name": "wine", "uid": uid, "resourceVersion": str(version)},
        "status": status,
    }


def child(version: int, uid: str = "c1", instance: str = "wine", name: str = "wine") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "namespace": "cellar",
            "name": name,
            "uid": uid,
            "resourceVersion": str(version),
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app.kubernetes.io/instance": instance},
        },
    }


def test_news_is_taken_over_and_names_its_monitor() -> None:
    store = Store()
    assert store.put(monitor(1)) == KEY
    assert store.put(child(2)) == KEY
    assert store.keys() == [KEY]
    assert [c.name for c in store.children(KEY)] == ["wine"]


def test_older_and_equal_news_is_ignored() -> None:
    store = Store()
    store.put(monitor(5, drift="Stable"))
    assert store.put(monitor(5, drift="Drifted")) is None
    assert store.put(monitor(4, drift="Drifted")) is None
    assert store.drift_counts() == {"Stable": 1}
    store.put(child(9))
    assert store.put(child(8)) is None
    assert store.put(child(10)) == KEY


def test_a_late_deletion_does_not_touch_the_new_object_of_that_name() -> None:
    store = Store()
    store.put(monitor(5, uid="new"))
    assert store.remove(monitor(6, uid="old")) is None
    assert store.monitor(KEY) is not None
    store.put(child(5, uid="new"))
    assert store.remove(child(6, uid="old")) is None
    assert len(store.children(KEY)) == 1


def test_a_deletion_is_taken_over() -> None:
    store = Store()
    store.put(monitor(1))
    store.put(child(2))
    assert store.remove(child(3)) == KEY
    assert store.children(KEY) == []
    assert store.remove(child(3)) is None
    assert store.remove(monitor(4)) == KEY
    assert store.keys() == []


def test_a_list_replaces_what_is_held_but_for_what_is_newer() -> None:
    store = Store()
    for body in (child(1, "gone", name="gone"), child(2, "stays", name="stays"), child(30, "new", name="new")):
        store.put(body)
    changed = store.replace("Service", [([child(2, "stays", name="stays")], 20)])
    assert changed == {KEY}
    assert {c.name for c in store.children(KEY)} == {"stays", "new"}
    assert store.replace("Service", [([child(2, "stays", name="stays")], 20)]) == set()
    assert store.replace("Deployment", [([], 99)]) == set()


def test_a_list_of_monitors_replaces_them() -> None:
    store = Store()
    store.put(monitor(1))
    assert store.replace("DriftMonitor", [([], 20)]) == {KEY}
    assert store.keys() == []


def test_an_apply_that_changed_nothing_settles_what_is_held() -> None:
    store = Store()
    store.put(child(2))
    assert store.put(child(2), "digest") is None
    (held,) = store.children(KEY)
    assert held.applied == "digest"


def test_objects_without_a_monitor_are_let_be() -> None:
    store = Store()
    assert store.put(child(1, instance="")) is None


def test_monitors_are_counted_by_drift() -> None:
    store = Store()
    store.put(monitor(1, drift="Drifted"))
    fresh = monitor(2)
    fresh["metadata"]["name"] = "other"
    store.put(fresh)
    assert store.drift_counts() == {"Drifted": 1, "Unknown": 1}


def test_a_child_whose_label_was_changed_is_news_of_the_monitor_that_lost_it() -> None:
    store = Store()
    store.put(child(1))
    assert store.put(child(2, instance="other")) == KEY
    assert store.children(KEY) == []
    assert [c.resource_version for c in store.children(("cellar", "other"))] == [2]
    assert store.put(child(3, instance="")) == ("cellar", "other")
    assert store.children(("cellar", "other")) == []
    assert store.put(child(4)) == KEY


def test_what_was_applied_holds_against_a_list_that_brings_it_again() -> None:
    store = Store()
    store.put(child(2), "digest")
    assert store.put(child(2)) is None
    (held,) = store.children(KEY)
    assert held.applied == "digest"


def test_a_child_made_anew_takes_the_place_of_the_one_that_went() -> None:
    store = Store()
    store.put(child(2, uid="old"))
    assert store.put(child(4, uid="new")) == KEY
    assert store.remove(child(3, uid="old")) is None
    assert [c.uid for c in store.children(KEY)] == ["new"]


def test_an_answer_that_is_taken_over_after_the_deletion_brings_nothing_back() -> None:
    store = Store()
    store.put(monitor(1))
    store.put(child(2))
    store.remove(child(4))
    assert store.put(child(3), digest="applied") is None
    assert store.replace("Service", [([child(3)], 5)]) == set()
    assert store.children(KEY) == []
    store.remove(monitor(6))
    assert store.put(monitor(5)) is None
    assert store.keys() == []


def test_what_was_only_out_of_sight_comes_back() -> None:
    store = Store()
    store.put(monitor(1))
    store.put(child(2))
    store.remove(child(4))  # its label was taken away
    assert store.put(child(5)) == KEY
    assert len(store.children(KEY)) == 1


def _pod(version: int, component: str = "inference", **status: Any) -> dict[str, Any]:
    body = child(version, "p1", name="wine-1") | {"kind": "Pod", "status": status}
    body["metadata"]["labels"]["app.kubernetes.io/component"] = component
    return body


def test_a_servers_pod_that_is_gone_is_known_as_it_was_at_last_until_its_words_are_written_down() -> None:
    store = Store()
    store.put(monitor(1))
    store.put(_pod(2, phase="Running"))
    assert store.departed(KEY) == []
    assert store.remove(_pod(3, phase="Failed")) == KEY
    (gone,) = store.departed(KEY)
    assert gone.status == {"phase": "Failed"}
    assert store.departed(KEY) == [gone]
    store.settle_departed(KEY, [gone])
    assert store.departed(KEY) == []


def test_a_servers_pod_that_a_list_lacks_is_gone_too() -> None:
    store = Store()
    store.put(monitor(1))
    store.put(_pod(2, phase="Failed"))
    store.replace("Pod", [([], 20)])
    assert [pod.status for pod in store.departed(KEY)] == [{"phase": "Failed"}]


def test_nobody_waits_for_the_words_of_other_pods_or_of_a_deleted_monitors() -> None:
    store = Store()
    store.put(monitor(1))
    store.put(_pod(2, "check"))
    store.remove(_pod(3, "check"))
    assert store.departed(KEY) == []
    store.put(_pod(4))
    store.remove(_pod(5))
    store.remove(monitor(6))
    assert store.departed(KEY) == []
