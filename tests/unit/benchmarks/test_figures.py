"""Which promises the figures keep, by figures made up here."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.serving import figures
from benchmarks.serving.figures import BENTOML, HALF, MANY, MLSERVER, NAIVE, NOOP, ONE, OURS, UNLOGGED
from benchmarks.serving.load import Outcome
from benchmarks.serving.models import MIB

BASE = Outcome(
    seconds=2,
    answered=2,
    failed=0,
    answered_in_all=2,
    cpu_seconds=2,
    own_cpu_seconds=0,
    p50=0.01,
    p99=0.25,
    undisturbed=0.5,
    undisturbed_p50=0.01,
    undisturbed_p99=0.05,
)


def outcome(rate: float, **more: Any) -> Outcome:
    """One second of a server that uses a core."""
    return replace(BASE, seconds=1, answered=int(rate), cpu_seconds=1, **more)


def measured(**changes: list[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    """A run that just keeps each promise."""
    results = {
        (OURS, ONE): [outcome(6000)],
        (OURS, MANY): [outcome(500)],
        (OURS, HALF): [outcome(3000)],
        (UNLOGGED, ONE): [outcome(7000)],
        (UNLOGGED, MANY): [outcome(580)],
        (UNLOGGED, HALF): [outcome(3000)],
        (NAIVE, ONE): [outcome(1000)],
        (NAIVE, MANY): [outcome(100)],
        (NAIVE, HALF): [outcome(500)],
        (NOOP, ONE): [outcome(15000)],
        (NOOP, MANY): [outcome(9000)],
        (NOOP, HALF): [outcome(7500)],
    }
    for server in (MLSERVER, BENTOML):
        results |= {(server, ONE): [outcome(300)], (server, MANY): [outcome(90)], (server, HALF): [outcome(150)]}
    scenarios = {"one": ONE, "many": MANY, "half": HALF}
    for name, outcomes in changes.items():
        server, _, scenario = name.partition("_")
        results[{"ours": OURS, "naive": NAIVE, "mlserver": MLSERVER}[server], scenarios[scenario]] = outcomes
    return results


def missed(results: dict[tuple[str, str], list[Outcome]], memory: float = 100 * MIB, workers: int = 1) -> list[str]:
    return [target.promise for target in figures.targets(results, results, memory, workers) if not target.kept]


def test_a_run_at_the_bounds_keeps_every_promise() -> None:
    assert missed(measured()) == []
    assert len(figures.targets(measured(), measured(), 100 * MIB)) == 9


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"naive_one": [outcome(1001)]}, "6 x the requests/s of naive"),
        ({"naive_many": [outcome(101)]}, "5 x the requests/s of naive"),
        ({"mlserver_one": [outcome(301)]}, "20 x the requests/s of MLServer"),
        ({"ours_half": [outcome(3000, undisturbed_p99=0.051)]}, "p99"),
        ({"ours_half": [outcome(3000, undisturbed=0.49)]}, "p99"),
        ({"ours_one": [replace(outcome(6000), cpu_seconds=1.01)]}, "CPU per request of no-op"),
        ({"ours_many": [outcome(490)], "naive_many": [outcome(90)]}, "100 rows: logging"),
    ],
)
def test_a_figure_beyond_its_bound_misses_its_promise(changes: dict[str, list[Outcome]], promise: str) -> None:
    (found,) = missed(measured(**changes))
    assert promise in found


def test_memory_counts_for_each_worker() -> None:
    assert missed(measured(), 200 * MIB) == ["A worker takes less than 150 MiB"]
    assert missed(measured(), 200 * MIB, workers=2) == []


def test_a_peer_that_could_not_be_installed_is_left_out() -> None:
    results = {key: value for key, value in measured().items() if key[0] != BENTOML}
    assert not any("BentoML" in target.promise for target in figures.targets(results, results, 0))
    assert "BentoML" not in figures.main_table(results, {name: 0.0 for name, _ in results})


def test_ratios_are_taken_within_a_round_and_one_bad_round_does_not_count() -> None:
    ours, naive = [outcome(6000), outcome(600), outcome(60)], [outcome(1000), outcome(100), outcome(30)]
    assert figures.ratio(measured(ours_one=ours, naive_one=naive), OURS, NAIVE, ONE, figures.rate) == 6


def test_the_main_table_has_a_line_for_each_server_and_the_same_number_of_cells() -> None:
    lines = figures.main_table(measured(), dict.fromkeys((OURS, NAIVE, NOOP), 64.0 * MIB)).splitlines()
    assert len(lines) == 5
    assert len({line.count("|") for line in lines}) == 1
    assert "| DriftMonitor | 6,000 | 6.00 | 167 us | 10.00 ms | 250.00 ms | 500 | 5.00 | 2,000 us | 64 MiB |" in lines


@pytest.mark.parametrize(
    ("gains", "choice"),
    [
        ([0.5, 1.2], "off: 0.5 to 1.2 x"),
        ([0.5, 1.5], "off, or on where very many call at once: 0.5 to 1.5 x"),
        ([1.3, 2.0], "on where many call at once: 1.3 to 2.0 x"),
    ],
)
def test_batching_is_advised_where_it_brings_a_quarter(gains: list[float], choice: str) -> None:
    assert figures.advice(gains) == f"{choice} the requests/s"


def test_the_table_of_batching_shows_what_few_callers_wait_and_what_many_gain() -> None:
    results = {
        ("trees", "1 caller"): [outcome(900, p50=0.001)],
        ("trees", "16 callers"): [outcome(1000)],
        ("trees, batching", "1 caller"): [outcome(300, p50=0.003)],
        ("trees, batching", "16 callers"): [outcome(3000)],
    }
    lines = figures.batching_table(results, ["trees"], ["1 caller", "16 callers"]).splitlines()
    assert lines[-1] == (
        "| trees | 1.00 ms | 3.00 ms | 1,000 | 3,000 | on where many call at once: 3.0 to 3.0 x the requests/s |"
    )
