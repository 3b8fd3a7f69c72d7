"""kubectl as a function: arguments in, text or JSON out, a clear error when it fails."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hack.cluster.errors import ClusterError

Object = dict[str, Any]
FIELD_MANAGER = "kubectl"
MONITOR_LABEL = "app.kubernetes.io/instance"


@dataclass(frozen=True)
class Kubectl:
    """One program, one kubeconfig, one namespace."""

    program: str
    kubeconfig: str
    namespace: str

    def within(self, namespace: str) -> Kubectl:
        """The same for another namespace."""
        return replace(self, namespace=namespace)

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return [self.program, "--kubeconfig", self.kubeconfig, "--namespace", self.namespace, *arguments]

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 120.0) -> str:
        """Its output. ClusterError, with what kubectl said, when it fails or takes longer than `timeout` seconds."""
        shown = f"kubectl -n {self.namespace} {' '.join(arguments)}"[:200]
        try:
            done = subprocess.run(
                self.command(*arguments), input=stdin, capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            raise ClusterError(f"`{shown}` gave no answer within {timeout:.0f} s.") from None
        if done.returncode:
            raise ClusterError(f"`{shown}` failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def get(self, *arguments: str) -> Object:
        """One object, or a list of objects, as JSON."""
        found: Object = json.loads(self.run("get", *arguments, "-o", "json"))
        return found

    def find(self, kind: str, name: str) -> Object | None:
        """One object, or None when there is none of this name."""
        answer = self.run("get", kind, name, "--ignore-not-found", "-o", "json")
        found: Object | None = json.loads(answer) if answer.strip() else None
        return found

    def items(self, kinds: str, selector: str = "") -> list[Object]:
        """The objects of these kinds (`pods,jobs`) that have the labels."""
        found: list[Object] = self.get(kinds, *(["-l", selector] if selector else []))["items"]
        return found

    def apply(self, *objects: Object) -> None:
        """Server-side apply: no copy of the object is kept in an annotation, so that large ConfigMaps fit."""
        bundle = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.run("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(bundle))


def connect(
    namespace: str, kubeconfig: Path, bin_directory: Path, environment: Mapping[str, str] = os.environ
) -> Kubectl:
    """kubectl for a cluster, from the folder of the programs that the cluster was built with."""
    return Kubectl(str(bin_directory / "kubectl"), str(kubeconfig), namespace)
