"""Watches that lose, repeat or end: what the operator was told late, wrongly or never, it finds out."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError

import pytest

from driftmonitor_operator import kinds
from tests.integration.conftest import Api, Monitor, OperatorProcess
from tests.integration.properties.conftest import kill, sibling
from tests.support.clocks import clock
from tests.support.families import difference, families
from tests.support.faultproxy import FaultProxy, watches
from tests.support.faults import Answer, Body, Request, Wait
from tests.support.waiting import wait_for

NEVER = "86400"  # as RESYNC_SECONDS: what is repaired then, was repaired because of an event


def concerned(event: Body) -> str:
    """Name of the monitor that an event is about."""
    metadata = event["object"].get("metadata", {})
    return str(metadata.get("labels", {}).get(kinds.INSTANCE_LABEL) or metadata.get("name", ""))


class Scenario:
    """A life in which all kinds of events matter: created, changed, a child edited, a child deleted."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor

    def child(self, suffix: str = "") -> tuple[str, str]:
        return self.monitor.namespace, self.monitor.name + suffix

    def disturb(self) -> None:
        api = self.monitor.api
        self.monitor.change(collector={"retention": "40d"}, checks={"suspend": True})
        api.patch("Service", *self.child(), {"spec": {"selector": {"stray": "label"}}})
        api.delete("CronJob", *self.child("-check"))
        api.patch("ServiceAccount", *self.child(), {"metadata": {"labels": {kinds.MANAGED_BY_LABEL: None}}})

    def child_count(self) -> int:
        return len(self.monitor.api.list("Service", self.monitor.namespace))


@pytest.mark.property(11)
def test_any_single_dropped_event_is_repaired_by_the_resync(
    wine: Monitor, operator_api: Api, proxied: OperatorProcess, proxy: FaultProxy
) -> None:
    """Of many monitors with the same life, each loses another event of that life; in the end all are equal."""
    count = int(clock(30, 100))
    lives = [Scenario(sibling(wine, f"wine-{number:03}")) for number in range(count)]
    number_of = {life.monitor.name: number for number, life in enumerate(lives)}
    told: dict[str, int] = {}
    lost: dict[str, str] = {}

    def loses(_: Request, event: Body) -> bool:
        name = concerned(event)
        number, nth = number_of.get(name, 0), told.get(name, 0)
        told[name] = nth + 1
        if number and nth == number - 1:  # the first of them loses none, and is what the others are compared with
            lost[name] = f"{event['type']} {event['object'].get('kind')} {event['object']['metadata']['name']}"
            return True
        return False

    proxied.start(RESYNC_SECONDS="10", WATCH_NAMESPACE=wine.namespace)
    proxy.lose_events(loses)
    for life in lives:
        life.monitor.create()
    wait_for("the first children", lambda: lives[0].child_count() >= 2 * (count - 1))
    for life in lives:
        wait_for("its CronJob", lambda life=life: wine.api.get("CronJob", *life.child("-check")))
        life.disturb()
    proxied.wait_until_idle(resyncs=2)

    def all_equal() -> bool:
        found = families(operator_api, wine.namespace)
        expected = found.get("wine-000", [])
        return len(found) == count and not any(difference(children, expected) for children in found.values())

    try:
        wait_for("all monitors to have the same children", all_equal, 60)
    finally:
        found = families(operator_api, wine.namespace)
        for name, what in sorted(lost.items()):
            if wrong := difference(found.get(name, []), found["wine-000"]):
                print(f"{name} lost {what}:\n{wrong}")
    assert len(lost) >= count * 0.8, f"lives were shorter than thought: {told}"


@pytest.mark.property(12)
def test_a_replayed_stale_deletion_never_touches_the_new_object(
    wine: Monitor, operator_api: Api, proxied: OperatorProcess, proxy: FaultProxy
) -> None:
    proxied.start(RESYNC_SECONDS=NEVER)
    proxy.keep_events = True
    old = wine.create()["metadata"]["uid"]
    wine.wait_until_applied()
    wine.delete()

    def deletions() -> list[tuple[Request, Body]]:
        return [
            (watch, event)
            for watch, event in list(proxy.events)
            if event["type"] == "DELETED" and event["object"]["metadata"].get("namespace") == wine.namespace
        ]

    kinds_deleted = {kind.plural for kind in kinds.APPLIED if wine.api.list(kind.name, wine.namespace)}
    wait_for("all of it to be gone", lambda: {w.resource for w, _ in deletions()} >= {*kinds_deleted, "driftmonitors"})
    new = wine.create()["metadata"]["uid"]
    wine.wait_until_applied()
    proxied.wait_until_idle()
    time.sleep(1)  # the controllers, too, have come to rest
    before = operator_api.versions(wine.namespace)

    stale = deletions()
    for watch, event in stale:
        sent = proxy.send_event(event, lambda open_watch, watch=watch: open_watch.path == watch.path)
        assert sent >= 1, f"nobody watches {watch.path}"
    assert any(event["object"]["metadata"]["uid"] == old for _, event in stale)
    proxied.wait_until_idle()
    time.sleep(1)
    assert operator_api.versions(wine.namespace) == before

    # The operator still knows the new object and its children: it repairs them, at once, without a resync.
    operator_api.delete("Service", wine.namespace, "wine")
    again = wait_for("the Service to be back", lambda: wine.child("Service", "wine"))
    assert again["metadata"]["ownerReferences"][0]["uid"] == new
    wine.change(model={"version": "5"})
    wine.wait_until_applied()


