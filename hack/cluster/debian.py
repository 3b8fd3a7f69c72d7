"""Debian packages: which are missing, and their installation without starting any service."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hack.cluster.errors import ClusterError
from hack.cluster.processes import run_step
from hack.cluster.progress import Step

_SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # a user's PATH may lack them
_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# Written by hack/cluster while it installs packages: start no service.\nexit 101\n"


@dataclass(frozen=True)
class Package:
    """A Debian package, how to see that it is there, and the services it would enable."""

    name: str
    present: Callable[[], bool]
    services: tuple[str, ...] = ()


def program(name: str) -> Callable[[], bool]:
    """Whether the program `name` can be found."""
    return lambda: find_program(name) is not None


def find_program(name: str) -> str | None:
    """Its path, looked for where system programs lie too."""
    return shutil.which(name, path=search_path())


def search_path() -> str:
    """PATH, with the folders of system programs added."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_PATHS))


ETCD = Package("etcd-server", program("etcd"), ("etcd",))
PYTHON_VENV = Package("python3-venv", lambda: find_spec("ensurepip") is not None)
OPENSSL = Package("openssl", program("openssl"))
NODE = (
    ETCD,
    OPENSSL,
    Package("containerd", program("containerd"), ("containerd",)),
    Package("runc", program("runc")),
    Package("containernetworking-plugins", lambda: Path("/usr/lib/cni/bridge").exists()),
    Package("iptables", program("iptables")),
    Package("conntrack", program("conntrack")),
    Package("iproute2", program("ip")),
    Package("util-linux", program("unshare")),
    Package("mount", program("mount")),
    Package("kmod", program("modprobe")),
    Package("ca-certificates", lambda: Path("/etc/ssl/certs/ca-certificates.crt").exists()),
)


def missing(packages: Iterable[Package]) -> list[Package]:
    """Those that are not there."""
    return [package for package in packages if not package.present()]


def install_command(packages: Iterable[Package]) -> list[str]:
    """The apt-get command line for them."""
    names = [package.name for package in packages]
    return ["apt-get", "install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *names]


def ensure(*packages: Package) -> None:
    """Install those that are missing. Raises ClusterError when that is not possible here."""
    wanted = missing(packages)
    if not wanted:
        return
    names = " ".join(package.name for package in wanted)
    if shutil.which("apt-get") is None:
        raise ClusterError(
            f"missing on this machine: {names} (names of Debian packages).",
            "install what they hold with this system's package manager, or use Debian",
        )
    if os.geteuid() != 0:
        raise ClusterError(f"missing Debian packages: {names}.", f"as root: {' '.join(install_command(wanted))}")
    step = Step(f"installing Debian packages: {names}", usual_seconds=20)
    with _no_service_starts():
        for command in (["apt-get", "update", "-o", "DPkg::Lock::Timeout=300"], install_command(wanted)):
            run_step(command, step, DEBIAN_FRONTEND="noninteractive")
    for service in (service for package in wanted for service in package.services):
        if shutil.which("systemctl"):
            subprocess.run(["systemctl", "disable", service], capture_output=True)  # nor at the next boot
    step.done()
    still = missing(wanted)
    if still:
        raise ClusterError(f"installed, yet not found: {' '.join(package.name for package in still)}.")


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian's scripts start what they install unless this file says no; one that exists is left as it is."""
    ours = not _POLICY.exists() or _POLICY.read_text() == _POLICY_TEXT
    try:
        if ours:
            _POLICY.write_text(_POLICY_TEXT)
            _POLICY.chmod(0o755)
        yield
    finally:
        if ours:
            _POLICY.unlink(missing_ok=True)
