"""For the properties: the operator's process, with a proxy between it and the apiserver that injects faults."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.faultproxy import FaultProxy


@pytest.fixture(scope="session")
def proxy(operator_kubeconfig: Path) -> Iterator[FaultProxy]:
    """In front of the apiserver of `operator_api`; a test takes away what it injects."""
    with FaultProxy(operator_kubeconfig) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def proxied_kubeconfig(proxy: FaultProxy, operator_kubeconfig: Path, tmp_path_factory: Any) -> Path:
    """For the operator's ServiceAccount, through the proxy."""
    return proxy.kubeconfig(operator_kubeconfig, tmp_path_factory.mktemp("proxied") / "kubeconfig")
