"""A cluster made by kind, in containers of a Docker engine."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster import builds, images, paths
from hack.cluster.errors import ClusterError
from hack.cluster.progress import say

_WAIT = "180s"


def create_command(kind: Path, name: str, kubeconfig: Path) -> list[str]:
    """The command line that starts a cluster."""
    return [str(kind), "create", "cluster", "--name", name, "--kubeconfig", str(kubeconfig), "--wait", _WAIT]


def delete_command(kind: Path, name: str, kubeconfig: Path) -> list[str]:
    """The command line that ends one."""
    return [str(kind), "delete", "cluster", "--name", name, "--kubeconfig", str(kubeconfig)]


def load_command(kind: Path, name: str, image: str, *, is_archive: bool) -> list[str]:
    """The command line that gives its nodes an archive, or an image that the Docker engine holds."""
    return [str(kind), "load", "image-archive" if is_archive else "docker-image", image, "--name", name]


class KindCluster:
    """The kind cluster called `name`."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        """Nothing is touched before a method is called."""
        self.name = name
        self._kubeconfig = paths.state_directory(environment, f"kind-{name}") / "kubeconfig"

    def up(self) -> None:
        """Create it, unless it exists."""
        kind = self._kind()
        self._kubeconfig.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.name in _run([str(kind), "get", "clusters"]).split():
            say(f"the kind cluster {self.name} exists already")
            text = _run([str(kind), "get", "kubeconfig", "--name", self.name])
            self._kubeconfig.touch(mode=0o600)
            self._kubeconfig.write_text(text)
            return
        say(f"creating the kind cluster {self.name}: its node image is pulled first, usually 60 s")
        _run(create_command(kind, self.name, self._kubeconfig), show=True)

    def down(self) -> None:
        """Delete it."""
        _run(delete_command(self._kind(), self.name, self._kubeconfig), show=True)
        self._kubeconfig.unlink(missing_ok=True)
        for folder in list(self._kubeconfig.parents)[:3]:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()

    def status(self) -> bool:
        """Print its nodes; returns whether all are Ready."""
        return print_nodes(self.kubeconfig(), None)

    def load_images(self, archives: Sequence[str]) -> None:
        """Give its nodes archives, or images by the name that the Docker engine knows."""
        kind = self._kind()
        for image in archives:
            is_archive = Path(image).exists()
            names = images.check_names(Path(image)) if is_archive else [image]
            _run(load_command(kind, self.name, image, is_archive=is_archive), show=True)
            for name in names:
                print(name)

    def kubeconfig(self) -> Path:
        """Its kubeconfig. Raises ClusterError when it was not started from here."""
        if not self._kubeconfig.exists():
            raise ClusterError(f"the kind cluster {self.name} is not up.", "CLUSTER=kind python3 -m hack.cluster up")
        return self._kubeconfig

    def _kind(self) -> Path:
        require_docker()
        return builds.ensure(["kind"]) / "kind"


def require_docker() -> None:
    """Raises ClusterError when no Docker engine answers."""
    try:
        answer = subprocess.run(["docker", "info"], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise ClusterError(
            "kind needs Docker, and there is no docker program.", "install it, or use CLUSTER=embedded"
        ) from error
    if answer.returncode:
        raise ClusterError(
            f"kind needs a Docker engine, and none answers: {answer.stderr.strip()}",
            "start the engine, or use CLUSTER=embedded",
        )


def print_nodes(kubeconfig: Path | None, context: str | None) -> bool:
    """Print the nodes; returns whether there are some and all are Ready."""
    kubectl = [str(builds.ensure(["kubectl"]) / "kubectl")]
    if kubeconfig:
        kubectl += ["--kubeconfig", str(kubeconfig)]
    if context:
        kubectl += ["--context", context]
    print(_run([*kubectl, "get", "nodes", "--output", "wide"]), end="")
    ready = "jsonpath={range .items[*]}{.status.conditions[?(@.type=='Ready')].status}{' '}{end}"
    statuses = _run([*kubectl, "get", "nodes", "--output", ready]).split()
    return bool(statuses) and set(statuses) == {"True"}


def _run(command: Sequence[str], *, show: bool = False) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=None if show else subprocess.PIPE, text=True)
    if result.returncode:
        raise ClusterError(f"{' '.join(command)} failed: {(result.stderr or 'see the lines above').strip()}")
    return result.stdout
