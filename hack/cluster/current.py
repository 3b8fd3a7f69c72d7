"""The cluster that kubectl talks to already; used only when it is asked for by name."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster import builds
from hack.cluster.errors import ClusterError
from hack.cluster.kind import print_nodes
from hack.cluster.progress import say


def kubeconfig_path(environment: Mapping[str, str]) -> Path:
    """Where kubectl reads its configuration. Raises ClusterError when KUBECONFIG names several files."""
    named = [part for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    if len(named) > 1:
        raise ClusterError("KUBECONFIG names several files.", "set it to the one of the cluster to use")
    return Path(named[0]) if named else Path(environment.get("HOME", "/root")) / ".kube" / "config"


class CurrentCluster:
    """The cluster of the current kube-context. It is never started or ended from here."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Nothing is asked before a method is called."""
        self._environment = environment

    def up(self) -> None:
        """Check that it answers."""
        kubectl = str(builds.ensure(["kubectl"]) / "kubectl")
        command = [kubectl, "--kubeconfig", str(self.kubeconfig()), "--request-timeout", "10s", "version"]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode:
            raise ClusterError(
                f"the current kube-context does not answer: {answer.stderr.strip()}",
                "choose another by `kubectl config use-context`, or use CLUSTER=embedded",
            )
        say(f"the current cluster answers: {answer.stdout.splitlines()[-1]}")

    def down(self) -> None:
        """Refuse: it was not started from here."""
        raise ClusterError(
            "the current cluster was not started from here and is not ended from here.",
            "remove what was installed: `helm uninstall`, `kubectl delete`",
        )

    def status(self) -> bool:
        """Print its nodes; returns whether all are Ready."""
        return print_nodes(self.kubeconfig(), None)

    def load_images(self, archives: Sequence[str]) -> None:
        """Refuse: its nodes take images from a registry only."""
        raise ClusterError(
            f"{', '.join(archives)} cannot be loaded into the current cluster: its nodes pull from a registry.",
            "push the images to a registry that its nodes reach, and set the chart's image values to those names",
        )

    def kubeconfig(self) -> Path:
        """The file that kubectl uses. Raises ClusterError when there is none."""
        path = kubeconfig_path(self._environment)
        if not path.exists():
            raise ClusterError(f"there is no kubeconfig {path}.", "set KUBECONFIG")
        return path
