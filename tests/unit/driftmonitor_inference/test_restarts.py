import signal

import pytest

from driftmonitor_inference.restarts import (
    LONG_LIFE_SECONDS,
    Life,
    delay,
    ending,
    exit_status,
    hopeless,
    last_words,
    short_lives,
)

KILLED = Life(-signal.SIGKILL, 10.0, served=True)


def test_the_wait_before_a_new_life_doubles_up_to_half_a_minute() -> None:
    assert [delay(short) for short in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert delay(0) == 0.5


def test_short_lives_count_until_there_is_a_long_one() -> None:
    assert short_lives(3, KILLED) == 4
    assert short_lives(3, Life(-9, LONG_LIFE_SECONDS, served=True)) == 0
    assert short_lives(3, Life(-9, LONG_LIFE_SECONDS, served=False)) == 4, "it hung, and never served"


@pytest.mark.parametrize("status", [1, 2])
def test_a_worker_that_has_said_why_it_cannot_start_ends_a_server_that_serves_nobody(status: int) -> None:
    life = Life(status, 1.0, served=False)
    assert hopeless(life, 1, others_serve=False)
    assert not hopeless(life, 50, others_serve=True)


def test_a_worker_that_is_killed_at_its_start_is_tried_five_times() -> None:
    life = Life(-signal.SIGKILL, 1.0, served=False)
    assert [hopeless(life, short, others_serve=False) for short in range(1, 6)] == [False] * 4 + [True]
    assert not hopeless(life, 50, others_serve=True)


def test_a_worker_that_has_served_is_always_started_again() -> None:
    assert not hopeless(Life(1, 1.0, served=True), 50, others_serve=False)
    assert not hopeless(KILLED, 50, others_serve=False)


def test_an_end_is_told_in_words() -> None:
    assert ending(KILLED) == "was ended by SIGKILL"
    assert ending(Life(-99, 1.0, served=True)) == "was ended by signal 99"
    assert ending(Life(3, 1.0, served=True)) == "ended with status 3"
    assert last_words(Life(3, 1.0, served=False), 1) == "it ended with status 3 before it could serve"
    assert last_words(Life(3, 1.0, served=False), 5).endswith(", 5 times in a row")


def test_an_orderly_end_is_told_from_one_in_which_a_worker_failed() -> None:
    orderly, starting = Life(0, 99.0, served=True), Life(143, 0.1, served=False)
    assert exit_status([orderly, orderly]) == 0
    assert exit_status([orderly, starting]) == 0
    assert exit_status([starting, starting]) == 143
    assert exit_status([orderly, KILLED]) == 128 + signal.SIGKILL
    assert exit_status([]) == 0
