"""Which kind of cluster to use, and what all kinds can do."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from hack.cluster.current import CurrentCluster
from hack.cluster.embedded.driver import EmbeddedCluster
from hack.cluster.errors import ClusterError
from hack.cluster.kind import KindCluster

KINDS = ("embedded", "kind", "current")
DEFAULT_NAME = "driftmonitor"


class Cluster(Protocol):
    """What every kind of cluster can do. All methods raise ClusterError."""

    def up(self) -> None:
        """Start it; nothing happens when it runs."""

    def down(self) -> None:
        """End it and remove what it left."""

    def status(self) -> bool:
        """Print how it is; returns whether it is well."""

    def load_images(self, archives: Sequence[str]) -> None:
        """Make images known to its nodes and print their names."""

    def kubeconfig(self) -> Path:
        """The kubeconfig of its administrator."""


def choose(wanted: str | None, docker_answers: Callable[[], bool]) -> str:
    """The kind to use: the wanted one, else kind where a Docker engine answers, else embedded."""
    if not wanted:
        return "kind" if docker_answers() else "embedded"
    if wanted not in KINDS:
        raise ClusterError(f"there is no kind of cluster called {wanted}.", f"set CLUSTER to one of {', '.join(KINDS)}")
    return wanted


def docker_answers() -> bool:
    """Whether a Docker engine does; a client without one is on many machines."""
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def create(kind: str, name: str, environment: Mapping[str, str]) -> Cluster:
    """The cluster of this kind and name; nothing is started."""
    if kind == "embedded":
        return EmbeddedCluster(name, environment)
    if kind == "kind":
        return KindCluster(name, environment)
    return CurrentCluster(environment)
