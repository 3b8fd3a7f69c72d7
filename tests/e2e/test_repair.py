"""A running monitor under rough hands: children that are edited or deleted come back, and no row is lost."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from hack.demo import flights, monitor, report, store, traffic
from hack.demo.flights import Flights
from hack.demo.install import wait_rollout
from hack.demo.kubectl import Kubectl, Object
from hack.demo.monitor import Snapshot

NAME = "flights"
REPAIR_SECONDS = 60.0
READY_SECONDS = 300.0
STORED_SECONDS = 120.0
LOAD_ROWS = 4_000
PAUSE_SECONDS = 0.05
DELETED = (
    "service/flights",
    "service/flights-collector",
    "networkpolicy/flights",
    "serviceaccount/flights-check",
    "role/flights-check",
    "rolebinding/flights-check",
    "cronjob/flights-check",
    "deployment/flights",
)
EDITED: dict[str, tuple[object, Callable[[Object], Any]]] = {
    "service/flights": ({"spec": {"selector": {"edited": "yes"}}}, lambda child: child["spec"]["selector"]),
    "networkpolicy/flights-collector": ({"spec": {"ingress": [{}]}}, lambda child: child["spec"]["ingress"]),
    "cronjob/flights-check": ({"spec": {"schedule": "0 0 1 1 *"}}, lambda child: child["spec"]["schedule"]),
    "role/flights-check": ({"rules": []}, lambda child: child["rules"]),
    "deployment/flights": ({"spec": {"replicas": 0}}, lambda child: child["spec"]["replicas"]),
}


def _eventually(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


@pytest.fixture
def settled(kubectl: Kubectl, ready: Snapshot) -> None:
    """The monitor is whole before the test."""
    wait_rollout(kubectl, NAME)
    wait_rollout(kubectl, f"{NAME}-collector")
    monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, READY_SECONDS)


@pytest.mark.parametrize("child", EDITED)
def test_an_edited_child_is_put_back(kubectl: Kubectl, settled: None, child: str) -> None:
    patch, part = EDITED[child]
    kind, name = child.split("/")
    before = part(kubectl.get(kind, name))
    kubectl.run("patch", kind, name, "--type=merge", "-p", json.dumps(patch))
    assert _eventually(lambda: part(kubectl.get(kind, name)) == before, REPAIR_SECONDS)


def _mounted_files(kubectl: Kubectl) -> list[str]:
    """The ConfigMaps of the operator's that the server's pods mount; their names tell their content."""
    volumes = kubectl.get("deployment", NAME)["spec"]["template"]["spec"]["volumes"]
    names = [volume["configMap"]["name"] for volume in volumes if "configMap" in volume]
    return [f"configmap/{name}" for name in names if name.startswith((f"{NAME}-config-", f"{NAME}-shipper-"))]


def test_deleted_children_come_back_and_the_monitor_is_ready_again(kubectl: Kubectl, settled: None) -> None:
    deleted = [*DELETED, *_mounted_files(kubectl)]
    assert len(deleted) == len(DELETED) + 2

    def identities() -> dict[str, str]:
        found = {}
        for child in deleted:
            kind, name = child.split("/")
            manifest = kubectl.find(kind, name)
            if manifest and "deletionTimestamp" not in manifest["metadata"]:
                found[child] = manifest["metadata"]["uid"]
        return found

    before = identities()
    assert set(before) == set(deleted)
    kubectl.run("delete", *deleted, "--wait=false")
    assert _eventually(
        lambda: set(identities()) == set(deleted) and not set(identities().values()) & set(before.values()),
        REPAIR_SECONDS,
    ), identities()
    monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, READY_SECONDS)


@pytest.mark.parametrize("component", ["inference", "collector"])
def test_no_row_is_lost_when_a_pod_is_deleted_under_load(
    kubectl: Kubectl,
    drifted: Snapshot,
    settled: None,
    data: Flights,
    forward: traffic.PortForward,
    sent: traffic.Sent,
    component: str,
) -> None:
    writers_before = _writers(kubectl)
    deleted = False

    def delete_once(progress: traffic.Sent) -> None:
        nonlocal deleted
        if not deleted and progress.rows > LOAD_ROWS // 3:
            deleted = True
            labels = f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component={component}"
            kubectl.run("delete", "pods", "-l", labels, "--wait=false")

    forward.close()  # the pod that it leads to may be gone since the test before
    load = traffic.send(forward, flights.read_rows(data.held_out, LOAD_ROWS, start=5_000), delete_once, PAUSE_SECONDS)
    sent.add(load)
    assert deleted
    assert load.rows == LOAD_ROWS
    wait_rollout(kubectl, NAME)
    wait_rollout(kubectl, f"{NAME}-collector")
    ledger = store.settle(kubectl, NAME, sent, STORED_SECONDS)
    assert ledger.balanced, ledger
    if component == "inference":
        assert len(_writers(kubectl) - writers_before) >= 1, "no new pod has written: nothing was tested"


def _writers(kubectl: Kubectl) -> set[str]:
    coverage = json.loads(report.fetch(kubectl, NAME, "/v1/coverage"))
    return {writer["writer"] for writer in coverage["writers"]}
