"""What each image may hold, as its constraints say."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FORBIDDEN = {
    "operator": {"onnxruntime", "evidently", "fastapi", "pandas", "pyarrow", "numpy"},
    "inference": {"kopf", "kubernetes", "evidently", "pandas", "pyarrow"},
    "collector": {"kopf", "kubernetes", "evidently", "onnxruntime", "fastapi", "pandas"},
    "driftcheck": {"kopf", "fastapi"},
}
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^ ]+)( ; [^\\]+)? \\$", re.MULTILINE)


def pinned(component: str) -> dict[str, str]:
    text = (REPOSITORY / "constraints" / f"{component}.txt").read_text()
    return {name: version for name, version, _ in REQUIREMENT.findall(text)}


@pytest.mark.parametrize("component", sorted(FORBIDDEN))
def test_an_image_holds_no_package_of_another_role(component: str) -> None:
    assert pinned(component)
    assert not pinned(component).keys() & FORBIDDEN[component]


@pytest.mark.parametrize("component", sorted(FORBIDDEN))
def test_an_image_is_tested_with_the_versions_that_it_ships(component: str) -> None:
    assert pinned(component).items() <= pinned("dev").items()


@pytest.mark.parametrize("component", sorted(FORBIDDEN))
def test_every_direct_dependency_of_an_extra_is_pinned(component: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"][component]
    assert {re.split(r"[<>=]", requirement)[0] for requirement in wanted} <= pinned(component).keys()


@pytest.mark.parametrize("file", sorted((REPOSITORY / "constraints").glob("*.txt")), ids=lambda file: file.stem)
def test_constraints_carry_a_hash_for_each_version_and_no_address(file: Path) -> None:
    text = file.read_text()
    assert "://" not in text
    assert "--index" not in text and "--find-links" not in text
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert len(blocks) == len(REQUIREMENT.findall(text))
    assert all("--hash=sha256:" in block for block in blocks)
