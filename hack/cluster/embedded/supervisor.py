"""The first process's duty: keeps the node's programs running and collects what ended."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from hack.cluster.processes import Program


class Supervisor:
    """Starts programs by name, starts them again when they end, and writes down what it did for `status`."""

    def __init__(self, logs: Path, record: Path, pause_seconds: float = 2.0) -> None:
        """Logs go to `logs`, a file each; `record` is a JSON file. A program that ended is started after a pause."""
        self._logs = logs
        self._record = record
        self._pause = pause_seconds
        self._programs: dict[str, Program] = {}
        self._restarts: dict[str, int] = {}
        self._restart_at: dict[str, float] = {}

    def start(self, name: str, arguments: list[str]) -> Program:
        """Start a program and keep it running from now on."""
        self._restarts.setdefault(name, 0)
        self._programs[name] = Program(name, arguments, self._logs / f"{name}.log")
        self._write()
        return self._programs[name]

    def tend(self) -> None:
        """Collect ended processes, and start again the programs among them. Call it about every second."""
        self._collect()
        now = time.monotonic()
        for name, program in list(self._programs.items()):
            code = program.exit_code()
            if code is None:
                continue
            if name not in self._restart_at:
                print(f"{name} ended with {code}; starting it again", flush=True)
                self._restart_at[name] = now + self._pause
                self._restarts[name] += 1
                self._write()
            elif now >= self._restart_at[name]:
                del self._restart_at[name]
                self.start(name, program.arguments)

    def _collect(self) -> None:
        """Collect the children that are not our programs: as process 1 we inherit everybody's orphans."""
        ours = {program.pid: program for program in self._programs.values() if program.exit_code() is None}
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if ended.si_pid in ours:
                ours.pop(ended.si_pid).exit_code()  # collects it and keeps its exit code
            else:
                os.waitpid(ended.si_pid, 0)

    def _write(self) -> None:
        content = {
            name: {"running": program.exit_code() is None, "restarts": self._restarts[name]}
            for name, program in self._programs.items()
        }
        unfinished = self._record.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(content))
        unfinished.replace(self._record)
