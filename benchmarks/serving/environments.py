"""Virtual environments of servers whose requirements would not fit ours, kept under the user's cache folder."""

import hashlib
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import paths
from hack.cluster.locks import locked


class NotInstalledError(Exception):
    """An environment cannot be made; the message says why."""


@dataclass(frozen=True)
class Environment:
    """One of them."""

    name: str
    requirements: tuple[str, ...]

    def ensure(self) -> Path:
        """The folder of its programs, made if it is missing. NotInstalledError."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        key = hashlib.sha256("\n".join((version, *self.requirements)).encode()).hexdigest()[:12]
        folder = paths.cache_directory(os.environ) / "benchmarks" / f"{self.name}-{key}"
        complete = folder / ".complete"
        with locked(folder.with_suffix(".lock"), f"making the environment of {self.name}"):
            if not complete.exists():
                print(f"== install {' '.join(self.requirements)}", file=sys.stderr, flush=True)
                venv.create(folder, clear=True, with_pip=True)
                command = [str(folder / "bin/python"), "-m", "pip", "install", "-q", *self.requirements]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    raise NotInstalledError((done.stderr.strip().splitlines() or ["pip failed"])[-1])
                complete.touch()
        return folder / "bin"


# The workers of MLServer 1.7 end at once with a later uvloop, which has no event loop where there is none yet.
MLSERVER = Environment("mlserver", ("mlserver==1.7.1", "onnxruntime==1.31.1", "uvloop==0.21.0"))
BENTOML = Environment("bentoml", ("bentoml==1.4.39", "onnxruntime==1.31.1"))
