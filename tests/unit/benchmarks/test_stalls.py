"""Which requests a stall of the machine has to do with."""

import os
import subprocess
import sys
import time

import pytest

from benchmarks.serving.stalls import undisturbed, watched


@pytest.mark.parametrize(
    ("span", "met"),
    [
        ((8.0, 9.9), False),
        ((8.0, 10.5), True),
        ((10.5, 10.6), True),
        ((12.4, 12.45), True),  # what had queued up is still being served
        ((12.6, 12.7), False),
        ((12.6, 20.5), True),
        ((20.5, 20.6), True),  # two stalls, the one within the other's wake
        ((22.6, 22.7), True),
        ((24.0, 25.0), False),
        ((8.0, 30.0), True),
    ],
)
def test_a_request_meets_a_stall_within_it_and_in_what_it_has_held_up(span: tuple[float, float], met: bool) -> None:
    stalls = [(10.0, 11.0), (20.0, 21.0), (21.5, 22.0)]
    assert list(undisturbed([span], stalls)) == [not met]


def test_without_stalls_all_requests_count() -> None:
    assert list(undisturbed([(1.0, 2.0), (3.0, 4.0)], [])) == [True, True]


def test_stalls_lie_within_the_time_that_was_watched() -> None:
    begin = time.perf_counter()
    with watched([(min(os.sched_getaffinity(0)), os.getpid())]) as stalls:
        time.sleep(0.5)
    assert all(begin < start < end < time.perf_counter() for start, end in stalls)


@pytest.mark.skipif(os.geteuid() != 0, reason="no real-time priority can be had: run as root")
def test_a_core_that_another_process_takes_is_a_stall() -> None:
    core = min(os.sched_getaffinity(0))
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        for process in others:
            os.sched_setaffinity(process.pid, {core})
        with watched([(core, others[0].pid)]) as stalls:
            time.sleep(2.0)
        stood = sum(end - begin for begin, end in stalls)
        assert stood > 0.5, "each has half of the core"
    finally:
        for process in others:
            process.kill()
            process.wait()
