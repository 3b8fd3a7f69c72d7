"""Builds the server once and keeps it under the user's cache folder."""

from __future__ import annotations

from pathlib import Path

from hack.cluster.modules import GoProgram

_MODULE = "github.com/fsouza/fake-gcs-server"
GOOGLESTORE = GoProgram(
    "googlestore",
    _MODULE,
    ".",
    Path(__file__).parent,
    seconds=70,
    files=("front.go", "guard.go", "main.go"),
)


def ensure() -> Path:
    """The program, built if it is missing. Raises ClusterError when that fails."""
    return GOOGLESTORE.ensure()
