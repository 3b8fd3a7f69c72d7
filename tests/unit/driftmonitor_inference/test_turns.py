from pathlib import Path

import pytest

from driftmonitor_inference.turns import Turns


@pytest.fixture
def workers(tmp_path: Path) -> list[Turns]:
    """Three workers that serve and have no connection."""
    Turns.create(tmp_path / "turns", 4)
    views = [Turns(tmp_path / "turns", worker) for worker in range(3)]
    for view in views:
        view.publish(0)
    return views


def test_a_worker_that_is_alone_takes_every_connection(tmp_path: Path) -> None:
    Turns.create(tmp_path / "turns", 2)
    alone = Turns(tmp_path / "turns", 1)
    assert all(alone.is_mine(connections) for connections in range(5000))


def test_who_has_more_than_others_leaves_them_the_next(workers: list[Turns]) -> None:
    assert workers[0].is_mine(1), "one ahead is no harm"
    assert not workers[0].is_mine(2)
    assert workers[1].is_mine(0)
    workers[1].publish(2)
    assert not workers[0].is_mine(2), "the third has none"
    workers[2].publish(2)
    assert workers[0].is_mine(2)


def test_many_who_come_at_once_are_taken_with_a_lead(workers: list[Turns]) -> None:
    workers[1].publish(80)
    workers[2].publish(90)
    assert workers[0].is_mine(91)
    assert not workers[0].is_mine(92)


def test_who_has_left_is_not_waited_for(workers: list[Turns]) -> None:
    workers[1].publish(9)
    assert not workers[0].is_mine(9)
    workers[2].leave()
    assert workers[0].is_mine(9)
    workers[0].leave(1)
    assert workers[0].is_mine(1000)
