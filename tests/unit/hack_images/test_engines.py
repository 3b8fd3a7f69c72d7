"""Which engine builds, and with which arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster.errors import ClusterError
from hack.images import engines
from hack.images.engines import Build

BUILD = Build(
    image="localhost/driftmonitor/operator:1.0.0",
    base="base:1",
    component="operator",
    dockerfile=Path("/repository/Dockerfile"),
    context=Path("/repository"),
    secrets={"pip.conf": Path("/tmp/pip.conf"), "certificates": Path("/ca.crt")},
)


@pytest.mark.parametrize(
    ("wanted", "docker_answers", "chosen"),
    [(None, True, "docker"), (None, False, "buildah"), ("buildah", True, "buildah"), ("docker", True, "docker")],
)
def test_docker_is_used_where_it_answers_unless_another_is_wanted(
    wanted: str | None, docker_answers: bool, chosen: str
) -> None:
    assert engines.choose(wanted, docker_answers) == chosen


def test_docker_is_refused_when_no_engine_answers() -> None:
    with pytest.raises(ClusterError, match="no Docker engine answers"):
        engines.choose("docker", docker_answers=False)


def test_buildah_without_root_is_refused_with_both_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="run as root, or start Docker"):
        engines.Buildah(tmp_path)


def test_a_build_is_given_its_base_its_component_and_its_secrets_and_the_context_last() -> None:
    arguments = engines.build_arguments(BUILD)
    assert "--build-arg=BASE_IMAGE=base:1" in arguments
    assert "--build-arg=COMPONENT=operator" in arguments
    assert "--secret=id=pip.conf,src=/tmp/pip.conf" in arguments
    assert "--secret=id=certificates,src=/ca.crt" in arguments
    assert arguments[-1] == "/repository"
