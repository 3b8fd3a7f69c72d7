"""A private etcd and kube-apiserver on the loopback address, for tests: the real API, without a node."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hack.cluster import builds
from hack.cluster.client import ApiClient, ApiError
from hack.cluster.components import (
    AUDIT_POLICY,
    ApiServer,
    Audit,
    Etcd,
    apiserver_arguments,
    controller_manager_arguments,
    etcd_arguments,
)
from hack.cluster.errors import ClusterError
from hack.cluster.identities import create_identities
from hack.cluster.processes import Program, free_ports, wait_until

_ADDRESS = "127.0.0.1"
_READY_SECONDS = 120.0  # two seconds on an idle machine
_GRACE_SECONDS = 2.0  # the apiserver would wait much longer for those who still watch


class ControlPlane:
    """Use it as a context manager; `kubeconfig` and `base_url` say how to reach it.

    The programs end with the process that started them, even when it is killed.
    """

    def __init__(
        self,
        directory: Path,
        *,
        binaries: Path | None = None,
        controller_manager: bool = False,
        audit: bool = False,
    ) -> None:
        """Keep everything in `directory`; `binaries` is built on first use when it is not given.

        `controller_manager` adds the real garbage collector, namespace deletion and ServiceAccounts; `audit` has
        every request written down, for `audit_events`.
        """
        self.directory = directory
        self._binaries = binaries
        self._with_controller_manager = controller_manager
        self._audit = Audit(directory / "audit-policy.json", directory / "audit.log") if audit else None
        self._programs: list[Program] = []

    def __enter__(self) -> Self:
        """Start and wait until it is ready."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all programs."""
        self.stop()

    def start(self) -> None:
        """Start and wait until it is ready. Raises ClusterError with the end of a log when it does not get so."""
        if shutil.which("etcd") is None:
            raise ClusterError("etcd is not installed.", "apt-get install --no-install-recommends etcd-server")
        binaries = self._binaries or builds.ensure(["kube-apiserver", "kube-controller-manager"])
        client_port, peer_port, metrics_port, port, manager_port = free_ports(5)
        etcd = Etcd(self.directory / "etcd", client_port, peer_port, f"{_ADDRESS}:{metrics_port}")
        identities = create_identities(self.directory / "certificates", _ADDRESS, port)
        self.base_url = identities.server
        self.kubeconfig = identities.administrator_kubeconfig(self.directory / "kubeconfig", "controlplane")
        self.client = ApiClient(self.base_url, identities.authority.pair.certificate, identities.administrator)
        tokens = self._with_controller_manager
        if self._audit:
            self._audit.policy.write_text(json.dumps(AUDIT_POLICY))  # JSON is YAML
        server = ApiServer(etcd.client, _ADDRESS, _ADDRESS, port, identities.directory, tokens, self._audit)
        self._apiserver_arguments = apiserver_arguments(binaries / "kube-apiserver", server)
        try:
            self._etcd = self._launch("etcd", etcd_arguments(etcd))
            self._apiserver = self._launch("kube-apiserver", self._apiserver_arguments)
            self._wait_until_ready()
            if self._with_controller_manager:
                manager_kubeconfig = identities.kubeconfig_for(
                    self.directory / "controller-manager.kubeconfig", "controlplane", "system:kube-controller-manager"
                )
                manager = binaries / "kube-controller-manager"
                self._launch(
                    "kube-controller-manager",
                    controller_manager_arguments(
                        manager, manager_kubeconfig, identities.directory, _ADDRESS, manager_port, with_node=False
                    ),
                )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all programs, the last started first; a second call does nothing."""
        while self._programs:
            self._programs.pop().stop(_GRACE_SECONDS)

    def kill_apiserver(self) -> None:
        """End the apiserver as a crash would; etcd keeps the objects."""
        self._apiserver.kill()
        self._programs.remove(self._apiserver)

    def start_apiserver(self) -> None:
        """Start the apiserver again, on the same port, after `kill_apiserver`, and wait until it is ready."""
        self._apiserver = self._launch("kube-apiserver", self._apiserver_arguments)
        self._wait_until_ready()

    def restart_apiserver(self) -> None:
        """Kill the apiserver and start it again."""
        self.kill_apiserver()
        self.start_apiserver()

    def audit_events(self) -> list[dict[str, Any]]:
        """What the apiserver wrote down of the requests that it answered, in the order of their ends.

        Events of audit.k8s.io/v1 at level Metadata: see `verb`, `user`, `objectRef`, `stage`, `responseStatus`,
        `userAgent`. Raises ClusterError for a control plane without `audit`.
        """
        if self._audit is None:
            raise ClusterError("this control plane keeps no audit log.", "make it with ControlPlane(..., audit=True)")
        # The last line may still be written.
        complete, _, _ = self._audit.log.read_text(encoding="utf-8").rpartition("\n")
        return [json.loads(line) for line in complete.splitlines()]

    def pids(self) -> list[int]:
        """The process ids of the running programs."""
        return [program.pid for program in self._programs]

    def wait_until(self, ready: Callable[[], bool], what: str, timeout_seconds: float = 60.0) -> None:
        """Return when `ready` does. Raises ClusterError when a program dies meanwhile, or at the timeout."""
        wait_until(ready, what, timeout_seconds, self._programs)

    def _launch(self, name: str, arguments: list[str]) -> Program:
        program = Program(name, arguments, self.directory / "logs" / f"{name}.log", end_with_parent=True)
        self._programs.append(program)
        return program

    def _wait_until_ready(self) -> None:
        wait_until(self._is_ready, "kube-apiserver", _READY_SECONDS, [self._etcd, self._apiserver])

    def _is_ready(self) -> bool:
        try:
            self.client.text("GET", "/readyz")
            # Made by the apiserver itself, a moment after it says that it is ready.
            self.client.text("GET", "/api/v1/namespaces/default")
        except ApiError:
            return False
        return True
