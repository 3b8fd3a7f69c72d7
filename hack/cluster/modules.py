"""One Go program that is pinned by a go.mod of its own, built once and kept under the user's cache folder."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import paths, toolchain
from hack.cluster.builds import cache_key, module_version
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.cluster.progress import Step

_FLAGS = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w"]


@dataclass(frozen=True)
class GoProgram:
    """A program of a Go module."""

    name: str
    module: str
    package: str
    source: Path  # the folder with the go.mod and go.sum that pin it
    seconds: int  # a cold build on 2 cores
    files: tuple[str, ...] = ()  # of that folder, where the package is its own

    def ensure(self) -> Path:
        """The program, built if it is missing. Raises ClusterError when that fails."""
        go = toolchain.find_go()
        sources = {name: (self.source / name).read_bytes() for name in ("go.mod", "go.sum", *self.files)}
        go_mod = sources["go.mod"].decode()
        needed = toolchain.required_version(go_mod)
        if go.version < needed:
            raise ClusterError(
                f"{self.name} needs Go {'.'.join(map(str, needed))}, {go.path} is {'.'.join(map(str, go.version))}.",
                "put a newer Go toolchain on PATH, or take it off PATH to have one installed",
            )
        folder = paths.cache_directory(os.environ) / self.source.name / cache_key(sources, go.version, _FLAGS)
        program = folder / self.name
        with locked(folder / ".lock", f"building {self.name}"):
            if not program.exists():
                self._build(go.path, module_version(go_mod, self.module), program)
        return program

    def _build(self, go: str, version: str, program: Path) -> None:
        step = Step(f"building {self.name} {version}", self.seconds)
        unfinished = program.with_suffix(".unfinished")
        result = subprocess.run(
            ["nice", "-n", "5", go, "build", *_FLAGS, "-o", str(unfinished), self.package],
            cwd=self.source,
            env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            lines = result.stderr.splitlines()[-15:]
            raise ClusterError(
                "\n".join([f"building {self.name} failed:", *lines]),
                "the modules come through GOPROXY: check that it is in reach",
            )
        unfinished.rename(program)
        step.done()
