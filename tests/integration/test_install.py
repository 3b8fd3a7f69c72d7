"""What a user applies is taken by a real kube-apiserver: manifests/install.yaml, the chart, every example."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster import builds
from hack.cluster.controlplane import ControlPlane

REPOSITORY = Path(__file__).parents[2]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def programs() -> Path:
    return builds.ensure(["kubectl", "kube-apiserver", "helm"])


@pytest.fixture(scope="module")
def kubectl(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    with ControlPlane(tmp_path_factory.mktemp("controlplane")) as controlplane:

        def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
            command = [str(programs / "kubectl"), "--kubeconfig", str(controlplane.kubeconfig), *arguments]
            return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=REPOSITORY)

        installed = run("apply", "--server-side", "-f", "manifests/install.yaml")
        assert installed.returncode == 0, installed.stderr
        run("wait", "--for=condition=Established", "crd/driftmonitors.driftmonitor.dev", "--timeout=60s")
        yield run


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    block = (REPOSITORY / "README.md").read_text().split("```yaml\n")[1].split("```")[0]
    document = yaml.safe_load(block)
    assert isinstance(document, dict)
    return document


def test_the_install_manifest_can_be_applied_again_without_a_change(kubectl: Kubectl) -> None:
    assert "configured" not in kubectl("apply", "--server-side", "-f", "manifests/install.yaml").stdout
    assert kubectl("get", "deployment", "-n", "driftmonitor-system", "driftmonitor-operator").returncode == 0


def test_the_example_of_the_readme_is_admitted_with_its_defaults(kubectl: Kubectl, example: dict[str, Any]) -> None:
    answer = kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(example))
    assert answer.returncode == 0, answer.stderr
    spec = json.loads(answer.stdout)["spec"]
    assert spec["checks"]["window"] == {"lookback": "1h", "offset": "0s", "minRows": 500, "maxRows": 100000}
    assert spec["serving"] == {"replicas": 1}


@pytest.mark.parametrize("file", sorted((REPOSITORY / "manifests/samples").glob("*.yaml")), ids=lambda file: file.name)
def test_a_sample_is_admitted(kubectl: Kubectl, file: Path) -> None:
    answer = kubectl("create", "--dry-run=server", "-f", str(file))
    assert answer.returncode == 0, answer.stderr


REFUSED: dict[str, tuple[str, object]] = {
    "metadata.name": ("metadata.name", "9-lives"),
    "spec.model.storageUri": ("spec.model.storageUri", "ftp://models/wine.onnx"),
    "spec.serving.replicas": ("spec.serving.replicas", -1),
    "spec.serving.resources.limits.memory": ("spec.serving.resources", {"limits": {"memory": "plenty"}}),
    "spec.model.features[1]": ("spec.model.features", [{"name": "a", "type": "Numerical"}] * 2),
    "spec.checks.schedule": ("spec.checks.schedule", "every five minutes"),
    "spec.checks.window.lookback": ("spec.checks.window.lookback", "an hour"),
    "spec.checks.window.minRows": ("spec.checks.window.minRows", 0),
    "minRows must not be more than maxRows": ("spec.checks.window", {"minRows": 900, "maxRows": 800}),
    "must be 64Mi or more": ("spec.logging.shipper.bufferSize", "1Mi"),
    "spec.checks.drift.driftShare": ("spec.checks.drift.driftShare", 0),
    "spec.checks.drift.numerical": ("spec.checks.drift.numerical", {"method": "psi", "warning": 0.3, "critical": 0.2}),
    "warning and critical together": ("spec.checks.drift.numerical", {"warning": 0.3}),
    "p-values": ("spec.checks.drift.categorical", {"method": "chisquare", "warning": 2, "critical": 1.5}),
    "spec.checks.drift.columns.age.method": ("spec.checks.drift.columns", {"age": {"method": "ks2"}}),
    'unknown field "spec.replica"': ("spec.replica", 2),
}


@pytest.mark.parametrize("named", sorted(REFUSED))
def test_an_invalid_object_is_refused_by_the_name_of_its_field(
    kubectl: Kubectl, example: dict[str, Any], named: str
) -> None:
    path, value = REFUSED[named]
    document = json.loads(json.dumps(example))
    *parents, last = path.split(".")
    inner = document
    for parent in parents:
        inner = inner.setdefault(parent, {})
    inner[last] = value
    answer = kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(document))
    assert answer.returncode != 0
    assert named in answer.stderr


@pytest.mark.parametrize("field", ["model", "reference", "checks"])
def test_what_has_no_sensible_default_must_be_written(kubectl: Kubectl, example: dict[str, Any], field: str) -> None:
    document = {**example, "spec": {key: value for key, value in example["spec"].items() if key != field}}
    answer = kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(document))
    assert f"spec.{field}: Required value" in answer.stderr


def test_the_chart_passes_its_own_lint_and_refuses_an_unknown_value(programs: Path) -> None:
    chart = str(REPOSITORY / "charts/driftmonitor")
    lint = subprocess.run([programs / "helm", "lint", "--strict", chart], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout
    render = [programs / "helm", "template", "driftmonitor", chart, "--set", "image.tag=1"]
    refused = subprocess.run(render, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "image" in refused.stderr


def test_the_chart_without_its_crd_renders_none(programs: Path) -> None:
    chart = str(REPOSITORY / "charts/driftmonitor")
    render = [programs / "helm", "template", "driftmonitor", chart, "--set", "crds.enabled=false"]
    rendered = subprocess.run(render, capture_output=True, text=True, check=True)
    kinds = [document["kind"] for document in yaml.safe_load_all(rendered.stdout)]
    assert "CustomResourceDefinition" not in kinds
    assert "Deployment" in kinds
