"""Children under rough hands, an apiserver that is away or overloaded, and neighbours that fail."""

import time
from collections.abc import Callable

import pytest

from driftmonitor_operator import kinds
from tests.integration.conftest import Api, Monitor, OperatorProcess
from tests.integration.properties.conftest import sibling
from tests.support.clocks import clock
from tests.support.families import difference, families
from tests.support.faultproxy import FaultProxy, anything
from tests.support.faults import Answer, Request
from tests.support.waiting import wait_for

NEVER = "86400"
REPAIR_SECONDS = 10.0
EVERYTHING = {
    "serving": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}},
    "logging": {"shipper": {"type": "SyslogNG"}},
}
"""A spec with which there is a child of every kind."""
FIELD_EDITS: dict[str, object] = {
    "ServiceAccount": {"automountServiceAccountToken": True},
    "Role": {"rules": []},
    "RoleBinding": {"subjects": []},
    "ConfigMap": {"metadata": {"labels": {kinds.COMPONENT_LABEL: "other"}}},  # its data cannot be changed
    "PersistentVolumeClaim": {"metadata": {"labels": {kinds.COMPONENT_LABEL: "other"}}},  # nor can its spec
    "Service": {"spec": {"selector": {"stray": "label"}}},
    "Deployment": {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}},
    "CronJob": {"spec": {"suspend": True, "schedule": "1 1 1 1 *"}},
    "HorizontalPodAutoscaler": {"spec": {"maxReplicas": 9}},
    "PodDisruptionBudget": {"spec": {"maxUnavailable": 0}},
    "NetworkPolicy": {"spec": {"policyTypes": ["Ingress"], "ingress": [{}]}},
}
"""One change of a field that the operator applies, for each kind of its children."""


def identities(api: Api, namespace: str) -> dict[tuple[str, str], str]:
    """The uid of each child, by kind and name; the token Secret is one of them."""
    secrets = {("Secret", body["metadata"]["name"]): body for body in api.list("Secret", namespace)}
    children = {(kind, name): body for (kind, name), body in split(api.children(namespace)).items()}
    return {child: body["metadata"]["uid"] for child, body in (children | secrets).items()}


def split(children: dict[str, dict[str, object]]) -> dict[tuple[str, str], dict[str, object]]:
    return {(name.split()[0], name.split()[1]): body for name, body in children.items()}


def remove_a_label(api: Api, namespace: str) -> None:
    for kind, name in split(api.children(namespace)):
        api.patch(kind, namespace, name, {"metadata": {"labels": {kinds.MANAGED_BY_LABEL: None}}})


def change_a_field(api: Api, namespace: str) -> None:
    for kind, name in split(api.children(namespace)):
        api.patch(kind, namespace, name, FIELD_EDITS[kind])


def delete(api: Api, namespace: str) -> None:
    for kind, name in split(api.children(namespace)):
        api.delete(kind, namespace, name)


def delete_with_the_secret(api: Api, namespace: str) -> None:
    for kind, name in identities(api, namespace):
        api.delete(kind, namespace, name)


def repair_seconds(wine: Monitor, expected: list[str], expected_children: set[tuple[str, str]]) -> float:
    """How long it takes from now on until the children are as expected, and there is nothing else."""
    begin = time.monotonic()

    def repaired() -> bool:
        found = families(wine.api, wine.namespace).get(wine.name, [])
        return not difference(found, expected) and identities(wine.api, wine.namespace).keys() == expected_children

    try:
        wait_for("the repair", repaired)
    except AssertionError as error:
        found = families(wine.api, wine.namespace).get(wine.name, [])
        raise AssertionError(f"{error}:\n{difference(found, expected)}") from error
    return time.monotonic() - begin


@pytest.mark.property(10)
def test_each_child_changed_or_deleted_is_repaired_within_ten_seconds_and_after_downtime(
    wine: Monitor, operator_api: Api, proxied: OperatorProcess
) -> None:
    proxied.start(RESYNC_SECONDS=NEVER)  # so that it is the events that bring the repair
    begin = time.monotonic()
    wine.create(**EVERYTHING)
    wine.wait_until_ready()
    slowness = time.monotonic() - begin  # all children are made and then some, so a repair takes no longer than that
    proxied.wait_until_idle()
    before = identities(operator_api, wine.namespace)
    expected = families(operator_api, wine.namespace)[wine.name]
    assert {kind for kind, _ in before} == {*FIELD_EDITS, "Secret"}, "a kind of child that this test does not know"

    for rough in (remove_a_label, change_a_field, delete):
        rough(operator_api, wine.namespace)
        seconds = repair_seconds(wine, expected, set(before))
        assert seconds < max(REPAIR_SECONDS, 2 * slowness), rough.__name__
    after = identities(operator_api, wine.namespace)
    same = {child for child in before if after[child] == before[child]}
    assert same == {("Secret", f"{wine.name}-collector")}, "some were not deleted at all"

    assert proxied.stop() == 0
    # The operator may not read Secrets, so of one that is deleted it learns when it looks at everything.
    for rough in (remove_a_label, change_a_field, delete_with_the_secret):
        rough(operator_api, wine.namespace)
        time.sleep(0.5)  # controllers see the one before the other
        proxied.start(RESYNC_SECONDS=NEVER)
        repair_seconds(wine, expected, set(before))
        assert proxied.stop() == 0
    token = "Secret", f"{wine.name}-collector"
    assert identities(operator_api, wine.namespace)[token] != before[token]


