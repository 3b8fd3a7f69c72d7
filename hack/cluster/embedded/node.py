"""The first process inside the namespaces: prepares them, starts the node's programs and tends them until it is killed.

Run by namespace.py as `python -m hack.cluster.embedded.node STATE`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from hack.cluster.certificates import KeyPair
from hack.cluster.client import ApiClient, ApiError
from hack.cluster.components import (
    ApiServer,
    Etcd,
    apiserver_arguments,
    controller_manager_arguments,
    etcd_arguments,
    scheduler_arguments,
)
from hack.cluster.embedded import network, settings, volumes
from hack.cluster.embedded.machine import HIDDEN
from hack.cluster.embedded.manifests import Manifest, first_objects
from hack.cluster.embedded.settings import CONTAINERD_SOCKET, KUBELET_DIRECTORY, Settings
from hack.cluster.embedded.supervisor import Supervisor
from hack.cluster.processes import wait_until

_START_SECONDS = 120.0
_RECLAIM_EVERY = 2  # seconds, and the supervisor's beats
# The kubelet sets these for the whole machine unless it finds them so; it is shown files that say they are.
_KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def main() -> None:
    """Start everything in order, then tend it for ever."""
    cluster = settings.load(Path(sys.argv[1]))
    prepare_mounts(cluster)
    wait_until(lambda: network.arrived(cluster.name), "the link to the host", _START_SECONDS, interval=0.02)
    network.configure_node(cluster.name, cluster.node_address, cluster.prefix_length)
    supervisor = Supervisor(cluster.logs, cluster.directory / "components.json")
    client = start_programs(cluster, supervisor)
    for path, manifest in first_objects(cluster.volumes, cluster.name):
        wait_until(partial(applied, client, path, manifest), path, _START_SECONDS, interval=0.5)
    print("everything is started", flush=True)
    beat = 0
    while True:
        time.sleep(1)
        beat += 1
        supervisor.tend()
        if beat % _RECLAIM_EVERY == 0:
            try:
                for name in volumes.reclaim(client, cluster.volumes):
                    print(f"volume {name} is available again", flush=True)
            except (ApiError, OSError) as error:
                print(f"volumes could not be looked after: {error}", flush=True)


def prepare_mounts(cluster: Settings) -> None:
    """Give the programs folders of their own where they insist on fixed places; gone with the namespace."""
    _mount("--make-rshared", "/")
    for folder in HIDDEN:
        _mount("-t", "tmpfs", "-o", "mode=755", cluster.name, str(folder))
    # The kubelet makes sockets below its folder, and a socket's path has at most 107 bytes: no home is too long for it.
    own = cluster.directory / "kubelet"
    own.mkdir(parents=True, exist_ok=True)
    KUBELET_DIRECTORY.mkdir()
    _mount("--bind", str(own), str(KUBELET_DIRECTORY))
    _mount("--make-private", str(KUBELET_DIRECTORY))  # else each volume of a pod would be mounted below both paths
    _mount("--make-shared", str(KUBELET_DIRECTORY))
    shown = cluster.directory / "kernel-settings"
    for setting, value in _KERNEL_SETTINGS.items():
        file = shown / setting
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
        _mount("--bind", str(file), f"/proc/sys/{setting}")


def start_programs(cluster: Settings, supervisor: Supervisor) -> ApiClient:
    """Start each program as soon as what it needs answers; returns a client of the apiserver."""
    configuration, pki, address = cluster.configuration, cluster.certificates, cluster.node_address
    etcd = Etcd(cluster.directory / "etcd", 2379, 2380, f"{address}:{settings.METRICS_PORT}")
    server = ApiServer(etcd.client, "0.0.0.0", address, settings.API_PORT, pki, serviceaccount_tokens=True)  # noqa: S104 the namespace has no other interface than the link
    starting = [
        supervisor.start("etcd", etcd_arguments(etcd)),
        supervisor.start("containerd", ["containerd", "--config", str(configuration / "containerd.toml")]),
        supervisor.start("kube-apiserver", apiserver_arguments(cluster.program("kube-apiserver"), server)),
    ]
    client = ApiClient(
        cluster.server, pki / "ca.crt", KeyPair(pki / "administrator.crt", pki / "administrator.key"), 5.0
    )
    wait_until(CONTAINERD_SOCKET.exists, "containerd", _START_SECONDS, starting)
    import_image(cluster.pause_archive)
    wait_until(lambda: _answers(client), "kube-apiserver", _START_SECONDS, starting)
    manager = controller_manager_arguments(
        cluster.program("kube-controller-manager"),
        configuration / "kube-controller-manager.kubeconfig",
        pki,
        address,
        settings.CONTROLLER_MANAGER_PORT,
        with_node=True,
    )
    scheduler = scheduler_arguments(
        cluster.program("kube-scheduler"),
        configuration / "kube-scheduler.kubeconfig",
        address,
        settings.SCHEDULER_PORT,
    )
    supervisor.start("kube-controller-manager", manager)
    supervisor.start("kube-scheduler", scheduler)
    supervisor.start("kubelet", kubelet_arguments(cluster))
    supervisor.start(
        "kube-proxy", [str(cluster.program("kube-proxy")), f"--config={configuration / 'kube-proxy.json'}", "--v=0"]
    )
    supervisor.start("coredns", [str(cluster.program("coredns")), "-conf", str(configuration / "Corefile")])
    return client


def kubelet_arguments(cluster: Settings) -> list[str]:
    """The kubelet's arguments: the few settings that its configuration file cannot hold."""
    return [
        str(cluster.program("kubelet")),
        f"--config={cluster.configuration / 'kubelet.json'}",
        f"--kubeconfig={cluster.configuration / 'kubelet.kubeconfig'}",
        f"--root-dir={KUBELET_DIRECTORY}",
        f"--hostname-override={cluster.name}",
        f"--node-ip={cluster.node_address}",
        "--v=0",
    ]


def import_image(archive: Path) -> None:
    """Give containerd one image."""
    ctr = ["ctr", "--address", str(CONTAINERD_SOCKET), "--namespace", "k8s.io", "images", "import", str(archive)]
    subprocess.run(ctr, check=True)


def applied(client: ApiClient, path: str, manifest: Manifest) -> bool:
    """Apply one object; False when the apiserver, just started, did not take it yet."""
    try:
        client.apply(path, manifest)
    except ApiError as error:
        print(f"{path} is not applied yet: {error}", flush=True)
        return False
    return True


def _answers(client: ApiClient) -> bool:
    try:
        client.text("GET", "/readyz")
    except ApiError:
        return False
    return True


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    main()
