"""SIGKILL before and after every API write: whatever was written when the process ended, the next one finishes it."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Api, Monitor, OperatorProcess
from tests.integration.properties.conftest import kill, sibling
from tests.support.clocks import FULL
from tests.support.families import difference, families
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Kill, Place, Request
from tests.support.waiting import NotInTimeError, wait_for

FULL_SPEC: dict[str, Any] = {
    "model": {"storageUri": "https://models.example/wine.onnx", "version": "3"},
    "serving": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}},
}
OTHER_SPEC: dict[str, Any] = {
    "model": {"storageUri": "https://models.example/other.onnx", "version": "4"},
    "serving": {"resources": {"requests": {"cpu": "50m"}}},
    "logging": {"shipper": {"type": "SyslogNG"}, "samplingPercent": 50},
    "collector": {"retention": "40d"},
    "checks": {"schedule": "1 1 1 1 *", "suspend": True, "window": {"lookback": "3h"}},
    "scheduling": {"nodeSelector": {"example.com/disk": "fast"}},
}
"""Changes every child that a spec can change, removes some, and brings none that the full one has not."""
BACK: dict[str, Any] = {
    "serving": {"resources": None, **FULL_SPEC["serving"]},
    "logging": None,
    "collector": None,
    "checks": {"schedule": "0 0 1 1 *", "suspend": None, "window": None},
    "scheduling": None,
    "model": FULL_SPEC["model"],
}
REPEATED = 2  # times that the operator is killed at the writes that are made again and again: of the status, of Events


class Crashes:
    """One monitor in a namespace, and an operator that works there alone and is killed at each write."""

    def __init__(self, monitor: Monitor, proxy: FaultProxy, kubeconfig: Path, folder: Path) -> None:
        self.monitor, self._proxy = monitor, proxy
        self.operator = OperatorProcess(folder, kubeconfig)
        self._settings = {"WATCH_NAMESPACE": monitor.namespace, "WORKERS": "1", "RESYNC_SECONDS": "86400"}
        self.killed: Counter[tuple[str, str, Place]] = Counter()

    def converge_undisturbed(self) -> None:
        self.operator.start(**self._settings)
        self.monitor.wait_until_ready()

    def converge(self) -> None:
        """Start the operator, kill it at the next write that it has not been killed at, and so on until there is none.

        A kill after the answer to one write leaves what a kill before the next one does, as the operator keeps
        nothing but what is on the apiserver. So with short clocks it is killed after each, and before the first.
        """
        self.killed.clear()
        places = [Place.BEFORE]
        while True:
            pid = self.operator.launch(**self._settings)
            fault = self._proxy.inject(Kill(pid, places[-1]), self._kills(places[-1]), times=1)
            try:
                ended = wait_for("a kill or the end of all work", self._ended_or_settled)
            finally:
                self._proxy.take_away(fault)
            if ended == "settled":
                break
            (met,) = fault.met
            self.killed[self._write(met, places[-1])] += 1
            places.append(Place.AFTER if not FULL or places[-1] is Place.BEFORE else Place.BEFORE)
        self.monitor.wait_until_ready()

    def _kills(self, place: Place) -> Any:
        def matching(request: Request) -> bool:
            limit = REPEATED if request.resource == "events" or request.subresource else 1
            mine = request.write and request.namespace == self.monitor.namespace
            return mine and self.killed[self._write(request, place)] < limit

        return matching

    @staticmethod
    def _write(request: Request, place: Place) -> tuple[str, str, Place]:
        return request.method, "events" if request.resource == "events" else request.target, place

    def _ended_or_settled(self) -> str:
        if self.operator.ended() is not None:
            assert self.operator.ended() == -9, self.operator.log.read_text()[-3000:]
            return "killed"
        if " started with " not in self.operator.log.read_text():
            return ""
        body = self.monitor.body()
        settled = body.get("status", {}).get("observedGeneration") == body["metadata"]["generation"]
        quiet = time.monotonic() - self._last_request() > 1.0
        return "settled" if settled and quiet else ""

    def _last_request(self) -> float:
        mine = (r.when for r in reversed(self._proxy.requests) if r.write and r.namespace == self.monitor.namespace)
        return next(mine, 0.0)

    def children(self) -> list[str]:
        return families(self.monitor.api, self.monitor.namespace).get(self.monitor.name, [])

    def wait_until_like(self, twin: list[str]) -> None:
        def like() -> bool:
            if any(pod["status"]["phase"] == "Pending" for pod in self.monitor.api.list("Pod", self.monitor.namespace)):
                self.monitor.run_pods()  # files go when the last pod that was started with them has gone
            return not difference(self.children(), twin)

        try:
            wait_for("the children to be those of its twin", like)
        except NotInTimeError as error:
            raise NotInTimeError(f"{error}:\n{difference(self.children(), twin)}\n{self._situation()}") from error

    def _situation(self) -> str:
        """What may hold up the end of a rollout, and with it of the files that its pods have."""
        api, namespace = self.monitor.api, self.monitor.namespace
        lines = [
            f"{kind} {body['metadata']['name']}, generation {body['metadata'].get('generation')}: {body['status']}"
            for kind in ("Deployment", "Pod")
            for body in api.list(kind, namespace)
        ]
        log = self.operator.log.read_text()[-3000:]
        return "\n".join([*lines, f"the operator's end: {self.operator.ended()}", log])


@pytest.fixture
def crashing(
    new_monitor: Any, proxy: FaultProxy, proxied_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Crashes]]:
    """Two monitors with an operator each."""
    monitors = [sibling(new_monitor(), name) for name in ("cellar-one", "cellar-two")]
    made = [Crashes(one, proxy, proxied_kubeconfig, tmp_path_factory.mktemp("crashes")) for one in monitors]
    yield made
    proxy.heal()
    for one in made:
        kill(one.operator)


@pytest.mark.property(9)
def test_sigkill_before_and_after_every_api_write_converges_without_duplicates(
    wine: Monitor, operator_api: Api, proxied: OperatorProcess, crashing: list[Crashes]
) -> None:
    proxied.start(WATCH_NAMESPACE=wine.namespace)
    undisturbed = [sibling(wine, "cellar-full"), sibling(wine, "cellar-other")]
    for monitor, spec in zip(undisturbed, (FULL_SPEC, OTHER_SPEC), strict=True):
        monitor.create(**spec)
    for monitor in undisturbed:
        monitor.wait_until_ready()
    full, other = (families(operator_api, wine.namespace)[monitor.name] for monitor in undisturbed)
    kill(proxied)
    created, changed = crashing

    def create() -> None:
        created.monitor.create(**FULL_SPEC)
        created.converge()
        created.wait_until_like(full)
        assert len(created.killed) > len(full), f"killed at {sorted(created.killed)}"

    def change() -> None:
        changed.monitor.create(**FULL_SPEC)
        changed.converge_undisturbed()
        kill(changed.operator)
        changed.monitor.change(**OTHER_SPEC | {"serving": {"autoscaling": None, **OTHER_SPEC["serving"]}})
        changed.converge()
        changed.wait_until_like(other)
        kill(changed.operator)
        changed.monitor.change(**BACK)
        changed.converge()
        changed.wait_until_like(full)

    with ThreadPoolExecutor() as threads:  # a process that starts does little else but read its modules
        for done in [threads.submit(create), threads.submit(change)]:
            done.result()

    # Deletion is the garbage collector's work: the operator may be killed or live, it has nothing to write.
    kill(created.operator)
    for one in crashing:
        one.monitor.delete()
    for one in crashing:
        wait_for("everything to be gone", lambda one=one: not one.children())
        assert not operator_api.list("Pod", one.monitor.namespace)
