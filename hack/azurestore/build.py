"""Installs the server once and keeps it under the user's cache folder.

The last version that runs on Node.js 20, which Debian and others still have.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from hack.cluster import paths
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.cluster.progress import Step

_FOLDER = Path(__file__).parent
_PINS = ("package.json", "package-lock.json")
_SECONDS = 50.0  # on 2 cores, with a near registry
_REMEDY = "apt-get install --no-install-recommends nodejs npm"


def node() -> str:
    """The Node.js that runs it. Raises ClusterError where there is none."""
    return _found("node", "Azurite needs Node.js")


def ensure() -> Path:
    """The program, for `node`, installed if it is missing. Raises ClusterError when that fails."""
    node()
    pins = {name: (_FOLDER / name).read_bytes() for name in _PINS}
    key = hashlib.sha256(b"".join(pins.values())).hexdigest()[:16]
    folder = paths.cache_directory(os.environ) / _FOLDER.name / key
    installed = folder / "installed"
    with locked(folder / ".lock", "installing Azurite"):
        if not installed.exists():
            step = Step("installing Azurite", _SECONDS)
            unfinished = folder / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            for name, content in pins.items():
                (unfinished / name).write_bytes(content)
            _install(unfinished)
            unfinished.rename(installed)
            step.done()
    return installed / "node_modules/azurite/dist/src/blob/main.js"


def _install(folder: Path) -> None:
    npm = _found("npm", "Azurite is installed by npm")
    command = ["nice", "-n", "5", npm, "ci", "--ignore-scripts", "--omit=dev", "--omit=optional", "--no-audit"]
    result = subprocess.run(
        [*command, "--no-fund", "--no-update-notifier"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        lines = (result.stdout + result.stderr).splitlines()[-15:]
        problem = "\n".join(["installing Azurite failed:", *lines])
        raise ClusterError(problem, "its packages come from npm's registry: check that it is in reach")


def _found(program: str, why: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise ClusterError(f"{why}, and there is no `{program}` on PATH", _REMEDY)
    return found
