"""The embedded cluster from the host's side: up, down, status, images."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster import builds, debian, images, paths
from hack.cluster.embedded import cgroups, health, machine, namespace, network, preparation, settings
from hack.cluster.embedded.settings import Settings
from hack.cluster.errors import ClusterError
from hack.cluster.locks import locked
from hack.cluster.processes import tail
from hack.cluster.progress import Step, say

PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
_START_SECONDS = 180.0  # fifteen on an idle machine
_RECOVERY_SECONDS = 60.0


class EmbeddedCluster:
    """The embedded cluster called `name`."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        """Nothing is touched before a method is called."""
        self.name = name
        self._environment = dict(environment)
        self._state = paths.state_directory(environment, name)

    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig. Raises ClusterError when the cluster was not started."""
        path = settings.kubeconfig_path(self._state)
        if not path.exists():
            raise ClusterError(f"the embedded cluster {self.name} is not up.", "python3 -m hack.cluster up")
        return path

    def up(self) -> None:
        """Start it, unless it runs already and is well; what is left of a broken one is removed first."""
        machine.check(self._state, paths.cache_directory(self._environment))
        with locked(self._lock_file(), "starting or ending the cluster"):
            if self._gets_well():
                say(f"the embedded cluster {self.name} is up already")
                return
            debian.ensure(*debian.NODE)
            machine.load_modules()
            binaries = builds.ensure([*PROGRAMS, "coredns", "pause"])
            self._clean()
            if network.link_exists(self.name):
                raise ClusterError(
                    f"another cluster called {self.name} runs on this machine, with other files than {self._state}.",
                    "end it with the HOME and XDG_STATE_HOME that it was started with, or set CLUSTER_NAME",
                )
            step = Step(f"starting the embedded cluster {self.name}", usual_seconds=15)
            cluster = preparation.prepare(self.name, self._state, binaries)
            self._start(cluster, step)
            step.done()
            warning = proxy_warning(self._environment, cluster.node_address)
            if warning:
                say(warning)

    def down(self) -> None:
        """End it and remove every trace; the built programs stay."""
        machine.check_own_privileges()
        with locked(self._lock_file(), "starting or ending the cluster"):
            self._clean()
        for folder in (self._state.parent, self._state.parent.parent):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()

    def status(self) -> bool:
        """Print the health of every component; returns whether all are well."""
        cluster = settings.load(self._state)
        print(f"embedded cluster {self.name}: Kubernetes {cluster.version}, node {cluster.node_address}")
        print(f"kubeconfig {cluster.kubeconfig}\nlogs       {cluster.logs}")
        found = namespace.find(self._state)
        if found is None or not found.first.alive():
            print("its first process is gone: nothing of it runs. `up` starts it afresh, `down` removes what is left")
            return False
        report = list(health.report(cluster, found))
        for each in report:
            print(f"  {'ok ' if each.well else 'BAD'}  {each.component:24} {each.detail}")
        return all(each.well for each in report)

    def load_images(self, archives: Sequence[str]) -> None:
        """Import image archives. Raises ClusterError for one that is none."""
        files = [Path(archive) for archive in archives]
        for file in files:
            if not file.exists():
                raise ClusterError(
                    f"there is no file {file}.", "the embedded cluster takes image archives, not names of images"
                )
        names = [name for file in files for name in images.check_names(file)]
        found = namespace.find(self._state)
        if found is None or not found.first.alive():
            raise ClusterError(f"the embedded cluster {self.name} is not up.", "python3 -m hack.cluster up")
        ctr = ["ctr", "--address", str(settings.CONTAINERD_SOCKET), "--namespace", "k8s.io", "images", "import", "-"]
        for file in files:
            with file.open("rb") as content:
                result = subprocess.run(namespace.inside(found, ctr), stdin=content, capture_output=True, text=True)
            if result.returncode:
                raise ClusterError(f"importing {file} failed: {result.stderr.strip()}")
        for name in names:
            print(name)

    def _lock_file(self) -> Path:
        return paths.cache_directory(self._environment) / "locks" / f"{self.name}.lock"

    def _gets_well(self) -> bool:
        """Whether it runs; one that runs but is ill gets time to recover before it counts as broken."""
        found = namespace.find(self._state)
        if found is None or not found.first.alive():
            return False
        cluster = settings.load(self._state)
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while found.first.alive() and time.monotonic() < deadline:
            ill = [each for each in health.report(cluster, found) if not each.well]
            if not ill:
                return True
            time.sleep(1)
        say(f"the embedded cluster {self.name} runs and is not well; it is replaced by a fresh one")
        return False

    def _clean(self) -> None:
        """End and remove whatever there is of this cluster, whole or half."""
        found = namespace.find(self._state)
        if found is not None:
            namespace.end(found)
            network.disconnect(self.name)
        if not network.link_exists(self.name):  # else the groups are another's
            cgroups.remove(self.name)
        if self._state.exists():
            _refuse_mounts_below(self._state)
            shutil.rmtree(self._state)

    def _start(self, cluster: Settings, step: Step) -> None:
        log = cluster.logs / "node.log"
        started = namespace.start(self._state, log, preparation.node_environment(cluster, debian.search_path()))
        network.connect(self.name, started.first.pid, cluster.host_address, cluster.prefix_length)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            report = list(health.report(cluster, started))
            ill = [each for each in report if not each.well]
            if not ill:
                return
            if not started.first.alive():
                raise ClusterError(f"the cluster ended while it started. The end of {log}:\n{tail(log)}")
            if time.monotonic() > deadline:
                details = "\n".join(f"  {each.component}: {each.detail}" for each in ill)
                raise ClusterError(
                    f"not ready after {_START_SECONDS:.0f} s:\n{details}", f"see the logs in {cluster.logs}"
                )
            step.update(f"waiting for {ill[0].component}")
            time.sleep(0.3)


def proxy_warning(environment: Mapping[str, str], address: str) -> str | None:
    """What to say when kubectl and its like would ask a proxy for the apiserver at `address`."""
    proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy")
    exceptions = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    if not proxy or address in exceptions.split(",") or exceptions == "*":
        return None
    wanted = ",".join(filter(None, (exceptions, address)))
    return f"HTTPS_PROXY is set: programs reach the cluster only after `export NO_PROXY={wanted}`"


def _refuse_mounts_below(folder: Path) -> None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        mount_point = Path(line.split()[1])
        if mount_point.is_relative_to(folder):
            raise ClusterError(f"{mount_point} is mounted inside the state folder.", f"umount {mount_point}")
