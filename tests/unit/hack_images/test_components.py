"""Which images there are, and the key that decides whether one is built again."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster.errors import ClusterError
from hack.images import components
from hack.images.components import Component

COMPONENT = Component("part", ("Dockerfile", "code"), 1)
BASE = "python:3.11"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "code" / "inner").mkdir(parents=True)
    (tmp_path / "code" / "a.py").write_text("a = 1\n")
    (tmp_path / "code" / "inner" / "b.py").write_text("b = 2\n")
    return tmp_path


def key(repository: Path, base: str = BASE, version: str = "1.2.3") -> str:
    return components.content_key(COMPONENT, repository, base, version)


def test_the_key_stays_when_nothing_changes_and_names_a_file(repository: Path) -> None:
    assert key(repository) == key(repository)
    assert len(key(repository)) == 12
    int(key(repository), 16)


@pytest.mark.parametrize("changed", ["Dockerfile", "code/a.py", "code/inner/b.py", "code/new.py"])
def test_the_key_changes_with_every_file_of_the_component(repository: Path, changed: str) -> None:
    before = key(repository)
    (repository / changed).write_text("changed\n")
    assert key(repository) != before


def test_the_key_changes_when_a_file_moves(repository: Path) -> None:
    before = key(repository)
    (repository / "code" / "a.py").rename(repository / "code" / "c.py")
    assert key(repository) != before


def test_the_key_changes_when_text_moves_from_one_file_to_the_next(repository: Path) -> None:
    (repository / "code" / "a.py").write_text("xy")
    (repository / "code" / "inner" / "b.py").write_text("z")
    before = key(repository)
    (repository / "code" / "a.py").write_text("x")
    (repository / "code" / "inner" / "b.py").write_text("yz")
    assert key(repository) != before


def test_the_key_changes_with_the_base_image(repository: Path) -> None:
    assert key(repository) != key(repository, "python:3.12")


def test_the_key_changes_with_the_version_since_the_archive_holds_the_images_name(repository: Path) -> None:
    assert key(repository) != key(repository, version="1.2.4")


@pytest.mark.parametrize("name", ["code/__pycache__/a.pyc", "code/README.md", "code/old.pyc", "elsewhere.py"])
def test_the_key_does_not_see_what_is_not_in_the_image(repository: Path, name: str) -> None:
    before = key(repository)
    (repository / name).parent.mkdir(exist_ok=True)
    (repository / name).write_text("x")
    assert key(repository) == before


def test_a_missing_source_is_named(repository: Path) -> None:
    (repository / "Dockerfile").unlink()
    with pytest.raises(ClusterError, match="Dockerfile is missing"):
        key(repository)


def test_all_components_are_selected_by_default_and_named_ones_once() -> None:
    assert [each.name for each in components.select([])] == [
        "operator",
        "inference",
        "collector",
        "driftcheck",
        "syslog-ng",
    ]
    assert [each.name for each in components.select(["driftcheck", "operator", "driftcheck"])] == [
        "driftcheck",
        "operator",
    ]


def test_an_unknown_component_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ClusterError, match=r"no component called web(.|\n)*one of: operator, inference"):
        components.select(["operator", "web"])


@pytest.mark.parametrize("component", components.COMPONENTS, ids=lambda component: component.name)
def test_every_component_has_its_files_and_a_base_image_in_this_repository(component: Component) -> None:
    dockerfile = (components.REPOSITORY / component.dockerfile).read_text()
    assert components.default_base(dockerfile)
    assert components.content_key(component, components.REPOSITORY, BASE, "1.2.3")
    assert component.dockerfile in component.sources


def test_the_image_is_named_with_host_and_version() -> None:
    version = components.project_version('[project]\nname = "x"\nversion = "1.2.3"\n')
    assert components.image_name(COMPONENT, version) == "localhost/driftmonitor/part:1.2.3"


def test_a_project_without_a_version_and_a_dockerfile_without_a_base_are_refused() -> None:
    with pytest.raises(ClusterError, match="version"):
        components.project_version("[project]\n")
    with pytest.raises(ClusterError, match="BASE_IMAGE"):
        components.default_base("FROM scratch\n")
