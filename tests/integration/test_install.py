"""What a user applies is taken by a real kube-apiserver: manifests/install.yaml, every example, the chart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.controlplane import ControlPlane
from tests.support.installation import REPOSITORY, Installation

INSTALL = str(REPOSITORY / "manifests/install.yaml")


@pytest.fixture(scope="module")
def installed(chart_plane: ControlPlane, chart_programs: Path, tmp_path_factory: Any) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("install")
    installation = Installation(
        chart_plane, chart_programs, directory, "driftmonitor", "driftmonitor-system", directory
    )
    installation.kubectl("apply", "--server-side", "-f", INSTALL)
    installation.kubectl("wait", "--for=condition=Established", "crd/driftmonitors.driftmonitor.dev", "--timeout=60s")
    yield installation
    installation.kubectl("delete", "-f", INSTALL, "--timeout=60s")


def test_the_install_manifest_can_be_applied_again_without_a_change(installed: Installation) -> None:
    assert "configured" not in installed.kubectl("apply", "--server-side", "-f", INSTALL)
    assert installed.kubectl("get", "deployment", "-n", "driftmonitor-system", "driftmonitor-operator")


def test_the_example_of_the_readme_is_admitted(installed: Installation) -> None:
    block = (REPOSITORY / "README.md").read_text().split("```yaml\n")[1].split("```")[0]
    answer = installed.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=block)
    assert json.loads(answer)["kind"] == yaml.safe_load(block)["kind"] == "DriftMonitor"


@pytest.mark.parametrize("file", sorted((REPOSITORY / "manifests/samples").glob("*.yaml")), ids=lambda file: file.name)
def test_a_sample_is_admitted(installed: Installation, file: Path) -> None:
    installed.kubectl("create", "--dry-run=server", "-f", str(file))
