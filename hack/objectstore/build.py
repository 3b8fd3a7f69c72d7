"""Builds the server once and keeps it under the user's cache folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hack.cluster import paths, toolchain
from hack.cluster.builds import cache_key, module_version
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.cluster.progress import Step

MODULE = "github.com/versity/versitygw"
_SOURCE = Path(__file__).parent
_FLAGS = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w"]
_SECONDS = 70  # a cold build on 2 cores


def ensure() -> Path:
    """The program, built if it is missing. Raises ClusterError when that fails."""
    go = toolchain.find_go()
    sources = {name: (_SOURCE / name).read_bytes() for name in ("go.mod", "go.sum")}
    go_mod = sources["go.mod"].decode()
    needed = toolchain.required_version(go_mod)
    if go.version < needed:
        raise ClusterError(
            f"{MODULE} needs Go {'.'.join(map(str, needed))}, {go.path} is {'.'.join(map(str, go.version))}.",
            "put a newer Go toolchain on PATH, or take it off PATH to have one installed",
        )
    folder = paths.cache_directory(os.environ) / "objectstore" / cache_key(sources, go.version, _FLAGS)
    program = folder / "versitygw"
    with locked(folder / ".lock", "building the S3 server"):
        if not program.exists():
            _build(go.path, module_version(go_mod, MODULE), program)
    return program


def _build(go: str, version: str, program: Path) -> None:
    step = Step(f"building versitygw {version}", _SECONDS)
    unfinished = program.with_suffix(".unfinished")
    result = subprocess.run(
        ["nice", "-n", "5", go, "build", *_FLAGS, "-o", str(unfinished), f"{MODULE}/cmd/versitygw"],
        cwd=_SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        lines = result.stderr.splitlines()[-15:]
        raise ClusterError(
            "\n".join(["building versitygw failed:", *lines]),
            "the modules come through GOPROXY: check that it is in reach",
        )
    unfinished.rename(program)
    step.done()
