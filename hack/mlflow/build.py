"""Installs MLflow once, apart from the project's own packages, and keeps it under the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from hack.cluster import paths
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.cluster.progress import Step

_REQUIREMENTS = Path(__file__).parent / "requirements.txt"
_SECONDS = 60.0  # on 2 cores, with a near index


def ensure() -> Path:
    """The Python that has MLflow, installed if it is missing. Raises ClusterError when that fails."""
    key = hashlib.sha256(_REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = paths.cache_directory(os.environ) / "mlflow" / key
    complete = folder / "complete"
    with locked(folder / ".lock", "installing MLflow"):
        if not complete.exists():
            step = Step("installing MLflow", _SECONDS)
            shutil.rmtree(folder / "environment", ignore_errors=True)
            _uv("venv", "--quiet", "--python", sys.executable, str(folder / "environment"))
            into = ("--python", str(_python(folder)))
            _uv("pip", "install", "--quiet", "--require-hashes", *into, "-r", str(_REQUIREMENTS))
            complete.touch()
            step.done()
    return _python(folder)


def _python(folder: Path) -> Path:
    return folder / "environment/bin/python"


def _uv(*arguments: str) -> None:
    command = ["nice", "-n", "5", sys.executable, "-m", "uv", *arguments]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        lines = (result.stderr or result.stdout).splitlines()[-15:]
        problem = "\n".join(["installing MLflow failed:", *lines])
        raise ClusterError(problem, "its packages come from the package index: check that it is in reach")
