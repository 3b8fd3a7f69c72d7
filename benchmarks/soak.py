"""An hour of constant load on one server: memory stays flat, no request fails, no row is lost.

Behind it are the real collector and a plain shipper. The log rotates all the time, the collector is away for a third of
each period, ended and killed in turns, and callers come anew, send what is refused, and break off in the middle of a
request. Ends with 1 when memory grows in the later half, a request fails, or a row answered is not stored exactly once.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving import models, requests, servers
from benchmarks.serving.load import Load, Outcome
from benchmarks.serving.processes import resident, tree
from benchmarks.serving.servers import REPOSITORY, Server
from tests.support.shipping import TOKEN, Collector
from tests.support.waiting import wait_for

ROWS = 10  # of a request
_ROTATE_BYTES = 4 << 20
_SHIPPED_BYTES = 1 << 20
_POLL_SECONDS = 0.2
_AWAY = 1 / 3  # of a period


@dataclass(frozen=True)
class Sample:
    """The server at one moment."""

    seconds: float
    """Since the load began."""
    bytes: int
    """Resident memory of all of its processes."""
    log_bytes: int
    """Of the files in its log's folder."""


@dataclass
class Soak:
    """What was seen."""

    samples: list[Sample] = field(default_factory=list)
    answered: int = 0
    """Rows."""
    failed: int = 0
    """Requests."""
    problem: str = ""
    """The first failure."""
    stored: int = 0
    """Rows, each counted once."""
    outages: int = 0
    files: int = 0
    """Log files shipped."""
    refused: int = 0
    """Requests with a mistake, refused as they must be."""
    exit_status: int | None = None

    @property
    def growth(self) -> float:
        """Of the later half."""
        return percent_an_hour(later_half(self.samples))

    def mistakes(self, bound: float) -> list[str]:
        """What went wrong; `bound` is the growth allowed, percent an hour."""
        found = []
        if self.growth > bound:
            found.append(f"memory grew by {self.growth:.1f} % an hour in the later half; {bound:g} % are allowed")
        if self.failed:
            found.append(f"{self.failed} requests failed, the first with {self.problem}")
        if self.stored != self.answered:
            found.append(f"{self.answered} rows were answered and {self.stored} are stored")
        if self.exit_status:
            found.append(f"the server ended with {self.exit_status}")
        return found


def later_half(samples: Sequence[Sample]) -> list[Sample]:
    """Those after the middle of the time: at first every program grows."""
    middle = (samples[0].seconds + samples[-1].seconds) / 2
    return [sample for sample in samples if sample.seconds >= middle]


def percent_an_hour(samples: Sequence[Sample]) -> float:
    """Slope of the line of least squares through the memory, as a share of its mean."""
    times, sizes = [sample.seconds for sample in samples], [sample.bytes for sample in samples]
    mean_time, mean_size = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((moment - mean_time) ** 2 for moment in times)
    if not spread:
        return 0.0
    slope = sum((moment - mean_time) * (size - mean_size) for moment, size in zip(times, sizes, strict=True)) / spread
    return slope * 3600 / mean_size * 100


class Shipper:
    """Sends each line of the log to the collector, in order, again and again until it is taken."""

    def __init__(self, directory: Path, collector: Collector) -> None:
        """Nothing is sent before `run`."""
        self._directory, self._url = directory, f"{collector.url}/v1/records"
        self._offsets: dict[Path, int] = {}
        self.files = 0

    def run(self, stop: threading.Event) -> None:
        """Until told to stop and all is sent."""
        while not (self._ship() and stop.is_set()):
            time.sleep(_POLL_SECONDS)

    def _ship(self) -> bool:
        """Send what is new; whether all of it was taken."""
        for path in sorted(self._directory.rglob("predictions.*.jsonl")):
            if path not in self._offsets:
                self._offsets[path] = 0
                self.files += 1
            try:
                with path.open("rb") as file:
                    file.seek(self._offsets[path])
                    while lines := self._whole(file.read(_SHIPPED_BYTES)):
                        self._send(lines)
                        self._offsets[path] += len(lines)
                        file.seek(self._offsets[path])
            except FileNotFoundError:  # all of it was stored
                continue
            except OSError:  # the collector is away
                return False
        return True

    @staticmethod
    def _whole(block: bytes) -> bytes:
        return block[: block.rfind(b"\n") + 1]

    def _send(self, lines: bytes) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
        urllib.request.urlopen(urllib.request.Request(self._url, lines, headers), timeout=30).close()


def _outages(collector: Collector, period: float, stop: threading.Event, soak: Soak) -> None:
    """The collector is away at the end of each period; when this ends, it runs."""
    while not stop.wait(period * (1 - _AWAY)):
        soak.outages += 1
        if soak.outages % 2:
            collector.stop()
        else:
            collector.kill()
        stop.wait(period * _AWAY)
        collector.start()


def _nuisance(server: Server, stop: threading.Event, soak: Soak) -> None:
    """Each second one request that must be refused, and one that breaks off in its body."""
    content, headers = requests.named(server.model.rows[:1])
    wrong = requests.message(server.path, content.replace(b"feature_00", b"feature_xx"), headers)
    half = requests.message(server.path, content, headers)[: -len(content) // 2]
    while not stop.wait(1):
        try:
            servers.post(server.port, wrong)
        except ConnectionError as error:
            if str(error).startswith("HTTP/1.1 422"):
                soak.refused += 1
        except OSError:
            pass  # a slow machine
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection,
        ):
            connection.sendall(half)


