"""The kind of cluster: who wins, and what the kinds that need something else say when it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster import drivers, kind
from hack.cluster.current import CurrentCluster, kubeconfig_path
from hack.cluster.embedded.driver import EmbeddedCluster
from hack.cluster.errors import ClusterError


@pytest.mark.parametrize(
    ("wanted", "docker", "chosen"),
    [
        (None, True, "kind"),
        (None, False, "embedded"),
        ("", False, "embedded"),
        ("embedded", True, "embedded"),
        ("current", True, "current"),
        ("kind", False, "kind"),
    ],
)
def test_the_wanted_kind_wins_and_else_docker_decides(wanted: str | None, docker: bool, chosen: str) -> None:
    assert drivers.choose(wanted, lambda: docker) == chosen


def test_docker_is_not_asked_when_the_kind_is_named() -> None:
    def fail() -> bool:
        raise AssertionError("asked")

    assert drivers.choose("current", fail) == "current"


def test_an_unknown_kind_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(ClusterError, match=r"minikube.*\n.*embedded, kind, current"):
        drivers.choose("minikube", lambda: True)


def test_every_kind_can_be_made_without_touching_the_machine(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    for each in drivers.KINDS:
        drivers.create(each, "name", environment)
    assert list(tmp_path.iterdir()) == []


def test_kind_is_told_the_name_and_a_kubeconfig_of_its_own() -> None:
    command = kind.create_command(Path("/bin/kind"), "mine", Path("/state/kubeconfig"))
    assert command[:5] == ["/bin/kind", "create", "cluster", "--name", "mine"]
    assert command[command.index("--kubeconfig") + 1] == "/state/kubeconfig"
    assert kind.delete_command(Path("/bin/kind"), "mine", Path("/k"))[1:5] == ["delete", "cluster", "--name", "mine"]


@pytest.mark.parametrize(("is_archive", "verb"), [(True, "image-archive"), (False, "docker-image")])
def test_kind_loads_archives_and_named_images_by_different_verbs(is_archive: bool, verb: str) -> None:
    command = kind.load_command(Path("/bin/kind"), "mine", "x", is_archive=is_archive)
    assert command == ["/bin/kind", "load", verb, "x", "--name", "mine"]


def test_kind_without_a_docker_program_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="no docker program"):
        kind.require_docker()


def test_kind_without_a_docker_engine_says_what_the_client_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\necho Cannot connect to the daemon >&2\nexit 1\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="none answers: Cannot connect to the daemon"):
        kind.require_docker()


def test_the_current_cluster_is_never_ended() -> None:
    with pytest.raises(ClusterError, match="not ended from here"):
        CurrentCluster({}).down()


def test_the_current_cluster_wants_images_from_a_registry() -> None:
    with pytest.raises(ClusterError, match=r"a\.tar cannot be loaded.*\n.*push the images to a registry"):
        CurrentCluster({}).load_images(["a.tar"])


def test_the_current_kubeconfig_is_found_as_kubectl_finds_it() -> None:
    assert kubeconfig_path({"HOME": "/home/me"}) == Path("/home/me/.kube/config")
    assert kubeconfig_path({"HOME": "/home/me", "KUBECONFIG": "/a"}) == Path("/a")
    with pytest.raises(ClusterError, match="several files"):
        kubeconfig_path({"KUBECONFIG": "/a:/b"})


def test_an_embedded_cluster_that_is_not_up_says_how_to_start_it(tmp_path: Path) -> None:
    cluster = EmbeddedCluster("name", {"HOME": str(tmp_path)})
    for ask in (cluster.kubeconfig, cluster.status):
        with pytest.raises(ClusterError, match=r"python3 -m hack\.cluster up"):
            ask()


def test_an_embedded_cluster_names_the_archive_that_is_not_there(tmp_path: Path) -> None:
    cluster = EmbeddedCluster("name", {"HOME": str(tmp_path)})
    with pytest.raises(ClusterError, match=r"no file absent\.tar"):
        cluster.load_images(["absent.tar"])
