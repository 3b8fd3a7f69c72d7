"""Programs as child processes: started with a log file of their own, ended by their process id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from hack.cluster.errors import ClusterError
from hack.cluster.progress import Step


class Program:
    """One running program; its output goes to `log`."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path, *, end_with_parent: bool = False) -> None:
        """Start it. `end_with_parent` kills it when the starting process dies. Raises ClusterError if it is missing."""
        self.name = name
        self.arguments = list(arguments)
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [*_death_signal(end_with_parent), *self.arguments]
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
                )
        except OSError as error:
            raise ClusterError(f"{name} could not be started: {error}") from error

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def stop(self, grace_seconds: float) -> None:
        """Ask it to end; kill it when it has not after `grace_seconds`."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def log_tail(self, lines: int = 15) -> str:
        """The end of its output."""
        return tail(self.log, lines)


def run_step(command: Sequence[str], step: Step, *, directory: Path | None = None, **environment: str) -> None:
    """Run a program to its end as a part of `step`, which shows its last line. Raises ClusterError when it fails."""
    lines = []
    with subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            step.update(line.strip()[:60])
    if process.returncode:
        raise ClusterError(f"{' '.join(command)} failed:\n{''.join(lines[-15:])}".rstrip(), "see the lines above")


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, empty when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def wait_until(
    ready: Callable[[], bool],
    what: str,
    timeout_seconds: float,
    programs: Sequence[Program] = (),
    interval: float = 0.1,
) -> None:
    """Return when `ready` holds. Raises ClusterError with the logs when a program dies, or at the timeout."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        for program in programs:
            code = program.exit_code()
            if code is not None:
                raise ClusterError(
                    f"{program.name} ended with {code} before {what} was ready. The end of {program.log}:\n"
                    f"{program.log_tail()}"
                )
        if time.monotonic() > deadline:
            logs = "".join(f"\nThe end of {program.log}:\n{program.log_tail()}" for program in programs)
            raise ClusterError(f"{what} was not ready after {timeout_seconds:.0f} s.{logs}")
        time.sleep(interval)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _death_signal(wanted: bool) -> list[str]:
    # The kernel sends the signal when the starting thread ends, so only the main thread may ask for it.
    usable = wanted and threading.current_thread() is threading.main_thread() and shutil.which("setpriv")
    return ["setpriv", "--pdeathsig", "KILL", "--"] if usable else []
