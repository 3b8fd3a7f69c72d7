"""`python -m benchmarks.ingest`."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import benchmarks.ingest
from benchmarks.ingest import reading, servers
from benchmarks.ingest.rows import BODY_ROWS, Rows
from benchmarks.ingest.servers import Server
from benchmarks.serving.processes import cpu_seconds, resident

PARTS = ("rate", "rows", "window")
_MIB = 1 << 20
_DIFFERENT_ROWS = reading.ROWS // reading.HOURS
_SAMPLES = 100


@dataclass(frozen=True)
class Taken:
    """What one measurement of some rows took."""

    rows: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of CPU a row."""
        return self.cpu / self.rows * 1e6


def say(text: str) -> None:
    """What is being done, for who waits."""
    print(f"== {text}", file=sys.stderr, flush=True)


def measured(server: Server, rows: Rows, bodies: int, until: Callable[[], None] = lambda: None) -> Taken:
    """Send so many bodies, and wait for what is to be counted with them."""
    before = cpu_seconds(server.pid)
    seconds = servers.send(server, partial(rows.body, array=server.array), bodies)
    until()
    return Taken(bodies * BODY_ROWS, seconds, cpu_seconds(server.pid) - before)


def compacted(server: Server) -> None:
    """Wait until all rows lie in Parquet files."""
    while server.metric("log_segments"):
        time.sleep(0.1)


def rate(folder: Path, rows: Rows, rounds: int, core: set[int]) -> str:
    """The collector beside FastAPI."""
    # Each beside the peer that does the same work.
    pairs = {
        "The collector, until acknowledged": "FastAPI, `list[Model]`, into a file",
        "The collector, with the making of Parquet files": "FastAPI, `list[Model]`, into a file and Parquet files",
    }
    alone = "FastAPI, `list[Model]`, nothing is stored"
    names = [name for pair in pairs.items() for name in pair] + [alone]
    results: dict[str, list[Taken]] = {name: [] for name in names}
    with (
        servers.collector(folder / "all", core, 1) as everything,
        servers.peer(core, folder / "peer") as peer,
        servers.peer(core, folder / "columnar", parquet=True) as columnar,
        servers.peer(core, None) as storeless,
    ):
        for number in range(rounds + 1):  # the first warms up
            say(f"rate: round {number} of {rounds}")
            with servers.collector(folder / f"log-{number}", core, 3600) as log:
                servers.send(log, rows.body, 5)
                accepted = measured(log, rows, 80)  # no segment is full yet, so nothing is compacted
            found = (
                accepted,
                measured(peer, rows, 20),
                measured(everything, rows, 100, partial(compacted, everything)),
                measured(columnar, rows, 100),  # one file
                measured(storeless, rows, 20),
            )
            if number:
                for name, taken in zip(names, found, strict=True):
                    results[name].append(taken)
    head = "| Rows of 20 features | rows/s | CPU a row | rows/s and CPU beside FastAPI into a file | beside its equal |"
    lines = [head, "|---|---|---|---|---|"]
    median = statistics.median
    file = results[names[1]]
    for name in names:
        ours, equal = results[name], beside(results[name], results[pairs[name]]) if name in pairs else ""
        rates, costs = median(taken.rate for taken in ours), median(taken.cost for taken in ours)
        lines.append(f"| {name} | {rates:,.0f} | {costs:.1f} us | {beside(ours, file)} | {equal} |")
    return "\n".join(lines)


def beside(ours: Sequence[Taken], theirs: Sequence[Taken]) -> str:
    """How many times the rate, and for how little of the CPU; the median of the rounds' ratios."""
    rounds = list(zip(ours, theirs, strict=True))
    rate = statistics.median(one.rate / other.rate for one, other in rounds)
    cost = statistics.median(other.cost / one.cost for one, other in rounds)
    return f"{rate:.1f} x, {cost:.1f} x"


def memory(server: Server, rows: Rows, total: int) -> str:
    """Send the rows and watch the memory."""
    bodies, found = total // BODY_ROWS, [resident(server.pid)]
    begin, before, step = time.monotonic(), cpu_seconds(server.pid), -(-bodies // _SAMPLES)
    while server.sent < bodies:
        servers.send(server, rows.body, min(step, bodies - server.sent))
        found.append(resident(server.pid))
        if len(found) % 10 == 0:
            say(f"rows: {server.sent * BODY_ROWS:,} of {total:,}, {found[-1] / _MIB:.0f} MiB")
    compacted(server)
    seconds, cpu = time.monotonic() - begin, cpu_seconds(server.pid) - before
    third = len(found) // 3
    texts = [
        f"{bodies * BODY_ROWS:,} rows in {seconds:.0f} s, {cpu / bodies / BODY_ROWS * 1e6:.1f} us of CPU a row.",
        f"Resident memory: {found[0] / _MIB:.0f} MiB at the start, {max(found[1:third]) / _MIB:.0f} MiB at most in the "
        f"first third, {max(found[-third:]) / _MIB:.0f} MiB in the last.",
    ]
    return "\n".join(texts)


def size(data: Path, rows: Rows, total: int) -> str:
    """Bytes a row in Parquet."""
    files = [path.stat().st_size for path in (data / "records").rglob("*.parquet")]
    text = f"{sum(files) / total:.1f} bytes a row in {len(files)} Parquet files"
    return f"{text}, {rows.bytes:.0f} as JSON."


def main() -> None:
    """Measure, and print Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest",
        description=benchmarks.ingest.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="of what is compared (default: 7)")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of `rows` (default: 10,000,000)")
    arguments = parser.parse_args()
    parts: list[str] = arguments.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part called {', '.join(sorted(unknown))}; one of {', '.join(PARTS)}")
    usable = sorted(os.sched_getaffinity(0))
    core, total = {usable[0]}, max(arguments.rows if "rows" in parts else 0, reading.ROWS)
    rows = Rows(_DIFFERENT_ROWS)
    os.sched_setaffinity(0, set(usable[1:2] or usable))
    with tempfile.TemporaryDirectory(prefix="driftmonitor-ingest-") as name:
        folder = Path(name)
        if "rate" in parts:
            print(rate(folder, rows, arguments.rounds, core), flush=True)
        if "rows" in parts or "window" in parts:
            with servers.collector(folder / "rows", set(usable) if "rows" not in parts else core, 5) as server:
                print("\n" + memory(server, rows, total))
                print(size(folder / "rows" / "data", rows, total), flush=True)
                if "window" in parts:
                    os.sched_setaffinity(0, set(usable))
                    os.sched_setaffinity(server.pid, set(usable))
                    print("\n" + reading.compare(server, folder / "rows" / "data", arguments.rounds, say))


if __name__ == "__main__":
    main()
