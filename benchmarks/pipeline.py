"""The whole way of a row under random faults: server, shipper and collector as real processes, and the account of rows.

Callers predict all the time. One fault follows another, chosen by the seed: processes that end, are killed or hang,
answers that get lost, disks that fill up or lie. The rows are compared one by one in the end: all that were answered
are stored once, as they were predicted, or named missing. Ends with 1 where that does not hold, or where rows are
missing that no fault has taken from a disk.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hack.shippers import PROGRAMS, executable
from tests.support.callers import Account, Callers, account
from tests.support.disasters import CLOCK_STEPS, HARMFUL, HARMLESS, LONG, collector_away
from tests.support.pipelines import CLOCK_LIBRARY, Pipeline
from tests.support.waiting import wait_for

_DISKS = {"log": 192 << 10, "state": 160 << 10, "data": 4 << 20}  # KiB
_LOG_BYTES = 96 << 20
_FIRST_ROWS = 500
_CALM_SECONDS = 8.0
_FAULT_SECONDS = 12.0
_REST_SECONDS = 900.0
_SETTLE_EVERY = 25
"""Faults between two times when all must come to rest."""


@dataclass
class Soak:
    """What was done and seen."""

    faults: Counter[str] = field(default_factory=Counter)
    harmful: int = 0
    rests: int = 0
    """How often the server was done with every row in between."""
    account: Account | None = None
    exit_status: int | None = None

    def mistakes(self) -> Sequence[str]:
        """What went wrong."""
        assert self.account is not None
        found = list(self.account.mistakes)
        if self.account.named_missing and not self.harmful:
            found.append(f"{self.account.named_missing} rows are missing, and no fault has taken any")
        if self.exit_status:
            found.append(f"the server ended with {self.exit_status}")
        return found


def say(begin: float, text: str) -> None:
    """A line of progress."""
    print(f"== {(time.monotonic() - begin) / 60:5.1f} min: {text}", file=sys.stderr, flush=True)


def progress(pipeline: Pipeline) -> str:
    """How many rows there are."""
    coverage = pipeline.collector.coverage()
    answered = len(pipeline.callers.answered)
    return f"{answered:,} rows answered, {coverage['stored']:,} stored, {coverage['duplicates']:,} duplicates dropped"


def choices(harmful: bool, clock: bool) -> list[str]:
    """The faults to choose from: of those that take rows for good there are few."""
    return [
        *sorted(HARMLESS) * 3,
        *sorted(LONG) * 2,
        *(sorted(CLOCK_STEPS) * 2 if clock else []),
        *(sorted(HARMFUL) if harmful else []),
    ]


def rest(pipeline: Pipeline) -> None:
    """Until the server is done with every row: whatever happened, it is over at some time."""
    wait_for("the collector is ready", pipeline.collector.ready)
    wait_for("the server is done with all rows", pipeline.at_rest, seconds=_REST_SECONDS)


def run(pipeline: Pipeline, minutes: float, seed: int, outage: float, *, harmful: bool, clock: bool) -> Soak:
    """Begin, go wrong for so long, end in good order, and compare. First the collector is away for `outage` seconds."""
    soak, chance, begin = Soak(), random.Random(seed), time.monotonic()
    disasters = HARMLESS | LONG | CLOCK_STEPS | HARMFUL
    names = choices(harmful, clock)
    if clock:
        pipeline.fake_clock(server=False)
    pipeline.start()
    pipeline.wait_for_stored(_FIRST_ROWS)
    say(begin, f"collector away for {outage:.0f} s; {progress(pipeline)}")
    collector_away(pipeline, chance, outage)
    while time.monotonic() - begin < 60 * minutes:
        name = chance.choice(names)
        seconds = chance.uniform(0, _FAULT_SECONDS)
        say(begin, f"{name} for {seconds:.1f} s; {progress(pipeline)}")
        soak.faults[name] += 1
        soak.harmful += name in HARMFUL
        disasters[name](pipeline, random.Random(chance.random()), seconds)
        time.sleep(chance.uniform(0, _CALM_SECONDS))
        if soak.faults.total() % _SETTLE_EVERY == 0:
            pipeline.callers.stop()
            rest(pipeline)
            soak.rests += 1
            pipeline.callers.start()
    pipeline.callers.stop()
    rest(pipeline)
    soak.exit_status = pipeline.server.terminate()
    pipeline.sidecar.terminate()
    say(begin, f"the end; {progress(pipeline)}")
    wait_for("everything is compacted", lambda: not pipeline.segments())
    soak.account = account(pipeline.callers, pipeline.collector.coverage(), pipeline.files())
    return soak


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="default: 30")
    parser.add_argument("--seed", type=int, default=1, help="the same seed chooses the same faults (default: 1)")
    parser.add_argument("--shipper", choices=sorted(PROGRAMS), default="SyslogNG", help="default: SyslogNG")
    parser.add_argument(
        "--pause", type=float, default=0.1, help="mean seconds between a caller's requests (default: 0.1)"
    )
    parser.add_argument(
        "--outage", type=float, default=150, help="seconds for which the collector is away at first (default: 150)"
    )
    parser.add_argument("--harmless", action="store_true", help="only faults after which every row must be stored")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="driftmonitor-pipeline-") as folder,
        Pipeline(arguments.shipper, executable(arguments.shipper), Path(folder), _DISKS) as pipeline,
    ):
        pipeline.callers = Callers(pipeline.server.url, rows=50, pause=arguments.pause, seed=arguments.seed)
        pipeline.server.changes |= {"LOG_LIMIT_BYTES": str(_LOG_BYTES), "LOG_ROTATE_BYTES": str(1 << 20)}
        clock = CLOCK_LIBRARY is not None
        soak = run(
            pipeline,
            arguments.minutes,
            arguments.seed,
            arguments.outage,
            harmful=not arguments.harmless,
            clock=clock,
        )
    print(f"The collector was away for {arguments.outage:.0f} s at once. Then, one after the other:\n")
    print("| Fault | Times |\n|---|---|")
    for name, times in sorted(soak.faults.items()):
        print(f"| {name.replace('_', ' ')} | {times} |")
    print(f"\n{arguments.shipper}, seed {arguments.seed}, {arguments.minutes:g} minutes: {soak.account}.")
    mistakes = soak.mistakes()
    print("\n".join(f"**{mistake}**" for mistake in mistakes) or "Nothing went wrong.")
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
