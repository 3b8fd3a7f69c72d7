"""Thousands of monitors on one operator: memory, errors, and what a restart does."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from driftmonitor_operator import kinds
from hack.cluster import builds
from hack.cluster.controlplane import ControlPlane
from tests.support.clocks import clock
from tests.support.fleet import Fleet, Operator, Traffic

MANY = 2000
SMALL, LARGE = int(clock(60, 200)), int(clock(160, MANY))
MEMORY_MIB = 150.0
PATIENCE_SECONDS = clock(400, 3600)
CHANGE_SECONDS = 3.0


class Run:
    """An operator with many monitors, measured step by step."""

    def __init__(self, directory: Path, plane: ControlPlane, fleet: Fleet) -> None:
        fleet.install()
        self.memory: dict[int, float] = {}
        operator = Operator(plane, directory)
        with operator:
            for size in (SMALL, LARGE):
                fleet.grow(size)
                operator.wait_until_settled(fleet, PATIENCE_SECONDS)
                operator.wait_until_idle()
                self.memory[size] = operator.memory()
            self.children = fleet.children()
            self.growing = fleet.traffic()
            self.change_seconds = min(fleet.change(number, 3) for number in range(3))
            operator.wait_until_idle()
        self.exit_code = operator.exit_code
        before = self.versions(fleet)
        fleet.traffic()
        with operator:
            operator.wait_until_idle(PATIENCE_SECONDS)
            time.sleep(3)
            operator.wait_until_idle()
            self.memory_after_restart = operator.memory()
        self.restart: Traffic = fleet.traffic()
        self.rewritten = {name for name, version in self.versions(fleet).items() if version != before.get(name)}

    @staticmethod
    def versions(fleet: Fleet) -> dict[str, str]:
        """Resource versions of all monitors and children: they move with every write."""
        kinds_written = (kinds.MONITOR, *kinds.APPLIED, kinds.SECRET, kinds.EVENT)
        return {
            body["metadata"]["uid"]: body["metadata"]["resourceVersion"]
            for kind in kinds_written
            for body in fleet.bodies(kind)
        }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One run on a control plane of its own, without controllers: no pods are made."""
    directory = tmp_path_factory.mktemp("scale")
    control_plane = ControlPlane(directory / "plane", binaries=builds.ensure(["kube-apiserver"]), audit=True)
    with control_plane as plane, closing(Fleet(plane)) as fleet:
        yield Run(directory, plane, fleet)


@pytest.mark.property(17)
@pytest.mark.timeout(0)
def test_all_children_of_many_monitors_are_made_without_an_error_of_the_apiserver(run: Run) -> None:
    numbers = {kind: number for kind, number in run.children.items() if number}
    assert all(number % LARGE == 0 for number in numbers.values()), numbers
    assert numbers["Deployment"] == 2 * LARGE
    assert numbers["Secret"] == LARGE
    assert run.growing.failed == 0
    assert run.exit_code == 0


@pytest.mark.property(17)
def test_two_thousand_monitors_take_less_than_150_mib(run: Run) -> None:
    slope = (run.memory[LARGE] - run.memory[SMALL]) / (LARGE - SMALL)
    assert run.memory[LARGE] + slope * (MANY - LARGE) < MEMORY_MIB
    assert run.memory_after_restart + slope * (MANY - LARGE) < MEMORY_MIB


@pytest.mark.property(17)
def test_a_restart_of_the_operator_causes_no_write(run: Run) -> None:
    assert run.restart.requests > 0
    assert run.restart.writes == 0
    assert run.rewritten == set()
    assert run.restart.failed == 0


@pytest.mark.property(17)
def test_one_change_among_many_at_rest_is_applied_within_3_seconds(run: Run) -> None:
    assert run.change_seconds < CHANGE_SECONDS
