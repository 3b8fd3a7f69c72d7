"""The namespaces that hold the cluster: their first process is started, found again and ended by its process id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hack.cluster.errors import ClusterError

_ROOT = Path(__file__).parents[3]
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Identity:
    """A process that is not mistaken for a later one with the same id."""

    pid: int
    started: int  # clock ticks since boot
    boot: str

    def alive(self) -> bool:
        """Whether this very process runs."""
        return _boot() == self.boot and _started(self.pid) == self.started


@dataclass(frozen=True)
class Namespace:
    """`holder` waits outside for `first`, the process 1 of the namespaces; the end of either ends everything inside."""

    holder: Identity
    first: Identity


def command(state: Path) -> list[str]:
    """Start the node's first process in network, mount and process namespaces of its own."""
    flags = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "slave"]
    return ["unshare", *flags, sys.executable, "-m", "hack.cluster.embedded.node", str(state)]


def start(state: Path, log: Path, environment: Mapping[str, str]) -> Namespace:
    """Start it, detached from this shell, and write down who it is. Raises ClusterError when it dies at once."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command(state),
            cwd=_ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while not (children := _children(process.pid)):
        if process.poll() is not None:
            raise ClusterError(
                f"namespaces could not be made: {log.read_text().strip()}", "in a container, run it with --privileged"
            )
        time.sleep(0.01)
    namespace = Namespace(identify(process.pid), identify(children[0]))
    process.returncode = 0  # nobody waits for it: it outlives this program, and Python warns of those that do
    _file(state).write_text(json.dumps(asdict(namespace)))
    return namespace


def find(state: Path) -> Namespace | None:
    """The namespace that was started with this state folder, dead or alive; None when none was."""
    try:
        content = json.loads(_file(state).read_text())
        return Namespace(Identity(**content["holder"]), Identity(**content["first"]))
    except (OSError, ValueError, TypeError, KeyError):
        return _search(state)  # somebody removed the file, which ends nothing


def _search(state: Path) -> Namespace | None:
    """The running namespace whose two processes were started for this state folder, by their command lines."""
    wanted = command(state)[-2:]
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    matching = [pid for pid in pids if _command_line(pid)[-2:] == wanted]
    holders = [pid for pid in matching if Path(_command_line(pid)[0]).name == "unshare"]
    if not holders or not (children := _children(holders[0])):
        return None
    return Namespace(identify(holders[0]), identify(children[0]))


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def end(namespace: Namespace, timeout_seconds: float = 30.0) -> None:
    """Kill the first process, and with it all that run inside. Raises ClusterError when one does not die."""
    for identity in (namespace.first, namespace.holder):  # SIGKILL: both ignore SIGTERM
        if identity.alive():
            os.kill(identity.pid, signal.SIGKILL)
    deadline = time.monotonic() + timeout_seconds
    while namespace.first.alive() or namespace.holder.alive():
        if time.monotonic() > deadline:
            raise ClusterError(f"process {namespace.first.pid} does not end.", "see what it waits for in /proc")
        _reap(namespace.holder.pid)
        time.sleep(0.05)


def inside(namespace: Namespace, program: list[str]) -> list[str]:
    """The command line that runs `program` in the mount and network namespaces of the cluster."""
    return ["nsenter", "--target", str(namespace.first.pid), "--mount", "--net", "--", *program]


def _file(state: Path) -> Path:
    return state / "process.json"


def identify(pid: int) -> Identity:
    """The process that has this id now."""
    return Identity(pid, _started(pid) or 0, _boot())


def _boot() -> str:
    return _BOOT_ID.read_text().strip()


def _started(pid: int) -> int | None:
    """When the process began; None when there is none, or only what its parent has not collected."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the program's name, in parentheses, may hold anything
    return None if fields[0] == "Z" else int(fields[19])


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # started by another process, which collects it
