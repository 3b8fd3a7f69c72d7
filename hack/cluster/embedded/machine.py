"""What a machine must be for the embedded cluster; each lack is one clear error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from hack.cluster import debian
from hack.cluster.embedded import cgroups
from hack.cluster.errors import ClusterError

CAP_SYS_ADMIN = 21
CAP_NET_ADMIN = 12
CAP_SYS_RESOURCE = 24
HIDDEN = (Path("/run"), Path("/var/lib"), Path("/var/log"))  # covered by the cluster's own inside its namespaces
_NEEDED_GIGABYTES = 5.0


def has_capability(process_status: str, number: int) -> bool:
    """Whether the text of a /proc/<pid>/status shows the capability in effect."""
    for line in process_status.splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def may_lower_oom_scores() -> bool:
    """Whether this process may; in some virtual machines even root may not."""
    return has_capability(Path("/proc/self/status").read_text(), CAP_SYS_RESOURCE)


def check(state: Path, cache: Path) -> None:
    """Raises ClusterError for the first thing that this machine lacks and a package does not bring."""
    check_own_privileges()
    check_place("the state folder", state, "set XDG_STATE_HOME to another place")
    check_place("the cache folder", cache, "set XDG_CACHE_HOME to another place")
    check_place("this checkout", Path(__file__).resolve(), "move it to another place")
    check_place("Python", Path(sys.executable).resolve(), "run it with another Python")
    cgroups.check()
    free = shutil.disk_usage(_existing(state)).free / 1e9
    if free < _NEEDED_GIGABYTES:
        raise ClusterError(
            f"{free:.1f} GB are free for {state}, the cluster and its images need {_NEEDED_GIGABYTES:.0f}.",
            "free some, or set XDG_STATE_HOME to a larger disk",
        )


def check_own_privileges() -> None:
    """The next function for this process."""
    status = Path("/proc/self/status")
    check_privileges(sys.platform, os.geteuid(), status.read_text() if status.exists() else "")


def check_privileges(platform: str, user_id: int, process_status: str) -> None:
    """Raises ClusterError unless this is root on Linux, with the capabilities that namespaces need."""
    if platform != "linux":
        raise ClusterError(
            f"the embedded cluster needs Linux; this is {platform}.",
            "install Docker and use CLUSTER=kind, or CLUSTER=current with a cluster of yours",
        )
    if user_id != 0:
        raise ClusterError(
            "the embedded cluster needs root.", "run it as root, or use CLUSTER=kind with a Docker engine"
        )
    for number, name in ((CAP_SYS_ADMIN, "CAP_SYS_ADMIN"), (CAP_NET_ADMIN, "CAP_NET_ADMIN")):
        if not has_capability(process_status, number):
            raise ClusterError(
                f"root lacks {name} here and cannot make namespaces.", "in a container, run it with --privileged"
            )


def check_place(what: str, place: Path, fix: str) -> None:
    """Raises ClusterError for a folder that the cluster's own file systems would hide from its programs."""
    for folder in HIDDEN:
        if place.is_relative_to(folder):
            raise ClusterError(f"{what} {place} lies under {folder}, which the cluster replaces for its programs.", fix)


def load_modules() -> None:
    """Load the kernel modules that a node needs. Raises ClusterError for one that this kernel lacks."""
    needs: dict[str, Callable[[], bool]] = {
        "br_netfilter": Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists,
        "overlay": lambda: "\toverlay\n" in Path("/proc/filesystems").read_text(),
    }
    for module, loaded in needs.items():
        if not loaded():
            modprobe = debian.find_program("modprobe") or "modprobe"
            subprocess.run([modprobe, module], capture_output=True)
        if not loaded():
            raise ClusterError(f"the kernel has no {module}.", f"modprobe {module}, on the host if this is a container")


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
