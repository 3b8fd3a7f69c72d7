import threading
import time

import pytest

from driftmonitor_operator.gate import Gate, ShutError, Verdict

AWAY = Verdict(False)
HERE = Verdict(True)


class Apiserver:
    """Answers probes with what lies ready, and counts them."""

    def __init__(self, *answers: Verdict) -> None:
        self.answers, self.probes = list(answers), 0

    def probe(self) -> Verdict:
        self.probes += 1
        return self.answers.pop(0) if self.answers else HERE


def enter_in_threads(gate: Gate, count: int) -> list[threading.Thread]:
    threads = [threading.Thread(target=gate.enter, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_an_open_gate_lets_everybody_through_without_a_probe() -> None:
    apiserver = Apiserver()
    gate = Gate(apiserver.probe)
    gate.enter()
    gate.report(HERE, write=True)
    gate.enter()
    assert (apiserver.probes, gate.closed) == (0, False)


def test_of_all_that_wait_one_probes_until_the_apiserver_is_back() -> None:
    apiserver = Apiserver(AWAY, AWAY, HERE)
    gate = Gate(apiserver.probe, base_seconds=0.01)
    gate.report(AWAY, write=False)
    assert gate.closed
    for thread in enter_in_threads(gate, 8):
        thread.join(10)
        assert not thread.is_alive()
    assert (apiserver.probes, gate.closed) == (3, False)


def test_the_delays_double_up_to_the_longest() -> None:
    now, waits = [0.0], []

    def probe() -> Verdict:
        waits.append(now[0])
        return AWAY if len(waits) < 7 else HERE

    gate = Gate(probe, base_seconds=0.5, longest_seconds=4.0, clock=lambda: now[0])
    gate.report(AWAY, write=False)
    (thread,) = enter_in_threads(gate, 1)
    while thread.is_alive():
        now[0] += 0.25
        time.sleep(0.005)
        with gate._condition:  # the clock of the test does not wake it
            gate._condition.notify_all()
    gaps = [later - earlier for earlier, later in zip([0.0, *waits], waits, strict=False)]
    assert gaps == pytest.approx([0.5, 1, 2, 4, 4, 4, 4], abs=0.3)


def test_the_apiserver_is_left_alone_for_as_long_as_it_asks() -> None:
    apiserver = Apiserver()
    gate = Gate(apiserver.probe, base_seconds=0.001)
    gate.report(Verdict(False, retry_after=0.3), write=True)
    begin = time.monotonic()
    gate.enter()
    assert time.monotonic() - begin >= 0.3


def test_reads_that_pass_do_not_shorten_the_delay_while_writes_fail() -> None:
    gate = Gate(Apiserver().probe, base_seconds=0.02, longest_seconds=60)
    delays = []
    for _ in range(5):
        gate.report(AWAY, write=True)
        begin = time.monotonic()
        gate.enter()  # the probe passes
        delays.append(time.monotonic() - begin)
        gate.report(HERE, write=False)
    assert delays[4] > 2 * delays[2] > 4 * 0.02
    gate.report(HERE, write=True)
    gate.report(AWAY, write=True)
    begin = time.monotonic()
    gate.enter()
    assert time.monotonic() - begin < delays[4]


def test_a_shut_gate_holds_nobody_but_still_lets_through_while_it_is_open() -> None:
    gate = Gate(Apiserver(AWAY, AWAY, AWAY).probe, base_seconds=60)
    gate.report(AWAY, write=False)
    refused = threading.Event()

    def enter() -> None:
        try:
            gate.enter()
        except ShutError:
            refused.set()

    threading.Thread(target=enter, daemon=True).start()
    gate.shut()
    assert refused.wait(10)
    opened = Gate(Apiserver().probe)
    opened.shut()
    opened.enter()
