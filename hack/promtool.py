"""`python -m hack.promtool` prints the path of promtool, which judges metrics as Prometheus reads them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hack.cluster import paths
from hack.cluster.errors import ClusterError

_PACKAGE = "prometheus"  # Debian's; promtool is one of its two programs


def ensure() -> Path:
    """The path of promtool: that on PATH, else the one of Debian's package, unpacked once and not installed.

    Raises ClusterError where it cannot be had.
    """
    if found := shutil.which("promtool"):
        return Path(found)
    program = paths.cache_directory(os.environ) / "promtool" / "promtool"
    if not program.exists():
        _unpack(program)
    return program


def _unpack(program: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise ClusterError("promtool is not on PATH.", "install Prometheus' promtool")
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        try:
            _run(["apt-get", "download", _PACKAGE], folder)
            (package,) = Path(folder).glob("*.deb")
            _run(["dpkg-deb", "--extract", str(package), "."], folder)
            (Path(folder) / "usr/bin/promtool").replace(program)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise ClusterError(f"promtool cannot be had: {said.strip()}", "put it on PATH") from error


def _run(command: list[str], folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    try:
        print(ensure())
    except ClusterError as error:
        sys.exit(str(error))
