"""Long commands: their output in a log file, its last line as progress, its end in the error."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster.errors import ClusterError
from hack.cluster.progress import Step

_TAIL_LINES = 25
_CONTROL = re.compile(r"\x1b\[[0-9;]*m")


def run_logged(command: Sequence[str], log: Path, step: Step, environment: Mapping[str, str] | None = None) -> None:
    """Run to its end. Raises ClusterError with the end of its output when it fails."""
    lines: list[str] = []
    with log.open("a") as file:
        file.write(f"$ {' '.join(command)}\n")
        process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=0o022,  # a strict umask of the caller would make files that the image's user cannot read
        )
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
                lines = [*lines[1 - _TAIL_LINES :], _CONTROL.sub("", line.rstrip())]
                step.update(lines[-1].strip()[:70])
    if process.returncode:
        raise ClusterError(f"building {log.stem} failed:\n" + "\n".join(lines), f"the whole output is in {log}")


def succeeds(command: Sequence[str], timeout_seconds: float = 30.0) -> bool:
    """Whether the command ends well in time; its output is of no interest."""
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0