@pytest.mark.property(13)
def test_re_creation_under_the_same_name_while_the_old_children_terminate_converges(
    wine: Monitor, operator_api: Api, proxied: OperatorProcess
) -> None:
    held = [
        ("Deployment", "wine"),
        ("Service", "wine"),
        ("CronJob", "wine-check"),
        ("ServiceAccount", "wine-collector"),
    ]
    proxied.start(RESYNC_SECONDS="5")
    old = wine.create()["metadata"]["uid"]
    wine.wait_until_applied()
    expected = families(operator_api, wine.namespace)["wine"]
    for kind, name in held:
        operator_api.patch(kind, wine.namespace, name, {"metadata": {"finalizers": ["example.com/held"]}})
    wine.delete()
    for kind, name in held:
        wait_for(
            f"{kind} to terminate",
            lambda kind=kind, name=name: "deletionTimestamp" in wine.child(kind, name)["metadata"],
        )
    new = wine.create()["metadata"]["uid"]
    wine.wait_for_condition("Ready", "False", "ChildTerminating")
    for kind, name in held:  # the old ones are let be as long as they last
        assert wine.child(kind, name)["metadata"]["ownerReferences"][0]["uid"] == old
        operator_api.patch(kind, wine.namespace, name, {"metadata": {"finalizers": None}})
    wait_for(
        "the children of the new one",
        lambda: not difference(families(operator_api, wine.namespace).get("wine", []), expected),
    )
    bodies = [*operator_api.children(wine.namespace).values(), *operator_api.list("Secret", wine.namespace)]
    assert {owner["uid"] for body in bodies for owner in body["metadata"]["ownerReferences"]} == {new}
    wine.wait_until_ready()


class Background:
    """An operator of its own for a namespace of its own, behind a proxy of its own: what takes it a minute goes on
    while other tests run."""

    def __init__(self, api: Api, kubeconfig: Path, folder: Path, namespace: str) -> None:
        self.proxy = FaultProxy(kubeconfig)
        self._kubeconfig, self._folder = kubeconfig, folder
        self.monitor = Monitor(api, namespace)
        self.began = (0, 0.0)
        """Number of requests and time when its trouble began."""

    def __enter__(self) -> Self:
        self.proxy.__enter__()
        self.operator = OperatorProcess(self._folder, self.proxy.kubeconfig(self._kubeconfig, self._folder / "config"))
        self.start()
        self.monitor.create()
        self.monitor.wait_until_applied()
        self.operator.wait_until_idle()
        return self

    def __exit__(self, *_: object) -> None:
        kill(self.operator)
        self.proxy.__exit__(None, None, None)
        self.monitor.delete()

    def start(self, resync_seconds: str = NEVER) -> None:
        self.operator.start(RESYNC_SECONDS=resync_seconds, WATCH_NAMESPACE=self.monitor.namespace)


@pytest.fixture(scope="module", autouse=True)
def silenced(operator_api: Api, operator_kubeconfig: Path, tmp_path_factory: Any) -> Iterator[Background]:
    """An operator whose watches have fallen silent, from the first test of this module on."""
    with Background(operator_api, operator_kubeconfig, tmp_path_factory.mktemp("silenced"), "silent") as background:
        background.began = background.proxy.mark(), time.monotonic()
        background.proxy.silence()
        yield background


@pytest.fixture(scope="module", autouse=True)
def blinded(operator_api: Api, operator_kubeconfig: Path, tmp_path_factory: Any) -> Iterator[Background]:
    """An operator whose lists fail, from the first test of this module on."""
    with Background(operator_api, operator_kubeconfig, tmp_path_factory.mktemp("blinded"), "blind") as background:
        kill(background.operator)
        background.start(resync_seconds="1")
        background.proxy.inject(Answer(500), lambda request: request.method == "GET" and not request.watch)
        yield background


