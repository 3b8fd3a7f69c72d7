"""Which base image a build starts from: the Dockerfile's own where a registry is in reach, else one made here."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.progress import Step, say
from hack.images.engines import Engine
from hack.images.local_base import LocalBase

REGISTRY_SECONDS = 15.0  # a registry in reach answers within one; behind a silent firewall a pull hangs for minutes
_ANSWERED = re.compile(r"Pulling from|Copying blob|Getting image source|Pulling fs layer|Already exists|Digest:")


class Bases:
    """Decides once per base image and run."""

    def __init__(self, engine: Engine, local: LocalBase, override: str | None, logs: Path) -> None:
        """`override` is taken as it is; `local` is made when it is needed."""
        self._engine, self._local, self._override, self._logs = engine, local, override, logs
        self._found: dict[str, str] = {}

    def resolve(self, default: str) -> str:
        """The base image to use where the Dockerfile names `default`."""
        if self._override:
            return self._override
        if default not in self._found:
            self._found[default] = self._find(default)
        return self._found[default]

    def _find(self, default: str) -> str:
        local = self._local.name()
        if self._engine.has(default):
            return default
        if self._engine.has(local):
            return local
        if local not in self._found.values():
            step = Step(f"asking a registry for {default}")
            if pull(self._engine.pull_command(default), step):
                step.done()
                return default
            step.done("no registry in reach")
            say("The base image is made here, of this machine's Debian packages.")
        if not self._engine.has(local):
            self._local.make(self._engine, self._logs)
        return local


def pull(command: Sequence[str], step: Step, answer_seconds: float = REGISTRY_SECONDS) -> bool:
    """Whether the pull came to its end. It may take as long as it needs once a registry has answered."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        silence = threading.Timer(answer_seconds, process.kill)
        silence.start()
        for line in process.stdout:
            if _ANSWERED.search(line):
                silence.cancel()
            step.update(line.strip()[:70])
        code = process.wait()
        silence.cancel()
    return code == 0
