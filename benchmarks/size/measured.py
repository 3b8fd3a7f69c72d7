"""Runs a program to its end and says what it took."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Taken:
    """What one process took, and what it printed."""

    cpu: float
    """Seconds, of all threads."""
    memory: int
    """Bytes: the largest resident set."""
    seconds: float
    output: str


def measure(module: str, arguments: list[str], output: Path) -> Taken:
    """`python -m module arguments`. Ends this program when it fails."""
    begin = time.monotonic()
    with output.open("w") as file:
        process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=file)
        _, status, usage = os.wait4(process.pid, 0)  # the only way to the memory of this child alone
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"python -m {module} {' '.join(arguments)} ended with {process.returncode}")
    kilobytes = 1024  # Linux
    seconds = time.monotonic() - begin
    return Taken(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * kilobytes, seconds, output.read_text())