def break_streams(proxy: FaultProxy) -> None:
    proxy.cut_watches()


def expire(proxy: FaultProxy) -> None:
    proxy.send_expired()


def report_an_error(proxy: FaultProxy) -> None:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500, "reason": "InternalError"}
    proxy.send_event({"type": "ERROR", "object": status}, watches)


def withdraw_the_credentials(proxy: FaultProxy) -> None:
    with proxy.injected(Answer(401), watches):
        proxy.cut_watches()
        time.sleep(clock(5, 60))


@pytest.mark.property(14)
@pytest.mark.parametrize("begin_anew", ["start", "expire"])
def test_what_is_deleted_just_before_a_watch_lists_is_noticed_without_a_resync(
    wine: Monitor, proxied: OperatorProcess, proxy: FaultProxy, begin_anew: str
) -> None:
    settings = {"RESYNC_SECONDS": NEVER, "WATCH_NAMESPACE": wine.namespace}
    proxied.start(**settings)
    wine.create()
    wine.wait_until_applied()
    proxied.wait_until_idle()
    old = wine.child("Service", "wine")["metadata"]["uid"]

    def lists_for_a_watch(request: Request) -> bool:
        own = request.agent.startswith(kinds.FIELD_MANAGER)
        return request.resource == "services" and request.method == "GET" and not request.watch and not own

    with proxy.injected(Wait(3.0), lists_for_a_watch) as held:
        if begin_anew == "start":
            kill(proxied)
            proxied.launch(**settings)
        else:
            proxy.send_expired(lambda watch: watch.resource == "services")
        wait_for("the list of the new watch", lambda: held.met)
        wine.api.delete("Service", wine.namespace, "wine")
        again = wait_for("the Service to be back", lambda: wine.child("Service", "wine"))
    assert again["metadata"]["uid"] != old


@pytest.mark.property(14)
def test_after_a_watch_error_or_a_401_it_reconnects_or_exits_within_two_minutes(
    wine: Monitor, proxied: OperatorProcess, proxy: FaultProxy
) -> None:
    settings = {"RESYNC_SECONDS": NEVER, "WATCH_NAMESPACE": wine.namespace}
    proxied.start(**settings)
    wine.create()
    wine.wait_until_applied()
    service = wine.namespace, "wine"

    def watching_since(mark: int) -> bool:
        if proxied.ended() is not None:
            assert proxied.ended() == 1, "it ended as if nothing was wrong"
            proxied.start(**settings)  # as a kubelet does
        return {"services", "driftmonitors"} <= {w.resource for w in proxy.open_watches() if w.number > mark}

    for disorder in (break_streams, expire, withdraw_the_credentials, report_an_error):
        mark, begin = proxy.requests[-1].number, time.monotonic()
        disorder(proxy)
        wait_for(f"new watches after {disorder.__name__}", lambda mark=mark: watching_since(mark), seconds=120)
        # They do tell what happens: without a resync, nothing else could.
        wine.api.delete("Service", *service)
        wait_for("the repair", lambda: wine.api.get("Service", *service), 120 - (time.monotonic() - begin))


@pytest.mark.property(14)
def test_out_of_silence_it_reconnects_or_exits_within_two_minutes(silenced: Background) -> None:
    mark, begin = silenced.began
    watched = {"driftmonitors", "services", "deployments", "cronjobs"}

    def noticed() -> bool:
        again = {request.resource for request in silenced.proxy.since(mark, watches)}
        return silenced.operator.ended() is not None or again >= watched

    wait_for("new watches", noticed, seconds=120 - (time.monotonic() - begin))
    silenced.proxy.end_silence()
    if silenced.operator.ended() is not None:
        silenced.start()
    wine = silenced.monitor
    wine.api.delete("Service", wine.namespace, "wine")
    wait_for("the repair", lambda: wine.child("Service", "wine"), seconds=120)


@pytest.mark.property(14)
def test_liveness_detects_a_stale_resync(blinded: Background) -> None:
    def unhealthy() -> str:
        try:
            blinded.operator.fetch("health", "/healthz")
        except HTTPError as error:
            with error:
                assert error.code == 503
                return error.read().decode()
        return ""

    assert "the last resync was" in wait_for("liveness to fail", unhealthy, seconds=180)
    blinded.proxy.heal()
    wait_for("liveness to recover", lambda: not unhealthy(), seconds=120)
