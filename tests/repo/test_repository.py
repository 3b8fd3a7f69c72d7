"""The repository agrees with itself."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmonitor_api import __version__, crd
from driftmonitor_api.__main__ import generated
from driftmonitor_api.v1alpha1 import DriftMonitor

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(generated()))
def test_a_generated_file_is_current(name: str) -> None:
    assert (REPOSITORY / name).read_text() == generated()[name], "run `make generate` and commit what it writes"


def test_the_written_yaml_reads_back_as_the_definition() -> None:
    text = (REPOSITORY / "manifests/crds/driftmonitors.yaml").read_text()
    assert yaml.safe_load(text) == crd.custom_resource_definition()


def test_package_chart_and_changelog_have_the_same_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((REPOSITORY / "charts/driftmonitor/Chart.yaml").read_text())
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()
    newest = re.search(r"^## \[(\d[^]]*)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert {project["version"], chart["version"], str(chart["appVersion"]), newest[1]} == {__version__}


def pages() -> list[Path]:
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def documents() -> Iterator[tuple[str, Any]]:
    for file in sorted((REPOSITORY / "manifests/samples").rglob("*.yaml")):
        yield from ((file.name, document) for document in yaml.safe_load_all(file.read_text()))
    for page in pages():
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
            yield from ((page.name, document) for document in yaml.safe_load_all(block))


def test_every_example_of_a_monitor_is_valid() -> None:
    examples = [
        (name, document)
        for name, document in documents()
        if isinstance(document, dict) and document.get("kind") == "DriftMonitor"
    ]
    assert {"README.md"} < {name for name, _ in examples}
    for name, document in examples:
        assert DriftMonitor.model_validate(document), name


def test_every_file_that_a_page_links_to_exists() -> None:
    for page in pages():
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_make_verb_named_in_a_page_exists() -> None:
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for page in pages():
        assert set(re.findall(r"`make ([a-z-]+)", page.read_text())) <= verbs, page.name
