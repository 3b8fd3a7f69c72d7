"""Everything that must lie on the disk before the node's first process starts."""

from __future__ import annotations

from pathlib import Path

from hack.cluster import builds, images, paths
from hack.cluster.embedded import cgroups, configuration, machine, network, settings, volumes
from hack.cluster.embedded.settings import PAUSE_IMAGE, Settings
from hack.cluster.identities import Identities, create_identities


def prepare(name: str, state: Path, binaries: Path) -> Settings:
    """Choose the settings of a fresh cluster and write all its files; returns the settings. Raises ClusterError."""
    link = network.choose_range(network.host_routes())
    host_address, node_address = (str(address) for address in link.hosts())
    cluster = Settings(
        name=name,
        state=str(state),
        binaries=str(binaries),
        host_address=host_address,
        node_address=node_address,
        prefix_length=link.prefixlen,
        version=builds.module_version((paths.PROGRAMS_SOURCE / "go.mod").read_text(), builds.KUBERNETES),
        restrict_oom_score=not machine.may_lower_oom_scores(),
    )
    settings.save(cluster)
    write_configuration(cluster, create_identities(cluster.certificates, node_address, settings.API_PORT))
    volumes.make_folders(cluster.volumes)
    cluster.temporary.mkdir()
    images.write_program_image(binaries / "pause", PAUSE_IMAGE, cluster.pause_archive)
    cgroups.create(name)
    return cluster


def write_configuration(cluster: Settings, identities: Identities) -> None:
    """Write the configuration files and kubeconfigs of all components."""
    for name, content in configuration.files(cluster).items():
        file = cluster.configuration / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    users = {
        "kube-controller-manager": ("system:kube-controller-manager", []),
        "kube-scheduler": ("system:kube-scheduler", []),
        "kubelet": (f"system:node:{cluster.name}", ["system:nodes"]),
        "kube-proxy": ("system:kube-proxy", []),
        "coredns": ("system:coredns", []),
    }
    for component, (user, groups) in users.items():
        identities.kubeconfig_for(cluster.configuration / f"{component}.kubeconfig", cluster.name, user, groups)
    identities.authority.issue(
        "kubelet-server", cluster.name, dns_names=[cluster.name], addresses=[cluster.node_address]
    )
    identities.administrator_kubeconfig(cluster.kubeconfig, cluster.name)


def node_environment(cluster: Settings, search_path: str) -> dict[str, str]:
    """The environment of the node's programs: nothing of the user's, whose proxy would swallow the node's own calls."""
    return {
        "PATH": search_path,
        "HOME": str(cluster.directory),
        "TMPDIR": str(cluster.temporary),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
