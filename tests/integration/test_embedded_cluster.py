"""An embedded cluster beside any other: it runs pods on volumes, outlives a crash and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.certificates import KeyPair
from hack.cluster.client import ApiClient, ApiError
from hack.cluster.embedded import cgroups, namespace, network, settings
from hack.cluster.embedded.driver import EmbeddedCluster
from hack.cluster.embedded.settings import PAUSE_IMAGE
from hack.cluster.errors import ClusterError
from hack.cluster.processes import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the embedded cluster needs root")

PODS = "/api/v1/namespaces/default/pods"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # As deep as a home may lie: the path of a Unix socket in it would be too long.
    return tmp_path_factory.mktemp("state-" + "deep-" * 20)


@pytest.fixture(scope="module")
def cluster(state: Path) -> Iterator[EmbeddedCluster]:
    running = EmbeddedCluster(f"test-{uuid.uuid4().hex[:8]}", {**os.environ, "XDG_STATE_HOME": str(state)})
    try:
        running.up()
        yield running
    finally:
        running.down()


def files(cluster: EmbeddedCluster) -> Path:
    return cluster.kubeconfig().parent


def client(cluster: EmbeddedCluster) -> ApiClient:
    pki = files(cluster) / "certificates"
    pair = KeyPair(pki / "administrator.crt", pki / "administrator.key")
    return ApiClient(settings.load(files(cluster)).server, pki / "ca.crt", pair)


def pod(name: str, claim: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 2000},
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "pause",
                    "image": PAUSE_IMAGE,
                    "resources": {"limits": {"memory": "32Mi", "cpu": "100m"}},
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }
            ],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        },
    }


def processes_below(folder: Path) -> list[str]:
    """The command lines of all processes that name the folder."""
    lines = []
    for pid in _pids():
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it ended meanwhile
    return [line for line in lines if str(folder) in line]


def test_a_pod_runs_on_a_volume_that_is_emptied_for_the_next_claim(cluster: EmbeddedCluster) -> None:
    api = client(cluster)
    request = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    api.json("POST", CLAIMS, {"metadata": {"name": "data"}, "spec": request})
    api.json("POST", PODS, pod("first", "data"))
    wait_until(lambda: api.json("GET", f"{PODS}/first")["status"].get("phase") == "Running", "the pod", 120)
    volume = api.json("GET", f"{CLAIMS}/data")["spec"]["volumeName"]
    folder = files(cluster) / "volumes" / volume
    assert folder.stat().st_gid == 2000  # the pod's fsGroup may write
    (folder / "left").touch()
    api.json("DELETE", f"{PODS}/first")
    api.json("DELETE", f"{CLAIMS}/data")
    available = lambda: api.json("GET", f"{VOLUMES}/{volume}")["status"]["phase"] == "Available"  # noqa: E731
    wait_until(available, "the volume's return", 120)
    assert list(folder.iterdir()) == []
    assert folder.stat().st_gid == 0


def test_starting_it_again_changes_nothing(cluster: EmbeddedCluster) -> None:
    before = namespace.find(files(cluster))
    cluster.up()
    assert namespace.find(files(cluster)) == before


def test_a_program_that_crashes_is_started_again(cluster: EmbeddedCluster, capsys: pytest.CaptureFixture[str]) -> None:
    crashed = next(pid for pid in _pids() if _runs(pid, "kube-scheduler", files(cluster)))
    os.kill(crashed, signal.SIGKILL)
    record = files(cluster) / "components.json"
    wait_until(lambda: '"kube-scheduler": {"running": true, "restarts": 1}' in record.read_text(), "a restart", 60)
    wait_until(cluster.status, "health", 60)
    assert "kube-scheduler           ready, restarts: 1" in capsys.readouterr().out


def test_a_broken_cluster_is_replaced_by_a_fresh_one(cluster: EmbeddedCluster) -> None:
    api = client(cluster)
    api.json("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "old"}})
    before = namespace.find(files(cluster))
    assert before is not None
    os.kill(before.holder.pid, signal.SIGKILL)
    wait_until(lambda: not before.first.alive(), "the end of everything inside", 60)
    assert not cluster.status()
    cluster.up()
    with pytest.raises(ApiError) as missing:
        client(cluster).json("GET", "/api/v1/namespaces/default/configmaps/old")
    assert missing.value.status == 404


def test_the_same_name_from_another_state_folder_is_refused(cluster: EmbeddedCluster, tmp_path: Path) -> None:
    other = EmbeddedCluster(cluster.name, {**os.environ, "XDG_STATE_HOME": str(tmp_path)})
    with pytest.raises(ClusterError, match="another cluster called"):
        other.up()
    other.down()
    assert cluster.status()


def test_after_down_nothing_is_left(cluster: EmbeddedCluster, state: Path) -> None:
    folder = files(cluster)
    assert processes_below(folder)
    (folder / "process.json").unlink()  # even where somebody tidied up by hand
    cluster.down()
    assert processes_below(folder) == []
    assert list(state.iterdir()) == []
    assert not network.link_exists(cluster.name)
    assert [
        each for each in cgroups.hierarchies(Path("/proc/mounts").read_text()) if (each / cluster.name).exists()
    ] == []
    assert str(folder) not in Path("/proc/mounts").read_text()


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _runs(pid: int, program: str, folder: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
    return Path(command.split("\0")[0]).name == program and str(folder) in command
