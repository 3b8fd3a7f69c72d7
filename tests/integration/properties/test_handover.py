"""Several operators: one works, the others stand by, and never do two write."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from driftmonitor_operator import kinds
from tests.integration.conftest import OPERATOR_NAMESPACE, Api, Monitor, OperatorProcess
from tests.support.clocks import FULL, clock
from tests.support.faultproxy import FaultProxy, anything
from tests.support.faults import Drop, Place, Request, Wait
from tests.support.waiting import wait_for

LEASE_NAME = "driftmonitor-operator"
LEASE_SECONDS = int(clock(6, 15))
TAKEOVER_SECONDS = 30.0
GRACE_SECONDS = 30.0
ROUNDS = int(clock(1, 10))


class Candidate:
    """One of several operators, named in each of its own requests."""

    def __init__(self, name: str, directory: Path, kubeconfig: Path) -> None:
        self.name = name
        self.process = OperatorProcess(directory / name, kubeconfig)
        self._launched, self.launched_at = False, 0.0
        (directory / name).mkdir()

    def runs(self) -> bool:
        return self._launched and self.process.ended() is None

    def launch(self) -> None:
        self._launched, self.launched_at = True, time.monotonic()
        self.process.launch(
            POD_NAME=self.name,
            LEASE_NAMESPACE=OPERATOR_NAMESPACE,
            LEASE_NAME=LEASE_NAME,
            LEASE_SECONDS=str(LEASE_SECONDS),
        )

    def leads(self) -> bool:
        return f"{self.name} leads" in self.process.log.read_text() and self.runs()

    def works(self) -> bool:
        return self.leads() and " started with " in self.process.log.read_text()

    def stands_by(self) -> bool:
        return "stand by" in self.process.log.read_text() and not self.leads()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def sent(self, request: Request) -> bool:
        """Whether it sent this request."""
        return f"({self.name})" in request.agent

    def wrote(self, request: Request) -> bool:
        """Whether it sent this write, of a Lease apart."""
        return request.write and request.resource != "leases" and self.sent(request)


@pytest.fixture(scope="module")
def candidates(
    proxied_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory, operator_api: Api
) -> Iterator[tuple[Candidate, Candidate]]:
    """Two of them, ended after the last test; their Lease is taken away."""
    directory = tmp_path_factory.mktemp("candidates")
    both = (Candidate("left", directory, proxied_kubeconfig), Candidate("right", directory, proxied_kubeconfig))
    yield both
    for one in both:
        if one.runs():
            one.signal(signal.SIGKILL)
        one.process.stop()
    operator_api.plane.client.json("DELETE", kinds.LEASE.path(OPERATOR_NAMESPACE, LEASE_NAME))


@pytest.fixture
def pair(
    candidates: tuple[Candidate, Candidate], proxy: FaultProxy, wine: Monitor
) -> Iterator[tuple[Candidate, Candidate]]:
    """The one that works, and the one that stands by. There is a monitor to work on."""
    wine.create()
    for one in candidates:
        if not one.runs():
            one.launch()
    left, right = candidates
    wait_for("one to work and the other to stand by", lambda: _roles(left, right) or _roles(right, left))
    wine.wait_until_applied()
    yield (left, right) if left.leads() else (right, left)
    proxy.heal()


def _roles(leader: Candidate, follower: Candidate) -> bool:
    return leader.works() and follower.stands_by()


@contextmanager
def changes(monitor: Monitor) -> Iterator[None]:
    """Change the monitor again and again, so that who leads always has something to write."""
    over = threading.Event()

    def change() -> None:
        for number in itertools.count(1):
            monitor.change(model={"storageUri": "https://models.example/wine.onnx", "version": str(number)})
            if over.wait(0.02):
                return

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def writers(requests: list[Request], candidates: tuple[Candidate, ...]) -> list[str]:
    """Who wrote, in the order of the writes, each name as often as its turn came."""
    names = (one.name for request in requests for one in candidates if one.wrote(request))
    return [name for name, _ in itertools.groupby(names)]


def wait_until_followed(monitor: Monitor, version: str) -> None:
    """Return when a change made now has reached the Deployment."""
    monitor.change(model={"storageUri": "https://models.example/wine.onnx", "version": version})
    monitor.wait_until_applied()


@pytest.mark.property(19)
def test_one_that_stands_by_is_healthy_and_ready_and_asks_for_nothing_but_the_lease(
    pair: tuple[Candidate, Candidate], proxy: FaultProxy
) -> None:
    _, second = pair
    assert second.process.fetch("health", "/healthz") == "ok\n"
    assert second.process.fetch("health", "/readyz") == "ok\n"
    assert second.process.metrics()["driftmonitor_operator_leader"] == 0
    own = [request for request in proxy.requests if request.when > second.launched_at and second.sent(request)]
    assert {request.resource for request in own} == {"leases"}
    # Both may have found no Lease at their start; the one that came second was told so, and has only read since.
    assert [request.method for request in own if request.write] in ([], ["POST"])


@pytest.mark.property(19)
def test_a_killed_leader_is_followed_within_30_seconds(
    pair: tuple[Candidate, Candidate], proxy: FaultProxy, wine: Monitor
) -> None:
    first, second = pair
    mark = proxy.mark()
    with changes(wine):
        wait_for("the first to write", lambda: proxy.since(mark, first.wrote))
        first.signal(signal.SIGKILL)
        begin = time.monotonic()
        wait_for("the second to write", lambda: proxy.since(mark, second.wrote))
        assert time.monotonic() - begin < TAKEOVER_SECONDS
    wait_until_followed(wine, "after-the-kill")
    assert writers(proxy.since(mark), pair) == [first.name, second.name]


@pytest.mark.property(19)
def test_a_leader_that_was_stopped_for_longer_than_its_lease_writes_no_more(
    pair: tuple[Candidate, Candidate], proxy: FaultProxy, wine: Monitor
) -> None:
    leader, follower = pair
    for number in range(ROUNDS):
        assert writers_around_a_stop(leader, follower, number, proxy, wine) == [leader.name, follower.name]
        leader, follower = follower, leader
        follower.launch()  # as its Deployment does
        wait_for("it to stand by", follower.stands_by)


def writers_around_a_stop(
    leader: Candidate, follower: Candidate, number: int, proxy: FaultProxy, wine: Monitor
) -> list[str]:
    """Stop the leader at some point among its writes until the other has taken over, then let it go on."""
    mark = proxy.mark()
    with changes(wine):
        wait_for("the leader to write", lambda: len(proxy.since(mark, leader.wrote)) >= 20 + number)
        leader.signal(signal.SIGSTOP)
        wait_for("the other to write", lambda: len(proxy.since(mark, follower.wrote)) >= 5)
        # What it asks of the Lease is slow now, so that its own clock alone can tell it.
        with proxy.injected(Wait(3.0), lambda asked: asked.resource == "leases" and leader.sent(asked)):
            leader.signal(signal.SIGCONT)
            wait_for("the old leader to end", lambda: leader.process.ended() is not None)
            time.sleep(1)
    assert leader.process.ended() == 1
    return writers(proxy.since(mark), (leader, follower))


@pytest.mark.property(19)
def test_a_rollout_hands_over_at_once_and_the_old_operator_ends_within_its_grace_period(
    pair: tuple[Candidate, Candidate], proxy: FaultProxy, wine: Monitor
) -> None:
    first, second = pair
    mark = proxy.mark()
    with changes(wine):
        wait_for("the first to write", lambda: proxy.since(mark, first.wrote))
        first.signal(signal.SIGTERM)
        begin = time.monotonic()
        wait_for("the second to lead", second.leads)
        handed_over = time.monotonic() - begin
        wait_for("the first to end", lambda: first.process.ended() is not None)
        ended = time.monotonic() - begin
        wait_for("the second to write", lambda: proxy.since(mark, second.wrote))
    assert first.process.ended() == 0
    assert ended < GRACE_SECONDS
    assert handed_over < (LEASE_SECONDS if FULL else TAKEOVER_SECONDS)  # it did not wait for the Lease to run out
    assert "gave the Lease" in first.process.log.read_text()
    assert writers(proxy.since(mark), pair) == [first.name, second.name]


@pytest.mark.property(19)
def test_one_that_stands_by_ends_at_sigterm_and_leaves_the_lease_alone(pair: tuple[Candidate, Candidate]) -> None:
    first, second = pair
    second.signal(signal.SIGTERM)
    wait_for("it to end", lambda: second.process.ended() is not None)
    assert second.process.ended() == 0
    time.sleep(LEASE_SECONDS)
    assert first.leads()


@pytest.mark.property(19)
def test_an_apiserver_that_is_away_for_longer_than_the_lease_ends_the_leader_before_another_writes(
    pair: tuple[Candidate, Candidate], proxy: FaultProxy, wine: Monitor
) -> None:
    first, second = pair
    mark = proxy.mark()
    begin = time.monotonic()
    with proxy.injected(Drop(Place.BEFORE), anything):
        proxy.cut_watches()
        wait_for("the leader to end", lambda: first.process.ended() is not None)
        assert time.monotonic() - begin < LEASE_SECONDS + 5
        assert first.process.ended() == 1
        time.sleep(LEASE_SECONDS)
        assert second.stands_by()
        assert second.process.fetch("health", "/healthz") == "ok\n"
        first.launch()
    wait_for("one of them to lead", lambda: first.leads() or second.leads())
    wait_until_followed(wine, "after-the-outage")
    assert len(writers([r for r in proxy.since(mark) if r.forwarded], pair)) == 1