class Fleet:
    """Some monitors that are changed together."""

    def __init__(self, wine: Monitor, size: int) -> None:
        self.monitors = [sibling(wine, f"wine-{number}") for number in range(size)]

    def create(self) -> None:
        for monitor in self.monitors:
            monitor.create()
        self.wait_until_applied()

    def suspend(self, suspended: bool) -> None:
        for monitor in self.monitors:
            monitor.change(checks={"suspend": suspended})

    def wait_until_applied(self) -> None:
        for monitor in self.monitors:
            monitor.wait_until_applied()


BURST, RATE = 60, 12.0
"""Requests that are in order while nothing is answered: each of the 14 watches tries a few times at once and then once
in 10 s, and the workers, too, wait longer and longer. A loop without a delay makes hundreds a second."""


def bounded(requests: list[Request], seconds: float) -> None:
    assert len(requests) < BURST + RATE * seconds, f"{len(requests)} requests in {seconds:.0f} s"


@pytest.mark.property(15)
def test_after_an_apiserver_outage_it_recovers_and_meanwhile_asks_at_a_bounded_rate(
    wine: Monitor, operator_api: Api, proxied: OperatorProcess, proxy: FaultProxy
) -> None:
    proxied.start(RESYNC_SECONDS="5")
    fleet = Fleet(wine, 10)
    fleet.create()
    expected = families(operator_api, wine.namespace)["wine-0"]
    fleet.suspend(True)  # it is at work when the apiserver goes
    operator_api.plane.kill_apiserver()
    mark, begin = proxy.mark(), time.monotonic()
    time.sleep(clock(10, 120))
    bounded(proxy.since(mark), time.monotonic() - begin)
    operator_api.plane.start_apiserver()
    assert proxied.ended() is None, proxied.log.read_text()[-3000:]

    fleet.suspend(False)
    for monitor in fleet.monitors:
        operator_api.delete("Service", wine.namespace, monitor.name)
    fleet.wait_until_applied()

    def all_equal() -> bool:
        found = families(operator_api, wine.namespace)
        return len(found) == 10 and not any(difference(children, expected) for children in found.values())

    wait_for("all children to be as before", all_equal)
    assert proxied.fetch("health", "/healthz") == "ok\n"


@pytest.mark.property(15)
@pytest.mark.parametrize("status", [429, 504])
def test_after_a_storm_of_429_or_504_it_recovers_and_meanwhile_asks_at_a_bounded_rate(
    wine: Monitor, proxied: OperatorProcess, proxy: FaultProxy, status: int
) -> None:
    proxied.start(RESYNC_SECONDS="5")
    fleet = Fleet(wine, 10)
    fleet.create()
    with proxy.injected(Answer(status, retry_after=1 if status == 429 else None), anything):
        mark, begin = proxy.mark(), time.monotonic()
        proxy.cut_watches()
        fleet.suspend(True)
        time.sleep(clock(8, 120))
        stormed = proxy.since(mark)
        bounded(stormed, time.monotonic() - begin)
        assert stormed, "it did not even try"
    assert proxied.ended() is None, proxied.log.read_text()[-3000:]
    fleet.wait_until_applied()
    assert proxied.fetch("health", "/healthz") == "ok\n"


FAILING = 100
READY_SECONDS = 10.0


@pytest.mark.property(16)
def test_with_a_hundred_failing_objects_a_healthy_one_is_ready_within_ten_seconds(
    new_monitor: Callable[[], Monitor], proxied: OperatorProcess, proxy: FaultProxy
) -> None:
    def ready_seconds() -> float:
        monitor = new_monitor()
        begin = time.monotonic()
        monitor.create()
        monitor.wait_until_ready()
        return time.monotonic() - begin

    proxied.start(RESYNC_SECONDS="5")
    alone = ready_seconds()
    failing = new_monitor()
    # One half meets errors at its first child and is tried again and again; of the other, each child is rejected.
    proxy.inject(Answer(500), lambda r: r.write and r.namespace == failing.namespace and r.name.startswith("error"))
    proxy.inject(Answer(422), lambda r: r.write and r.namespace == failing.namespace and r.name.startswith("rejected"))
    mark = proxy.mark()
    for number in range(FAILING):
        sibling(failing, f"{'error' if number % 2 else 'rejected'}-{number}").create()
    wait_for("all of them to fail", lambda: len({r.name for r in proxy.since(mark) if r.status >= 422}) >= FAILING)

    seconds = ready_seconds()
    assert seconds < max(READY_SECONDS, 5 * alone), f"{alone:.1f} s alone"
    assert failing.child("ServiceAccount", "error-1") is None, "they do not fail"
