"""When a core stood still: a virtual machine's host takes it away for milliseconds and does not say so.

A thread of the highest real-time priority asks to be woken every millisecond. Nothing in this machine may run in its
place, so when it comes late the core itself was away. Runs as a process of its own, `python -m
benchmarks.serving.stalls CORE`, until its standard input ends; then its stalls come as JSON: begin and end in seconds
of the monotonic clock.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

_INTERVAL_SECONDS = 0.001
_LATE_SECONDS = 0.0003
_PRIORITY = 50

Stall = tuple[float, float]
"""Begin and end."""


@contextlib.contextmanager
def watched(cores: Iterable[int]) -> Iterator[list[Stall]]:
    """Watch these cores while the block lasts. The list is filled, in order, when it ends. It stays empty where no
    real-time priority can be had."""
    found: list[Stall] = []
    command = [sys.executable, "-m", "benchmarks.serving.stalls"]
    watchers = [
        subprocess.Popen([*command, str(core)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for core in set(cores)
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


def main() -> None:
    """Watch one core."""
    os.sched_setaffinity(0, {int(sys.argv[1])})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except OSError:
        sys.exit("no real-time priority: stalls of the machine cannot be told from the server's own")
    reader = threading.Thread(target=sys.stdin.read, daemon=True)
    reader.start()
    stalls = []
    due = time.perf_counter()
    while reader.is_alive():
        due += _INTERVAL_SECONDS
        time.sleep(max(0.0, due - time.perf_counter()))
        now = time.perf_counter()
        if now - due > _LATE_SECONDS:
            stalls.append((due, now))
            due = now
    json.dump(stalls, sys.stdout)


if __name__ == "__main__":
    main()
