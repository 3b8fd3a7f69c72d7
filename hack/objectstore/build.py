"""Builds the server once and keeps it under the user's cache folder."""

from __future__ import annotations

from pathlib import Path

from hack.cluster.modules import GoProgram

_MODULE = "github.com/versity/versitygw"
VERSITYGW = GoProgram("versitygw", _MODULE, f"{_MODULE}/cmd/versitygw", Path(__file__).parent, seconds=70)


def ensure() -> Path:
    """The program, built if it is missing. Raises ClusterError when that fails."""
    return VERSITYGW.ensure()
