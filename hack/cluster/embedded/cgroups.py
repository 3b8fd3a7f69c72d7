"""The control groups of the pods: one group named after the cluster in each hierarchy, version 1 and 2."""

from __future__ import annotations

import os
import time
from pathlib import Path

from hack.cluster.errors import ClusterError

_NEEDED = ("cpu", "memory", "pids")


def hierarchies(mounts: str) -> dict[Path, str]:
    """The mounted hierarchies of a /proc/mounts text: mount point to type, `cgroup` or `cgroup2`."""
    found = {}
    for line in mounts.splitlines():
        _, mount_point, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            found[Path(mount_point)] = kind
    return found


def unified(mounts: str) -> bool:
    """Whether version 2 is all there is, which is how the kubelet and runc decide too."""
    return hierarchies(mounts).get(Path("/sys/fs/cgroup")) == "cgroup2"


def missing_controllers(mounts: str, controllers: str) -> list[str]:
    """The controllers a node needs and this machine lacks; `controllers` is the root's cgroup.controllers text."""
    if unified(mounts):
        return [name for name in _NEEDED if name not in controllers.split()]
    mounted = {
        option for line in mounts.splitlines() if line.split()[2] == "cgroup" for option in line.split()[3].split(",")
    }
    return [name for name in _NEEDED if name not in mounted]


def check() -> None:
    """Raises ClusterError when pods could not be limited on this machine."""
    controllers = Path("/sys/fs/cgroup/cgroup.controllers")
    lacking = missing_controllers(_mounts(), controllers.read_text() if controllers.exists() else "")
    if lacking:
        raise ClusterError(
            f"no cgroup controllers here for: {', '.join(lacking)}.",
            "in a container, run it privileged; else mount /sys/fs/cgroup with these controllers",
        )


def create(name: str) -> None:
    """Make the group `name` in each hierarchy."""
    for mount_point, kind in hierarchies(_mounts()).items():
        group = mount_point / name
        if not os.access(mount_point, os.W_OK):
            raise ClusterError(f"{mount_point} is read-only.", "in a container, run it privileged")
        if kind == "cgroup2" and unified(_mounts()):
            _delegate(mount_point)
        group.mkdir(exist_ok=True)
        if kind == "cgroup2" and unified(_mounts()):
            _delegate(group)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # version 1 starts them empty, and then lets no process in
            if kind == "cgroup" and (group / setting).exists():
                (group / setting).write_text((mount_point / setting).read_text())


def remove(name: str, timeout_seconds: float = 20.0) -> None:
    """Remove the group `name` and all below it; the last process in it may take a moment to be gone."""
    deadline = time.monotonic() + timeout_seconds
    for mount_point in hierarchies(_mounts()):
        while not _removed(mount_point / name):
            if time.monotonic() > deadline:
                raise ClusterError(f"{mount_point / name} still holds processes.", "see its cgroup.procs files")
            time.sleep(0.1)


def _removed(group: Path) -> bool:
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return not group.exists()


def _delegate(group: Path) -> None:
    controllers = (group / "cgroup.controllers").read_text().split()
    try:
        (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
    except OSError as error:
        raise ClusterError(
            f"{group} does not hand its controllers on: {error.strerror}.",
            "in a container, move its processes out of the root group first, or use the host's cgroup namespace",
        ) from error


def _mounts() -> str:
    return Path("/proc/mounts").read_text()
