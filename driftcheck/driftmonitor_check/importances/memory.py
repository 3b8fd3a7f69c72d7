"""What memory the container has left: a process that takes more than it ends the whole container."""

import resource
from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def free_bytes(cgroup: Path = CGROUP) -> int | None:
    """What the group of processes may still take; None where it has no limit, or does not tell it.

    What it has of files can be dropped (kernel documentation, cgroup-v2, memory.stat).
    """
    try:
        limit = int((cgroup / "memory.max").read_text())
        used = int((cgroup / "memory.current").read_text())
        told = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        return max(0, limit - used + int(told["inactive_file"]))
    except (OSError, ValueError, KeyError):  # "max" is no number
        return None


def keep_within(size: int | None) -> None:
    """Let this process take no more than so many bytes; it then sees an error instead of its end."""
    with suppress(OSError):  # where memory is short, this process goes before the one that waits for it
        Path("/proc/self/oom_score_adj").write_text("1000")
    if size is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
