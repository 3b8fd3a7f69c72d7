"""A crash at any write leads to the same place: in this process, where each write can be hit before and after it."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kubernetes.config import kube_config

from driftmonitor_operator import config
from tests.integration.conftest import REPOSITORY
from tests.support import specs
from tests.support.clocks import FULL, clock
from tests.support.crashes import CrashingCluster, MortalOperator
from tests.support.portraits import differences, portrait, strange
from tests.support.worlds import World

LAIR = "lair"
CREATED = int(clock(1, 3))
"""Specs whose creation is ended at each write."""
CRASHES = int(clock(25, 1000))
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def mortal(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalOperator]:
    images = {f"{name}_IMAGE": "image.example/i:1" for name in ("INFERENCE", "COLLECTOR", "CHECK", "SYSLOG_NG")}
    configuration = config.load(images | {"SHIPPER_CONFIG_DIR": str(REPOSITORY / "fluentd"), "WATCH_NAMESPACE": LAIR})
    world.make_namespace(LAIR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(world.plane.kubeconfig))
        cluster = CrashingCluster(2, patient=False)
    yield MortalOperator(cluster, configuration)


class Victim:
    """A monitor whose operator crashes."""

    def __init__(self, world: World, operator: MortalOperator) -> None:
        self.world, self.operator, self.name = world, operator, f"victim-{next(_numbers):05d}"
        self.uid = ""
        self.spec: specs.Spec = {}

    def create(self, spec: specs.Spec) -> None:
        self.uid, self.spec = self.world.create(LAIR, self.name, spec), spec

    def do(self, edit: specs.Edit) -> None:
        if edit.verb == "recreate":
            old = self.uid
            if old:
                self.world.delete(LAIR, self.name)
                self.world.collect_garbage(LAIR, old)
            self.create(edit.spec)
        else:
            self.world.merge(LAIR, self.name, self.spec, edit.spec)
            self.spec = edit.spec

    def reconcile(self, crash_at: int = 0, *, sent: bool = False) -> bool:
        """Reconcile, with a crash; whether there was one."""
        return self.operator.reconcile((LAIR, self.name), crash_at, sent=sent)

    def settle(self, crash_at: int = 0, *, sent: bool = False) -> None:
        """Reconcile, with a crash, until all pods are ready and what only the old ones needed is gone."""
        self.reconcile(crash_at, sent=sent)
        self.world.roll_out()
        self.reconcile()

    def portrait(self) -> dict[str, Any]:
        monitor = self.world.monitors()[LAIR, self.name]
        drawn = portrait(monitor, self.world.children(LAIR).get((LAIR, self.name), []))
        assert list(strange(drawn)) == []
        return drawn

    def bury(self) -> None:
        self.world.delete(LAIR, self.name)
        self.world.collect_garbage(LAIR, self.uid)


def fresh(world: World, operator: MortalOperator, spec: specs.Spec, *, settled: bool = True) -> dict[str, Any]:
    """The portrait of an object that was made without a crash."""
    victim = Victim(world, operator)
    victim.create(spec)
    if settled:
        victim.settle()
    else:
        victim.reconcile()
    drawn = victim.portrait()
    victim.bury()
    return drawn


@pytest.mark.property(9)
def test_a_crash_before_or_after_any_write_of_a_creation_leaves_what_a_fresh_object_has(
    world: World, mortal: MortalOperator
) -> None:
    for seed in range(CREATED):
        randomness = random.Random(seed)
        spec = specs.mended(specs.value(specs.SPEC_SCHEMA, (), randomness, 1.0))
        expected = fresh(world, mortal, spec, settled=False)
        for number in itertools.count(1):
            crashed = False
            for sent in (False, True) if FULL else (number % 2 == 0,):
                victim = Victim(world, mortal)
                victim.create(spec)
                crashed = victim.reconcile(number, sent=sent)
                assert list(differences(expected, victim.portrait())) == [], f"write {number}, sent: {sent}"
                victim.bury()
            if not crashed:
                break
        assert number > len(expected["children"]), "each child is written at least once"


@pytest.mark.property(9)
@settings(
    max_examples=max(1, CRASHES // 5),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32), points=st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=5, max_size=5))
def test_a_crash_before_or_after_a_write_of_an_edit_leaves_what_a_fresh_object_has(
    world: World, mortal: MortalOperator, seed: int, points: list[tuple[int, bool]]
) -> None:
    victim = Victim(world, mortal)
    for edit, (number, sent) in zip(specs.edits(random.Random(seed), len(points)), points, strict=True):
        victim.do(edit)
        victim.settle(number, sent=sent)
        unlike = list(differences(fresh(world, mortal, victim.spec), victim.portrait()))
        assert unlike == [], f"seed {seed}, {edit}, crash at write {number}, sent: {sent}"
    victim.bury()
    assert world.children(LAIR) == {}