def _watch(server: Server, interval: float, stop: threading.Event, soak: Soak) -> None:
    begin = time.monotonic()
    while not stop.wait(interval):
        memory = sum(map(resident, tree(server.pid)))
        sizes = []
        for path in server.log_directory.rglob("*.jsonl"):
            with contextlib.suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
        soak.samples.append(Sample(time.monotonic() - begin, memory, sum(sizes)))


@contextlib.contextmanager
def _meanwhile(*jobs: threading.Thread, stop: threading.Event) -> Iterator[None]:
    """Run them until the block ends."""
    for job in jobs:
        job.start()
    try:
        yield
    finally:
        stop.set()
        for job in jobs:
            job.join()


def _load(server: Server, file: Path, seconds: float, rate: float, soak: Soak) -> None:
    """Load from connections of its own."""
    load = Load(server.port, str(file), connections=16, seconds=seconds, warm_up=0, rate=rate, busy=False)
    command = [sys.executable, "-m", "benchmarks.serving.load"]
    done = subprocess.run(
        command, input=json.dumps(dataclasses.asdict(load)), capture_output=True, text=True, cwd=REPOSITORY
    )
    if done.returncode:
        soak.failed, soak.problem = soak.failed + 1, soak.problem or done.stderr.strip()
        return
    outcome = Outcome(**json.loads(done.stdout))
    soak.answered += outcome.answered_in_all * ROWS
    soak.failed += outcome.failed
    soak.problem = soak.problem or outcome.problem


def run(folder: Path, minutes: float, rate: float, period: float) -> Soak:
    """Serve for so long, `rate` requests per second, an outage and new callers each `period` seconds."""
    soak, stop, drained = Soak(), threading.Event(), threading.Event()
    collector = Collector(folder)
    model = models.small(folder)
    settings = {"LOG_ROTATE_BYTES": str(_ROTATE_BYTES), "REPORT_SECONDS": "1", "DRAIN_SECONDS": "60"}
    cores = sorted(os.sched_getaffinity(0))
    server = servers.ours(folder, model, collector.url, cores, token=TOKEN, settings=settings)
    file = folder / "requests.json"
    file.write_text(requests.stored(requests.messages(server.path, model.rows, ROWS, requests.named)))
    collector.start()
    try:
        wait_for("the collector is ready", collector.ready)
        server.start()
        shipper = Shipper(server.log_directory, collector)
        with _meanwhile(threading.Thread(target=shipper.run, args=(drained,)), stop=drained):
            with _meanwhile(
                threading.Thread(target=_outages, args=(collector, period, stop, soak)),
                threading.Thread(target=_nuisance, args=(server, stop, soak)),
                threading.Thread(target=_watch, args=(server, min(10.0, minutes / 2), stop, soak)),
                stop=stop,
            ):
                end = time.monotonic() + minutes * 60
                jitter = random.Random(1)  # so that callers and outages meet in every order
                while (left := end - time.monotonic()) > 0:
                    _load(server, file, min(left, period * jitter.uniform(0.3, 1)), rate, soak)
                    _tell(soak)
            wait_for("the collector is back", collector.ready)
            soak.answered += server.checked
            with contextlib.suppress(AssertionError):  # the mistakes say what is missing
                wait_for("every row is stored", lambda: collector.coverage()["stored"] >= soak.answered)
            soak.stored, soak.files = collector.coverage()["stored"], shipper.files
            server.stop(patience=90)
            soak.exit_status = server.exit_status
    finally:
        server.stop()
        collector.stop()
    return soak


def _tell(soak: Soak) -> None:
    if soak.samples:
        last = soak.samples[-1]
        sizes = f"{last.bytes / models.MIB:.1f} MiB of memory, {last.log_bytes / models.MIB:.1f} MiB of log"
        text = f"== {last.seconds / 60:.1f} min: {sizes}, {soak.answered:,} rows, {soak.outages} outages"
        print(text, file=sys.stderr, flush=True)


def table(soak: Soak, lines: int = 12) -> str:
    """For people."""
    step = max(1, len(soak.samples) // lines)
    rows = ["| Minute | Memory | Log |", "|---|---|---|"]
    for sample in soak.samples[::step]:
        sizes = f"{sample.bytes / models.MIB:.1f} MiB | {sample.log_bytes / models.MIB:.1f} MiB"
        rows.append(f"| {sample.seconds / 60:.1f} | {sizes} |")
    rows += [
        "",
        f"Memory in the later half: {soak.growth:+.1f} % an hour. {soak.answered:,} rows answered, "
        f"{soak.stored:,} stored, {soak.failed} requests failed, {soak.refused} refused as they must be. "
        f"{soak.files} log files, {soak.outages} outages of the collector.",
    ]
    return "\n".join(rows)


def main() -> None:
    """Soak and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="default: 60")
    parser.add_argument("--rate", type=float, default=300, help=f"requests of {ROWS} rows a second (default: 300)")
    parser.add_argument("--period", type=float, default=60, help="seconds between outages (default: 60)")
    parser.add_argument("--bound", type=float, default=5, help="percent an hour that memory may grow by (default: 5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="driftmonitor-soak-") as folder:
        soak = run(Path(folder), arguments.minutes, arguments.rate, arguments.period)
    print(table(soak))
    mistakes = soak.mistakes(arguments.bound)
    print("\n".join(f"**{mistake}**" for mistake in mistakes) or "Nothing went wrong.")
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
