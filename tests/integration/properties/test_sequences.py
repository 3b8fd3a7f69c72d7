"""Any path leads to the same place: random edits with kills now and then, and real controllers."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.conftest import Monitor, OperatorProcess
from tests.support import seeds, specs
from tests.support.portraits import differences, portrait, strange
from tests.support.sequences import SETTINGS, Runner
from tests.support.worlds import World

WIDTH = 10


@pytest.fixture(scope="module")
def runner(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    operator = OperatorProcess(tmp_path_factory.mktemp("operator"), world.plane.kubeconfig)
    operator.start(**SETTINGS)
    yield Runner(world, operator, random.Random(1), WIDTH)
    operator.stop()


@pytest.mark.property(6)
def test_any_random_sequence_of_edits_leaves_what_a_fresh_object_has(runner: Runner) -> None:
    sequences = [specs.edits(random.Random(seed), seeds.EDITS) for seed in seeds.SEEDS]
    assert sum(map(len, sequences)) == 100
    assert list(map(str, runner.run(sequences))) == []
    assert runner.left_over() == []


@pytest.mark.property(6)
def test_the_sequences_that_once_went_wrong_go_well(runner: Runner) -> None:
    assert list(map(str, runner.run(seeds.FOUND.values()))) == []
    assert runner.left_over() == []


def few_pods(spec: specs.Spec) -> specs.Spec:
    """The spec with two pods: this test must do what their kubelet would do."""
    serving = {name: value for name, value in spec.get("serving", {}).items() if name != "autoscaling"}
    return spec | {"serving": serving | {"replicas": 2}}


def family(monitor: Monitor) -> dict[str, Any]:
    children = monitor.api.children(monitor.namespace)
    return portrait(monitor.body(), [{"kind": key.split()[0], **body} for key, body in children.items()])


@pytest.mark.property(6)
@pytest.mark.parametrize("seed", [4, 7])
def test_with_real_controllers_a_sequence_of_edits_leaves_what_a_fresh_object_has(
    seed: int, new_monitor: Callable[[], Monitor], operator: OperatorProcess
) -> None:
    edited, other = new_monitor(), new_monitor()
    edits = [edit._replace(spec=few_pods(edit.spec)) for edit in specs.edits(random.Random(seed), 6)]
    edits.insert(3, edits[2]._replace(verb="recreate"))
    for number, edit in enumerate(edits):
        if edit.verb != "recreate":
            edited.change(**specs.merge_patch(edits[number - 1].spec, edit.spec))
            continue
        if number:
            edited.delete()
        edited.create(**edit.spec)
    other.create(**edits[-1].spec)
    unlike: list[str] = []

    def alike() -> bool:
        for monitor in (edited, other):
            if monitor._starting_pods():
                monitor.run_pods()
        unlike[:] = [*differences(family(other), family(edited)), *strange(family(edited))]
        return not unlike

    try:
        edited.wait("the edited object to be as the fresh one", alike)
    except AssertionError as error:
        raise AssertionError(f"{error}: {unlike}") from error
