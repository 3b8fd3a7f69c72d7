"""What the measurements say: medians, ratios, targets and tables. Pure."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.serving.load import Outcome
from benchmarks.serving.models import MIB

ONE, MANY, HALF = "one row", "100 rows", "one row at half rate"
OURS, UNLOGGED, NAIVE, NOOP = "DriftMonitor", "DriftMonitor, no log", "naive FastAPI", "no-op ASGI"
MLSERVER, BENTOML = "MLServer", "BentoML"

Results = Mapping[tuple[str, str], Sequence[Outcome]]
"""One outcome a round, by server and scenario."""


def rate(outcome: Outcome) -> float:
    """Requests per second."""
    return outcome.rate


def cpu(outcome: Outcome) -> float:
    """CPU seconds a request."""
    return outcome.cpu_per_request


def median(results: Results, server: str, scenario: str, figure: Callable[[Outcome], float]) -> float:
    """Over the rounds."""
    return statistics.median(map(figure, results[server, scenario]))


def ratio(results: Results, server: str, other: str, scenario: str, figure: Callable[[Outcome], float]) -> float:
    """Median of the rounds' ratios: both were measured within the same minute."""
    pairs = zip(results[server, scenario], results[other, scenario], strict=True)
    return statistics.median(figure(one) / figure(two) for one, two in pairs)


@dataclass(frozen=True)
class Target:
    """A promise and what was measured."""

    promise: str
    measured: str
    kept: bool


def _at_least(results: Results, other: str, scenario: str, bound: float) -> Target:
    """Judged by the requests per second; what the same CPU time brings is shown beside."""
    faster = ratio(results, OURS, other, scenario, rate)
    cheaper = ratio(results, other, OURS, scenario, cpu)
    promise = f"{scenario[0].upper()}{scenario[1:]}: at least {bound:g} x the requests/s of {other}"
    return Target(promise, f"{faster:.1f} x ({cheaper:.1f} x for the same CPU time)", faster >= bound)


def targets(results: Results, pairs: Results, memory_bytes: float, workers: int = 1) -> list[Target]:
    """What the server promises; `pairs` are of it with and without its log. Peers that could not be installed are left
    out."""
    found = [_at_least(results, NAIVE, ONE, 6)]
    found += [_at_least(results, peer, ONE, 20) for peer in (MLSERVER, BENTOML) if (peer, ONE) in results]
    limit = ratio(results, OURS, NOOP, ONE, cpu)
    found.append(Target(f"One row: at most 2.5 x the CPU per request of {NOOP}", f"{limit:.2f} x", limit <= 2.5))
    found.append(_at_least(results, NAIVE, MANY, 5))
    for scenario in (ONE, MANY):
        share = 1 - ratio(pairs, OURS, UNLOGGED, scenario, rate)
        cost = 1 - ratio(pairs, UNLOGGED, OURS, scenario, cpu)
        promise = f"{scenario[0].upper()}{scenario[1:]}: logging costs at most 15 % of the requests/s"
        found.append(Target(promise, f"{share:.0%} ({cost:.0%} of the CPU time)", share <= 0.15))
    found.append(_tail(results))
    memory = memory_bytes / workers / MIB
    found.append(Target("A worker takes less than 150 MiB", f"{memory:.0f} MiB", memory < 150))
    return found


def _tail(results: Results) -> Target:
    """Judged by the requests that met no stall of the machine: of those that did, p99 is the machine's. If these are
    most of them, nothing can be said."""
    outcomes = results[OURS, HALF]
    tail = statistics.median(outcome.undisturbed_p99 / outcome.undisturbed_p50 for outcome in outcomes)
    calm = statistics.median(outcome.undisturbed for outcome in outcomes)
    raw, limit = (statistics.median(each.p99 / each.p50 for each in results[name, HALF]) for name in (OURS, NOOP))
    measured = (
        f"{tail:.1f} x of the {calm:.0%} of requests that met no stall of the machine"
        f" ({raw:.1f} x of all; {NOOP}: {limit:.1f} x)"
    )
    return Target("p99 at half of the highest rate is at most 5 x p50", measured, tail <= 5 and calm >= 0.5)


def targets_table(found: Iterable[Target]) -> str:
    """For people."""
    rows = [[target.promise, target.measured, "kept" if target.kept else "**missed**"] for target in found]
    return _table(["Promise", "Measured", ""], rows)


def main_table(results: Results, memory_bytes: Mapping[str, float]) -> str:
    """The servers side by side."""
    head = ["Server", "One row: requests/s", "x naive", "CPU a request", "p50 at half rate", "p99 at half rate"]
    head += ["100 rows: requests/s", "x naive", "CPU a request", "Memory"]
    rows = []
    for name, memory in memory_bytes.items():
        row = [name]
        for scenario in (ONE, MANY):
            row += [
                f"{median(results, name, scenario, rate):,.0f}",
                f"{ratio(results, name, NAIVE, scenario, rate):.2f}",
                _micro(median(results, name, scenario, cpu)),
            ]
            if scenario == ONE:
                row += [
                    _milli(median(results, name, HALF, lambda outcome: outcome.p50)),
                    _milli(median(results, name, HALF, lambda outcome: outcome.p99)),
                ]
        rows.append([*row, f"{memory / MIB:.0f} MiB"])
    return _table(head, rows)


def ways_table(results: Results, ways: Sequence[str], scenarios: Sequence[str] = (ONE, MANY)) -> str:
    """Several ways to call our server."""
    head = ["Way"]
    for scenario in scenarios:
        head += [f"{scenario[0].upper()}{scenario[1:]}: requests/s", "CPU a request"]
    rows = []
    for way in ways:
        row = [way]
        for scenario in scenarios:
            row += [
                f"{median(results, way, scenario, rate):,.0f}",
                _micro(median(results, way, scenario, cpu)),
            ]
        rows.append(row)
    return _table(head, rows)


def batched(model: str) -> str:
    """The name of a model's server that collects rows."""
    return f"{model}, batching"


def batching_table(results: Results, models: Sequence[str], scenarios: Sequence[str]) -> str:
    """Each model with and without batching, and which of the two to choose. The first scenario is that of few callers:
    its latency is shown, for they only wait."""
    few, *many = scenarios
    head = ["Model", f"{few}: p50 off", "on"]
    for scenario in many:
        head += [f"{scenario}: requests/s off", "on"]
    rows = []
    for model in models:
        servers = (model, batched(model))
        row = [model, *(_milli(median(results, server, few, lambda outcome: outcome.p50)) for server in servers)]
        for scenario in many:
            row += [f"{median(results, server, scenario, rate):,.0f}" for server in servers]
        gains = [ratio(results, batched(model), model, scenario, rate) for scenario in many]
        rows.append([*row, advice(gains)])
    return _table([*head, "Choose"], rows)


def advice(gains: Sequence[float]) -> str:
    """Whether to turn batching on, by the throughput that it brought with each number of callers, the fewest first. It
    costs some latency whenever there are few, so it must bring a quarter."""
    shown = f"{min(gains):.1f} to {max(gains):.1f} x the requests/s"
    if min(gains) >= 1.25:
        return f"on where many call at once: {shown}"
    if max(gains) >= 1.25:
        return f"off, or on where very many call at once: {shown}"
    return f"off: {shown}"


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} us"


def _milli(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
