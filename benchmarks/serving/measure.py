"""Drives load at servers, in turns."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import requests
from benchmarks.serving.load import Load, Outcome
from benchmarks.serving.models import Matrix
from benchmarks.serving.processes import cpu_seconds, halted, keep_on
from benchmarks.serving.requests import Body
from benchmarks.serving.servers import REPOSITORY, Server, ServerError

CONNECTIONS = 16
CONNECTIONS_AT_A_RATE = 64
"""More than are ever in use, as long as the server keeps up."""


@dataclass(frozen=True)
class Cores:
    """Who runs where."""

    server: list[int]
    generator: list[int]

    @property
    def all(self) -> list[int]:
        """Both."""
        return sorted({*self.server, *self.generator})

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """A core each where there are two; else they share one, and their ratios say less."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[:1], usable[1:2] or usable)


def say(text: str) -> None:
    """What is being done, for who waits."""
    print(f"== {text}", file=sys.stderr, flush=True)


class Driver:
    """Sends load to servers, and counts the rows that each was asked for."""

    def __init__(self, folder: Path, cores: Cores) -> None:
        """`folder` gets the requests' files."""
        self._folder, self._cores = folder, cores
        self._files: dict[tuple[str, Body, str, int], Path] = {}
        self.running: list[Server] = []
        """Those that stand still while another is measured."""
        self.rows: dict[str, int] = {}
        """Rows answered, by server."""

    def __call__(
        self,
        server: Server,
        size: int,
        seconds: float,
        *,
        path: str | None = None,
        body: Body | None = None,
        connections: int = CONNECTIONS,
        rate: float | None = None,
    ) -> Outcome:
        """One measurement with requests of `size` rows. ServerError if any request failed."""
        keep_on(server.cores, server.pid)
        file = self._file(path or server.path, server.model.rows, size, body or server.body)
        load = Load(
            port=server.port,
            requests_file=str(file),
            connections=connections,
            seconds=seconds,
            rate=rate,
            server=server.pid,
            cores=self._cores.generator,
            server_cores=server.cores if rate is not None else [],
        )
        with halted(other.pid for other in self.running if other is not server):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.serving.load"],
                input=json.dumps(dataclasses.asdict(load)),
                capture_output=True,
                text=True,
                cwd=REPOSITORY,
            )
        if done.returncode:
            raise ServerError(f"{server.name}: {done.stderr.strip()}")
        outcome = Outcome(**json.loads(done.stdout))
        if outcome.failed:
            raise ServerError(f"{server.name}: {outcome.failed} requests failed, the first with {outcome.problem}")
        self.count(server, size * outcome.answered_in_all)
        return outcome

    def count(self, server: Server, rows: int) -> None:
        """Note rows that a server answered."""
        self.rows[server.name] = self.rows.get(server.name, 0) + rows

    def _file(self, path: str, rows: Matrix, size: int, body: Body) -> Path:
        key = (path, body, f"{id(rows)}", size)
        if key not in self._files:
            file = self._files[key] = self._folder / f"requests-{len(self._files)}.json"
            file.write_text(requests.stored(requests.messages(path, rows, size, body)))
        return self._files[key]


Measurement = Callable[[], Outcome]


def rounds(count: int, measurements: Mapping[tuple[str, str], Measurement]) -> dict[tuple[str, str], list[Outcome]]:
    """Take all of them in turn, so many times."""
    results: dict[tuple[str, str], list[Outcome]] = {key: [] for key in measurements}
    for number in range(count):
        begin = time.monotonic()
        for (server, scenario), measurement in measurements.items():
            outcome = measurement()
            results[server, scenario].append(outcome)
            figures = f"{outcome.rate:,.0f}/s, {outcome.cpu_per_request * 1e6:,.0f} us"
            say(f"  {server}, {scenario}: {figures}, p50 {outcome.p50 * 1e3:.2f} ms, p99 {outcome.p99 * 1e3:.2f} ms")
        say(f"round {number + 1} of {count} took {time.monotonic() - begin:.0f} s")
    return results


def counted_from_outside(server: Server, send: Callable[[], tuple[int, float, float, float]]) -> Outcome:
    """The outcome of a generator that is a program of its own. `send` gives its answers, seconds, p50 and p99."""
    before = cpu_seconds(server.pid)
    answered, seconds, p50, p99 = send()
    used = cpu_seconds(server.pid) - before
    return Outcome(seconds, answered, 0, answered, used, 0.0, p50, p99)
