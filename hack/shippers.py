"""The sidecar that carries the prediction log, run as a plain process on this machine's files.

It takes the container as the operator renders it, so what runs is the pod's own command, environment and file.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

Container = Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """A shipper's executable and how to have it."""

    name: str
    variable: str
    """Names another executable than the first of this name on PATH."""
    check: tuple[str, ...]
    """Arguments that make it read its file and end."""
    remedy: str


PROGRAMS = {
    "Fluentd": Program(
        "fluentd", "FLUENTD", ("--dry-run",), "install Fluentd 1.19 or name its executable in the variable FLUENTD"
    ),
    "SyslogNG": Program(
        "syslog-ng",
        "SYSLOG_NG",
        ("--syntax-only",),
        "apt-get install syslog-ng-core syslog-ng-mod-http syslog-ng-mod-rdkafka",
    ),
}
"""By `spec.logging.shipper.type`."""


class MissingProgramError(Exception):
    """The shipper is not on this machine; the message says what to do."""


def executable(shipper: str, environment: Mapping[str, str] = os.environ) -> str:
    """Path of a shipper's executable. MissingProgramError; ValueError for a variable that names none."""
    program = PROGRAMS[shipper]
    named = environment.get(program.variable)
    path = f"{environment.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    if found := shutil.which(named or program.name, path=path):
        return found
    if named:
        raise ValueError(f"{program.variable} is {named!r}, which is no executable: name one or unset it")
    raise MissingProgramError(f"{program.name} is not on PATH: {program.remedy}")


class Sidecar:
    """One shipper over its restarts. It ends as a container does: by SIGTERM to its first process or SIGKILL to all."""

    def __init__(
        self, container: Container, *, executable: str, places: Mapping[str, Path], values: Mapping[str, str], log: Path
    ) -> None:
        """`places` says where each mount of the pod lies here, `values` replaces variables: the token's is one of them.

        The shipper's own output is appended to `log`. Raises KeyError for a variable without a value.
        """
        self._places = places
        names = {program.name for program in PROGRAMS.values()}
        self._command = [
            executable if Path(argument).name in names else self._here(argument) for argument in container["command"]
        ]
        settings = {variable["name"]: variable for variable in container["env"]}
        self.environment = {
            **{name: values.get(name) or self._here(variable["value"]) for name, variable in settings.items()},
            **{name: value for name, value in values.items() if name not in settings},
        }
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it; returns at once."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, extra_arguments: Iterable[str], *, without: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to its end with more arguments, and without one of its variables."""
        environment = {**os.environ, **self.environment}
        environment.pop(without or "", None)
        command = [*self._command, *extra_arguments]
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
        )

    def execute(self, command: Iterable[str]) -> int:
        """Run another command in the same places, as a probe does, and give its exit status."""
        here = [self._here(argument) for argument in command]
        return subprocess.run(here, stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode

    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def terminate(self, seconds: float = 60.0) -> int:
        """Send SIGTERM and give its exit status; subprocess.TimeoutExpired if it is still there after that time."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL to it and to all that it started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def place(self, mount: str) -> Path:
        """Where a mount of the pod lies here."""
        return self._places[mount]

    def _here(self, text: str) -> str:
        # In one pass: a place here may itself lie below a mount's path.
        mounts = "|".join(re.escape(mount) for mount in sorted(self._places, key=len, reverse=True))
        return re.sub(mounts, lambda found: str(self._places[found[0]]), text)
