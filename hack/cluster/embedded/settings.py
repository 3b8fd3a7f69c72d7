"""What one embedded cluster is made with, and where its files lie; written once by `up`, read by all others."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hack.cluster.errors import ClusterError

API_PORT = 6443
METRICS_PORT = 2381  # etcd's, for its health
KUBELET_HEALTH_PORT = 10248
PROXY_HEALTH_PORT = 10256
CONTROLLER_MANAGER_PORT = 10257
SCHEDULER_PORT = 10259
DNS_READY_PORT = 8181

# Inside the namespaces /run and /var/lib are file systems of the cluster's own: its processes alone see these.
KUBELET_DIRECTORY = Path("/var/lib/kubelet")
CONTAINERD_STATE = Path("/run/containerd")
CONTAINERD_SOCKET = CONTAINERD_STATE / "containerd.sock"
PAUSE_IMAGE = "localhost/driftmonitor/pause:1"


@dataclass(frozen=True)
class Settings:
    """One embedded cluster."""

    name: str
    state: str
    binaries: str
    host_address: str  # the host's end of the link to the node
    node_address: str  # the node's end
    prefix_length: int
    version: str
    restrict_oom_score: bool  # no process here may lower an OOM score, so containerd must not try

    @property
    def directory(self) -> Path:
        """The folder of everything below."""
        return Path(self.state)

    @property
    def certificates(self) -> Path:
        """The folder of all certificates and keys."""
        return self.directory / "certificates"

    @property
    def configuration(self) -> Path:
        """The folder of the components' configuration files and kubeconfigs."""
        return self.directory / "configuration"

    @property
    def logs(self) -> Path:
        """The folder of the components' logs, a file each."""
        return self.directory / "logs"

    @property
    def volumes(self) -> Path:
        """The folder of the persistent volumes, a folder each."""
        return self.directory / "volumes"

    @property
    def temporary(self) -> Path:
        """The folder of the programs' temporary files."""
        return self.directory / "tmp"

    @property
    def pause_archive(self) -> Path:
        """The image that holds a pod's namespaces."""
        return self.directory / "pause.tar"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return kubeconfig_path(self.directory)

    @property
    def server(self) -> str:
        """The apiserver's URL, good on the host and on the node."""
        return f"https://{self.node_address}:{API_PORT}"

    def program(self, name: str) -> Path:
        """The path of one of the built programs."""
        return Path(self.binaries) / name


def kubeconfig_path(state: Path) -> Path:
    """Where a cluster with this state folder has its administrator's kubeconfig."""
    return state / "kubeconfig"


def save(settings: Settings) -> None:
    """Write the settings into the cluster's folder."""
    settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (settings.directory / "settings.json").write_text(json.dumps(asdict(settings), indent=2))


def load(state: Path) -> Settings:
    """Read them again. Raises ClusterError when no cluster was started there."""
    try:
        return Settings(**json.loads((state / "settings.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"no cluster was started in {state}.", "python3 -m hack.cluster up") from error
