"""`python -m benchmarks.serving`."""

import argparse
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import benchmarks.serving
from benchmarks.serving import figures, grpc_load, models, requests, servers
from benchmarks.serving.collector import Collector, confirming
from benchmarks.serving.environments import NotInstalledError
from benchmarks.serving.figures import HALF, MANY, ONE
from benchmarks.serving.load import Outcome
from benchmarks.serving.measure import CONNECTIONS_AT_A_RATE, Cores, Driver, Measurement, rounds, say
from benchmarks.serving.models import ServedModel
from benchmarks.serving.processes import memory
from benchmarks.serving.servers import Server, ServerError
from hack.cluster.errors import ClusterError

Results = dict[tuple[str, str], list[Outcome]]
SIZES = {ONE: 1, MANY: 100}
PARTS = ("servers", "protocols", "workers", "batching")
CALLERS = (1, 16, 64)
PAIRS = 12
"""A difference of a tenth is less than this machine's noise within a round: so many short ones tell it for each."""


class Benchmark:
    """One run on this machine."""

    def __init__(self, folder: Path, collector: Collector, cores: Cores, seconds: float, repeated: int) -> None:
        """`seconds` of one measurement, each of which is `repeated`."""
        self._folder, self._collector = folder, collector
        self._seconds, self._rounds = seconds, repeated
        self._cores = cores
        self._driver = Driver(folder, self._cores)
        say("train the classifier")
        self._model = models.small(folder)

    def servers(self) -> tuple[str, bool]:
        """Ours beside the others: its tables, and whether every promise is kept."""
        cores = self._cores.server
        ours = self._ours(figures.OURS)
        unlogged = self._ours(figures.UNLOGGED, logging=False)
        naive = servers.naive(self._folder, self._model, cores)
        others: list[Server] = []
        skipped: list[str] = []
        for name, make in ((figures.MLSERVER, servers.mlserver), (figures.BENTOML, servers.bentoml)):
            try:
                others.append(make(self._folder, self._model, cores))
            except NotInstalledError as error:
                skipped.append(f"{name} is left out, since it cannot be installed: {error}.")
        with self._running([ours, unlogged, naive, *others]):
            answers = [
                servers.post(ours.port, requests.message(ours.path, *requests.named(self._model.rows[:size])))
                for size in SIZES.values()
            ]
            self._driver.count(ours, sum(SIZES.values()))
            noop = servers.noop(self._folder, self._model, cores, *answers)
            with self._running([noop]):
                found = [ours, unlogged, naive, noop, *others]
                results = rounds(self._rounds, self._scenarios(found))
                pairs = rounds(self._rounds * PAIRS, self._pairs(ours, unlogged))
                used = {server.name: float(memory(server.pid)) for server in found}
        self._check_logged(ours)
        targets = figures.targets(results, pairs, used[ours.name])
        tables = [figures.main_table(results, used), figures.targets_table(targets), *skipped]
        return "\n\n".join(tables), all(target.kept for target in targets)

    def protocols(self) -> str:
        """The ways to call our server."""
        server = self._ours("protocols")
        path = f"/v2/models/{self._model.name}/infer"
        ways: dict[str, Callable[[int], Outcome]] = {
            "JSON of named features": partial(self._send, server, None, None),
            "Open Inference Protocol, JSON": partial(self._send, server, path, requests.tensor),
            "Open Inference Protocol, binary": partial(self._send, server, path, requests.binary),
        }
        notes = []
        try:
            ghz = grpc_load.GHZ.ensure()
            ways["Open Inference Protocol, gRPC"] = partial(self._send_grpc, ghz, server)
        except ClusterError as error:
            notes.append(f"gRPC is left out, since its load generator cannot be built: {error}")
        with self._running([server]):
            measurements = {
                (way, scenario): partial(send, size) for way, send in ways.items() for scenario, size in SIZES.items()
            }
            results = rounds(self._few, measurements)
        self._check_logged(server)
        return "\n\n".join([figures.ways_table(results, list(ways)), *notes])

    def workers(self) -> str:
        """One and two workers on every core, which the load generator needs as well."""
        counts = {f"{count} worker{'s' * (count > 1)}": count for count in (1, 2)}
        found = [self._ours(name, workers=count, cores=self._cores.all) for name, count in counts.items()]
        with self._running(found):
            measurements = {
                (server.name, scenario): partial(self._send, server, None, None, size, connections=64)
                for server in found
                for scenario, size in SIZES.items()
            }
            results = rounds(self._few, measurements)
            used = [memory(server.pid) / server.workers / models.MIB for server in found]
        for server in found:
            self._check_logged(server)
        sizes = "; ".join(f"{name}: {size:.0f} MiB each" for name, size in zip(counts, used, strict=True))
        return f"{figures.ways_table(results, list(counts))}\n\nMemory of a worker: {sizes}."

    def batching(self) -> str:
        """Whether to collect rows of several requests, by model and number of callers."""
        say("train the large models")
        named = {
            "100 trees of depth 3": self._model,
            "500 trees of depth 10": models.many_trees(self._folder),
            "2 layers of 2,048 neurons": models.wide_network(self._folder),
        }
        measurements: dict[tuple[str, str], Measurement] = {}
        scenarios = [f"{callers} caller{'s' * (callers > 1)}" for callers in CALLERS]
        found = []
        for name, model in named.items():
            for batching in (None, {"maxBatchSize": 32, "maxLatency": "2ms"}):
                server = self._ours(figures.batched(name) if batching else name, model=model, batching=batching)
                found.append(server)
                for callers, scenario in zip(CALLERS, scenarios, strict=True):
                    measurements[server.name, scenario] = partial(
                        self._send, server, None, None, 1, connections=callers
                    )
        with self._running(found):
            results = rounds(self._few, measurements)
        return figures.batching_table(results, list(named), scenarios)

    @property
    def _few(self) -> int:
        """Rounds where nothing is promised."""
        return min(3, self._rounds)

    def _ours(
        self,
        name: str,
        *,
        model: ServedModel | None = None,
        logging: bool = True,
        workers: int = 1,
        batching: dict[str, object] | None = None,
        cores: list[int] | None = None,
    ) -> Server:
        return servers.ours(
            self._folder,
            model or self._model,
            self._collector.url,
            cores or self._cores.server,
            name=name,
            logging=logging,
            workers=workers,
            batching=batching,
        )

    @contextlib.contextmanager
    def _running(self, found: Sequence[Server]) -> Iterator[None]:
        try:
            for server in found:
                say(f"start {server.name}")
                server.start()
                self._driver.running.append(server)
            yield
        finally:
            self._driver.running = [server for server in self._driver.running if server not in found]
            for server in found:
                server.stop()

    def _scenarios(self, found: Sequence[Server]) -> dict[tuple[str, str], Measurement]:
        """Server after server in each scenario, so that those that are compared are measured one after the other."""
        highest: dict[str, float] = {}

        def one(server: Server) -> Outcome:
            outcome = self._send(server, None, None, 1)
            highest[server.name] = outcome.rate
            return outcome

        def many(server: Server) -> Outcome:
            return self._send(server, None, None, SIZES[MANY])

        def half(server: Server) -> Outcome:
            rate = highest[server.name] / 2
            return self._send(server, None, None, 1, connections=CONNECTIONS_AT_A_RATE, rate=rate)

        scenarios = {ONE: one, MANY: many, HALF: half}
        return {(server.name, name): partial(send, server) for name, send in scenarios.items() for server in found}

    def _pairs(self, ours: Server, unlogged: Server) -> dict[tuple[str, str], Measurement]:
        """What logging costs: the two one right after the other, for a short time, as the machine's speed drifts."""
        seconds = self._seconds / 2
        return {
            (server.name, scenario): partial(self._driver, server, size, seconds)
            for scenario, size in SIZES.items()
            for server in (unlogged, ours)
        }

    def _send(
        self,
        server: Server,
        path: str | None,
        body: requests.Body | None,
        size: int,
        *,
        connections: int = 16,
        rate: float | None = None,
    ) -> Outcome:
        return self._driver(server, size, self._seconds, path=path, body=body, connections=connections, rate=rate)

    def _send_grpc(self, ghz: Path, server: Server, size: int) -> Outcome:
        outcome = grpc_load.drive(ghz, server, size, self._seconds, self._cores.generator)
        self._driver.count(server, size * outcome.answered_in_all)
        return outcome

    def _check_logged(self, server: Server) -> None:
        """Each row answered was logged. The server has ended, and has reported all that it wrote."""
        written = sum(rows for writer, rows in self._collector.written.items() if writer.startswith(f"{server.uid}/"))
        answered = self._driver.rows[server.name] + server.checked
        if written != answered:
            raise ServerError(f"{server.name} answered {answered} rows and logged {written}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=benchmarks.serving.__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement (default: 5)")
    parser.add_argument("--seconds", type=float, default=2.5, help="of each measurement (default: 2.5)")
    arguments = parser.parse_args()
    parts: list[str] = arguments.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part called {', '.join(sorted(unknown))}; one of {', '.join(PARTS)}")
    begin, kept = time.monotonic(), True
    cores = Cores.of_this_machine()
    os.sched_setaffinity(0, cores.generator)  # the collector is no part of the server, whose core is its own
    with tempfile.TemporaryDirectory(prefix="driftmonitor-serving-") as folder, confirming() as collector:
        try:
            benchmark = Benchmark(Path(folder), collector, cores, arguments.seconds, arguments.rounds)
            for part in parts:
                if part == "servers":
                    text, kept = benchmark.servers()
                else:
                    text = getattr(benchmark, part)()
                print(f"{TITLES[part]}\n\n{text}\n", flush=True)
        except ServerError as error:
            sys.exit(str(error))
    python = platform.python_version()
    print(f"Python {python}, {os.cpu_count()} cores, {(time.monotonic() - begin) / 60:.1f} min.")
    sys.exit(0 if kept else 1)


TITLES = {
    "servers": "20 features, JSON, 16 callers, one core for the server; ours logs every row:",
    "protocols": "The same server by its protocols, 16 callers:",
    "workers": "Workers on all cores, which the load generator needs as well, 64 callers:",
    "batching": "One row a request; `serving.batching` off, and on with 32 rows and 2 ms:",
}

if __name__ == "__main__":
    main()
