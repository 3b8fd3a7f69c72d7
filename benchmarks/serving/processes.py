"""The processes of a server: their CPU time and their memory, as the kernel counts them."""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """A process and all of its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def keep_on(cores: Sequence[int], root: int) -> None:
    """Bind every thread of a process and its descendants to these cores. A program may bind its own threads to others:
    onnxruntime's pool takes each core of the machine, whatever its process was given."""
    for process in tree(root):
        with contextlib.suppress(OSError):  # it has ended
            for thread in Path(f"/proc/{process}/task").iterdir():
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(int(thread.name), cores)


@contextlib.contextmanager
def halted(roots: Iterable[int]) -> Iterator[None]:
    """Let these processes and their descendants stand still while the block lasts."""
    processes = [process for root in roots for process in tree(root)]
    try:
        _signal(processes, signal.SIGSTOP)
        yield
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes: Iterable[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def cpu_seconds(root: int) -> float:
    """CPU time of a process, its descendants, and those of them that have ended."""
    ticks = 0
    for process in tree(root):
        if fields := _stat(process):
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def memory(root: int) -> int:
    """Bytes of a process and its descendants; what several of them share counts once."""
    return sum(_memory(process, "smaps_rollup", "Pss:") for process in tree(root))


def resident(process: int) -> int:
    """Bytes of one process, what it shares included."""
    return _memory(process, "status", "VmRSS:")


def _memory(process: int, file: str, name: str) -> int:
    try:
        text = Path(f"/proc/{process}/{file}").read_text()
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith(name))


def _stat(process: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name; empty if the process has ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()
