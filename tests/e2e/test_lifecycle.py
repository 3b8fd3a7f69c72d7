"""A monitor from its first mistake to its end: a wrong address is named, mended, and deletion leaves nothing."""

from collections.abc import Iterator

import pytest

from hack.demo import flights, manifests, monitor, store, traffic
from hack.demo.flights import Flights
from hack.demo.kubectl import MONITOR_LABEL, Kubectl, Object
from hack.demo.monitor import Observed

NAME = "second"
WRONG_ADDRESS = "http://no-such-host.invalid/model.onnx"
KINDS = (
    "deployments,replicasets,pods,services,configmaps,secrets,serviceaccounts,"
    "roles,rolebindings,cronjobs,jobs,persistentvolumeclaims"
)
SECONDS = 300.0
ROWS = 100


@pytest.fixture(scope="module")
def document(shipper: str, kubectl: Kubectl, data: Flights) -> Object:
    document = manifests.monitor(NAME, shipper)
    kubectl.apply(*manifests.config_maps(document, data))
    return document


@pytest.fixture(scope="module")
def broken(kubectl: Kubectl, document: Object) -> Observed:
    model = {**document["spec"]["model"], "storageUri": WRONG_ADDRESS}
    kubectl.apply({**document, "spec": {**document["spec"], "model": model}})
    return monitor.wait(
        kubectl, NAME, "a wrong address", lambda seen: WRONG_ADDRESS in seen.condition("ModelReady")[2], SECONDS
    )


@pytest.fixture(scope="module")
def mended(kubectl: Kubectl, document: Object, broken: Observed) -> Observed:
    kubectl.apply(document)
    return monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, SECONDS)


@pytest.fixture(scope="module")
def deleted(kubectl: Kubectl, data: Flights, mended: Observed) -> Iterator[None]:
    with traffic.PortForward(kubectl, NAME, 80) as forward:
        sent = traffic.send(forward, flights.read_rows(data.held_out, ROWS))
    assert store.settle(kubectl, NAME, sent, SECONDS).balanced
    kubectl.run("create", "job", f"{NAME}-check-by-hand", f"--from=cronjob/{NAME}-check")
    kubectl.run("delete", "driftmonitor", NAME, "--timeout=120s", timeout=150)
    monitor.wait_gone(kubectl, KINDS, f"{MONITOR_LABEL}={NAME}", SECONDS)
    yield


def test_a_model_that_cannot_be_fetched_is_named_in_the_condition(broken: Observed) -> None:
    status, reason, message = broken.condition("ModelReady")
    assert status == "False"
    assert reason
    assert WRONG_ADDRESS in message
    assert broken.condition("Ready")[0] == "False"


def test_mending_the_address_makes_it_ready_without_further_help(mended: Observed) -> None:
    assert mended.condition("ModelReady")[0] == "True"


def test_deleting_the_monitor_leaves_nothing_of_it(kubectl: Kubectl, deleted: None) -> None:
    left = [
        f"{child['kind']}/{child['metadata']['name']}"
        for child in kubectl.items(KINDS)
        if child["metadata"]["name"].startswith(NAME)
    ]
    assert left == []
    volumes = kubectl.get("persistentvolumes")["items"]
    bound = [volume["spec"].get("claimRef", {}) for volume in volumes if volume["status"]["phase"] == "Bound"]
    assert f"{NAME}-collector" not in [
        claim.get("name") for claim in bound if claim.get("namespace") == kubectl.namespace
    ]


def test_deleting_the_monitor_leaves_what_the_user_made(kubectl: Kubectl, document: Object, deleted: None) -> None:
    names = {child["metadata"]["name"] for child in kubectl.items("configmaps")}
    assert {"flights-model", "flights-reference"} <= names


def test_a_deleted_monitor_can_be_applied_again_and_starts_empty(
    kubectl: Kubectl, document: Object, deleted: None
) -> None:
    kubectl.apply(document)
    seen = monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, SECONDS)
    assert "lastCheck" not in seen.status or seen.rows == 0
    assert store.read(kubectl, NAME).rows == 0
    kubectl.run("delete", "driftmonitor", NAME, "--wait=false")
