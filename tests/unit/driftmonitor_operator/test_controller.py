import asyncio
import time
from pathlib import Path

import pytest
import yaml

from driftmonitor_operator import controller as module
from driftmonitor_operator.cluster import Cluster
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.controller import Controller
from driftmonitor_operator.reconcile import Reconciler
from driftmonitor_operator.store import Store


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose apiserver nobody runs."""
    named = {"name": "away"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "away",
        "clusters": [named | {"cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [named | {"user": {"token": "t"}}],
        "contexts": [named | {"context": {"cluster": "away", "user": "away"}}],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    # The library has read the variable when it was imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    return Cluster(connections=2)


def test_it_waits_for_an_apiserver_that_is_away_and_says_when_its_loop_stands_still(
    cluster: Cluster, config: OperatorConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STUCK_SECONDS", 3.0)

    async def run() -> None:
        store = Store()
        controller = Controller(Reconciler(cluster, store, config), store, workers=1, resync_seconds=300)
        assert controller.unhealthy() == ""  # it stands by, for however long
        starting = asyncio.create_task(controller.start())
        await asyncio.sleep(0.3)
        assert not starting.done()
        assert controller.unhealthy() == ""
        time.sleep(3.5)  # what must not happen
        assert "the event loop has stood still" in controller.unhealthy()
        await asyncio.sleep(1.1)
        assert controller.unhealthy() == ""
        starting.cancel()
        cluster.stop()
        await controller.stop(grace_seconds=5)
        assert starting.cancelled()

    asyncio.run(run())
