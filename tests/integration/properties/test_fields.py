"""No field is accepted and ignored: each one, changed on a live object, reaches what it is for."""

import copy
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from driftmonitor_check.collector import Collector
from hack.cluster.client import ApiError
from tests.integration.conftest import OperatorProcess
from tests.support import specs
from tests.support.fields import CASES, IMMUTABLE, MINIMAL, MINUTES, NOW, WITH_IMMUTABLE, Case, View, put
from tests.support.portraits import differences, portrait, strange
from tests.support.sequences import SETTINGS
from tests.support.shipping import TOKEN
from tests.support.shipping import Collector as CollectorProcess
from tests.support.waiting import wait_for
from tests.support.worlds import World

FIELDS = [".".join(path) for path, _ in specs.leaves()]
MONITORS = 16
PATIENCE_SECONDS = 60.0
NAME = "the-changed-one"


@pytest.mark.property(7)
def test_every_field_of_the_schema_has_one_case() -> None:
    cases = [case.field for case in CASES] + list(IMMUTABLE)
    assert Counter(cases) == Counter(FIELDS)


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A real one with a row a minute."""
    process = CollectorProcess(tmp_path_factory.mktemp("collector"))
    process.start()
    client = Collector(process.url, TOKEN)
    lines = []
    for minute in range(1, MINUTES + 1):
        record: dict[str, Any] = {
            "request_id": f"r-{minute}", "row": 0, "monitor": "a/b", "model": "b", "model_version": "1",
            "writer": "pod/0/1", "seq": minute, "features": {"alcohol": minute / 7}, "latency_ms": 1.0,
            "prediction": {"label": "a", "score": 0.5}, "trace_id": None,
            "timestamp": (NOW - timedelta(minutes=minute) + timedelta(seconds=30)).isoformat().replace("+00:00", "Z"),
        }  # fmt: skip
        lines.append(json.dumps(record))
    wait_for("the collector", process.ready)
    request = client._request("POST", "/v1/records", "\n".join(lines).encode())
    assert client._retried("the records", request, json.load)["stored"] == MINUTES
    yield client
    process.stop()


@dataclass
class Walk:
    """One case on its monitor: what is written step by step, and what was seen after each step."""

    case: Case
    seen: list[Any] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    unlike: list[str] = field(default_factory=list)

    @property
    def wanted(self) -> list[specs.Spec]:
        base, first, second = self.case.specs()
        return [base, first, second, base]


class Monitors:
    """Walks many cases at once, each on a monitor of its own; the next case takes the monitor over."""

    def __init__(self, world: World, collector: Collector) -> None:
        self._world, self._collector = world, collector
        self._specs: dict[str, specs.Spec] = {}

    def walk(self, walks: list[Walk]) -> None:
        shared = [walk for walk in walks if "storage" in walk.case.beside.get("collector", {})]
        others = [walk for walk in walks if walk not in shared]
        lanes = {f"field-{number:02d}": others[number::MONITORS] for number in range(MONITORS)}
        lanes["field-store"] = shared  # their storage is another one for good
        for turn in range(max(map(len, lanes.values()))):
            now = {namespace: lane[turn] for namespace, lane in lanes.items() if turn < len(lane)}
            for step in range(4):
                self._write({namespace: walk.wanted[step] for namespace, walk in now.items()})
                if step == 0:
                    self._publish(now)
                self._look(now, step)

    def clear(self) -> None:
        for namespace in self._specs:
            self._world.clear(namespace, [NAME])

    def _write(self, wanted: dict[str, specs.Spec]) -> None:
        def write(namespace: str) -> None:
            spec = _without_nulls(wanted[namespace])
            if namespace not in self._specs:
                self._world.make_namespace(namespace)
                self._world.create(namespace, NAME, spec)
            elif spec != self._specs[namespace]:
                self._world.merge(namespace, NAME, self._specs[namespace], spec)
            self._specs[namespace] = spec

        self._world.each(write, list(wanted))

    def _publish(self, now: dict[str, Walk]) -> None:
        monitors = self._world.monitors()
        for namespace, walk in now.items():
            if walk.case.facts:
                spec = View(monitors[namespace, NAME], [], self._collector).spec
                self._world.publish(namespace, NAME, walk.case.facts(spec))
                wait_for("the verdict to be judged", lambda namespace=namespace: self._judged(namespace))

    def _judged(self, namespace: str) -> bool:
        status = self._world.monitors()[namespace, NAME].get("status", {})
        return any(c["type"] == "DriftDetected" and c["reason"] != "NoCheckYet" for c in status.get("conditions", []))

    def _look(self, now: dict[str, Walk], step: int) -> None:
        def settled() -> Any:
            monitors = self._world.monitors()
            behind = [n for n in now if not _looked_at(monitors[n, NAME])]
            return None if behind else monitors

        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            monitors = wait_for("the monitors to be looked at", settled)
            if step in (0, 3):
                self._world.roll_out()
            families = self._world.children()
            for namespace, walk in now.items():
                view = View(monitors[namespace, NAME], families[namespace, NAME], self._collector)
                drawn = portrait(view.monitor, view.children)
                if step == 0:
                    walk.before = drawn
                    walk.unlike = list(strange(drawn))
                    files = [body for body in view.children if body["kind"] == "ConfigMap"]
                    walk.unlike += ["files of the spec before are left over"] if len(files) > 2 else []
                if step == 3:
                    walk.unlike = [*differences(walk.before["children"], drawn["children"], ".children")]
                if not walk.unlike:
                    walk.seen[step:] = [walk.case.shows(view)]
            if step in (1, 2) or not any(walk.unlike for walk in now.values()) or time.monotonic() > deadline:
                return
            time.sleep(0.2)


def _looked_at(monitor: dict[str, Any]) -> bool:
    return bool(monitor.get("status", {}).get("observedGeneration") == monitor["metadata"]["generation"])


def _without_nulls(spec: specs.Spec) -> specs.Spec:
    return {
        name: _without_nulls(value) if isinstance(value, dict) else copy.deepcopy(value)
        for name, value in spec.items()
        if value is not None
    }


@pytest.fixture(scope="module")
def walks(world: World, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Walk]]:
    """Each case, walked."""
    operator = OperatorProcess(tmp_path_factory.mktemp("operator"), world.plane.kubeconfig)
    walked = [Walk(case) for case in CASES]
    monitors = Monitors(world, collector)
    try:
        operator.start(**SETTINGS)
        monitors.walk(walked)
    finally:
        operator.stop()
    yield {walk.case.field: walk for walk in walked}
    monitors.clear()


@pytest.mark.property(7)
@pytest.mark.parametrize("name", [case.field for case in CASES])
def test_each_field_set_changed_and_removed_reaches_the_child_that_it_is_for(name: str, walks: dict[str, Walk]) -> None:
    walk = walks[name]
    assert walk.unlike == [], "after the removal the children are not those before"
    without, first, second, again = walk.seen
    assert first != without, f"set to {walk.case.values[0]}: nothing changed, {without}"
    assert second != first, f"changed to {walk.case.values[1]}: nothing changed, {first}"
    assert again == without, "removed: not as before"


@pytest.mark.property(7)
@pytest.mark.parametrize("name", IMMUTABLE)
def test_each_immutable_field_set_changed_and_removed_answers_422(name: str, world: World) -> None:
    path, (first, second) = tuple(name.split(".")), IMMUTABLE[name]
    namespace = f"immutable-{path[-1].lower()}"
    world.make_namespace(namespace)
    beside = put(MINIMAL, path[:-1], WITH_IMMUTABLE[name]) if name in WITH_IMMUTABLE else MINIMAL
    given = put(beside, path, first)
    for old, new in ((MINIMAL, given), (given, put(beside, path, second)), (given, MINIMAL)):
        world.create(namespace, NAME, old)
        with pytest.raises(ApiError) as refused:
            world.merge(namespace, NAME, old, new)
        assert refused.value.status == 422
        assert "spec.collector.storage" in str(refused.value)
        world.delete(namespace, NAME)


@pytest.mark.property(7)
def test_a_field_without_a_case_and_a_case_without_an_effect_would_be_found() -> None:
    assert ".".join(("checks", "window", "minRows")) in FIELDS
    ignored = Walk(CASES[0], seen=[1, 1, 1, 1])
    with pytest.raises(AssertionError, match="nothing changed"):
        test_each_field_set_changed_and_removed_reaches_the_child_that_it_is_for("f", {"f": ignored})
    kept = Walk(CASES[0], seen=[1, 2, 3, 3])
    with pytest.raises(AssertionError, match="not as before"):
        test_each_field_set_changed_and_removed_reaches_the_child_that_it_is_for("f", {"f": kept})
