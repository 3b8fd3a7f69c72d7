"""For the properties: the operator's process, with a proxy between it and the apiserver that injects faults."""

import copy
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from driftmonitor_operator import kinds
from hack.cluster import builds
from hack.cluster.controlplane import ControlPlane
from tests.integration.conftest import Api, Monitor, OperatorProcess
from tests.support.faultproxy import FaultProxy
from tests.support.worlds import World

_numbers = itertools.count(1)


def sibling(monitor: Monitor, name: str) -> Monitor:
    """Another monitor in the same namespace, yet to be created."""
    other = copy.copy(monitor)
    other.name = name
    return other


@pytest.fixture(scope="session")
def proxy(operator_kubeconfig: Path) -> Iterator[FaultProxy]:
    """In front of the apiserver of `operator_api`; a test takes away what it injects."""
    with FaultProxy(operator_kubeconfig) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def proxied_kubeconfig(proxy: FaultProxy, operator_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the operator's ServiceAccount, through the proxy."""
    return proxy.kubeconfig(operator_kubeconfig, tmp_path_factory.mktemp("proxied") / "kubeconfig")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A control plane without controllers."""
    binaries = builds.ensure(["kubectl", "kube-apiserver", "kube-controller-manager"])
    with ControlPlane(tmp_path_factory.mktemp("world"), binaries=binaries) as plane, World(plane) as world:
        yield world


@pytest.fixture
def new_monitor(operator_api: Api) -> Iterator[Callable[[], Monitor]]:
    """Makes monitors that are yet to be created, each in a namespace of its own."""
    made: list[Monitor] = []

    def new() -> Monitor:
        made.append(Monitor(operator_api, f"vault-{next(_numbers)}"))
        return made[-1]

    yield new
    for monitor in made:
        operator_api.plane.client.text("DELETE", kinds.MONITOR.path(monitor.namespace))  # its siblings, too


@pytest.fixture
def wine(new_monitor: Callable[[], Monitor]) -> Monitor:
    """One of them."""
    return new_monitor()


@pytest.fixture
def proxied(proxied_kubeconfig: Path, tmp_path: Path, proxy: FaultProxy) -> Iterator[OperatorProcess]:
    """The operator behind the proxy, yet to be started; ended after the test, whatever became of it."""
    process = OperatorProcess(tmp_path, proxied_kubeconfig)
    yield process
    proxy.heal()
    kill(process)


def kill(process: OperatorProcess) -> None:
    """SIGKILL; how it ends when it is asked to is shown elsewhere."""
    if process.started and process.ended() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.stop()
