"""When a core was not there for the process that runs on it: the machine's host took it away, or others ran on it.

A virtual machine's host takes a core for milliseconds and does not say so. So a thread of the highest real-time
priority asks to be woken every millisecond: nothing in this machine may run in its place, and when it comes late the
core itself was away. What else runs in the machine, threads of the kernel above all, makes the process wait: the kernel
counts for how long its main thread was ready and did not run, and what its own threads ran meanwhile is left out.

Runs as a process of its own, `python -m benchmarks.serving.stalls CORE PROCESS`, until its standard input ends; then
its stalls come as JSON: begin and end in seconds of the monotonic clock.
"""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_INTERVAL_SECONDS = 0.001
_LATE_SECONDS = 0.0003
_LOOKS = 5
"""Intervals between two looks at how long the process has waited."""
_WAITED_SECONDS = 0.0005
"""More than this thread itself takes meanwhile."""
_PRIORITY = 50
_PROCESS_CLOCK = 2  # of another process, as clock_getcpuclockid makes its number

Stall = tuple[float, float]
"""Begin and end."""


@contextlib.contextmanager
def watched(places: Iterable[tuple[int, int]]) -> Iterator[list[Stall]]:
    """Watch these cores, each for the process that runs on it, while the block lasts. The list is filled, in order,
    when it ends. It stays empty where no real-time priority can be had."""
    found: list[Stall] = []
    command = [sys.executable, "-m", "benchmarks.serving.stalls"]
    watchers = [
        subprocess.Popen([*command, str(core), str(process)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for core, process in places
    ]
    try:
        yield found
    finally:
        for watcher in watchers:
            output, _ = watcher.communicate()
            found += [(begin, end) for begin, end in json.loads(output or b"[]")]
        found.sort()


def undisturbed(spans: Iterable[Stall], stalls: Sequence[Stall]) -> Iterator[bool]:
    """Whether each span met none of the stalls, which are in order, nor what had queued up in them: at half of the
    highest rate that takes as long again to be served, and half as long for good measure."""
    shadows: list[Stall] = []
    for begin, end in stalls:
        end += 1.5 * (end - begin)
        if shadows and begin <= shadows[-1][1]:
            shadows[-1] = shadows[-1][0], max(shadows[-1][1], end)
        else:
            shadows.append((begin, end))
    ends = [end for _, end in shadows]
    for begin, end in spans:
        place = bisect_left(ends, begin)
        yield place == len(shadows) or shadows[place][0] >= end


def _waited(process: int) -> float:
    """Seconds for which others ran while the main thread was ready, from any beginning. Its own threads are none."""
    ran, waited, _ = Path(f"/proc/{process}/schedstat").read_text().split()
    own_threads = time.clock_gettime((~process << 3) | _PROCESS_CLOCK) - int(ran) * 1e-9
    return int(waited) * 1e-9 - own_threads


def main() -> None:
    """Watch one core."""
    core, process = int(sys.argv[1]), int(sys.argv[2])
    os.sched_setaffinity(0, {core})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except OSError:
        sys.exit("no real-time priority: stalls of the machine cannot be told from the server's own")
    reader = threading.Thread(target=sys.stdin.read, daemon=True)
    reader.start()
    stalls = []
    due = looked = time.perf_counter()
    waited = _waited(process)
    for number in itertools.count(1):
        if not reader.is_alive():
            break
        due += _INTERVAL_SECONDS
        time.sleep(max(0.0, due - time.perf_counter()))
        now = time.perf_counter()
        if now - due > _LATE_SECONDS:
            stalls.append((due, now))
            due = now
        if number % _LOOKS == 0:
            before, waited = waited, _waited(process)
            if waited - before > _WAITED_SECONDS:
                stalls.append((looked, now))
            looked = now
    json.dump(sorted(stalls), sys.stdout)


if __name__ == "__main__":
    main()
