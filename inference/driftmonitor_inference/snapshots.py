"""What each worker shows on `/metrics`, as files that all workers of the pod read."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from driftmonitor_inference.tallies import WorkerState

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(WorkerState).decode


def write(directory: Path, state: WorkerState) -> None:
    """Replace the worker's file. Without room on the disk the one before stands, and the next call tries again."""
    path = directory / _name(state.worker)
    unfinished = path.with_suffix(".unfinished")
    with contextlib.suppress(OSError):
        unfinished.write_bytes(_ENCODE(state))
        unfinished.replace(path)


def read(directory: Path, worker: int) -> WorkerState | None:
    """The last state of one worker; None if there is none."""
    try:
        return _DECODE((directory / _name(worker)).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def read_others(directory: Path, worker: int, workers: int) -> list[WorkerState]:
    """The last state of every worker but this one."""
    states = (read(directory, other) for other in range(workers) if other != worker)
    return [state for state in states if state is not None]


def live(states: Sequence[WorkerState]) -> list[int]:
    """The workers of these states whose process runs."""
    return [state.worker for state in states if _runs(state.pid)]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _name(worker: int) -> str:
    return f"metrics.{worker}.msgpack"
