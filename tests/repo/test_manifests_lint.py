"""kube-score over all that the chart and the operator make: no finding without a written reason."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster import builds
from hack.linters.kube_score import Finding, accepted, findings

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests/unit/driftmonitor_operator/golden"
MODES: dict[str, dict[str, Any]] = {
    "chart": {},
    "chart-in-one-namespace": {
        "watchNamespace": "team",
        "replicas": 2,
        "admissionPolicy": {"enabled": True},
        "metrics": {"scrapeAnnotations": True},
    },
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[Finding]:
    helm = str(builds.ensure(["helm"]) / "helm")
    texts = {file.stem: file.read_text() for file in sorted(GOLDEN.glob("*.yaml"))}
    assert {"minimal", "everything"} <= set(texts)
    for mode, values in MODES.items():
        file = tmp_path_factory.mktemp(mode) / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        command = [helm, "template", "dm", "charts/driftmonitor", "--namespace", "system", "--values", str(file)]
        rendered = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
        texts[mode] = rendered.stdout
    manifests = {source: [body for body in yaml.safe_load_all(text) if body] for source, text in texts.items()}
    return set().union(*(findings(source, bodies) for source, bodies in manifests.items()))


def test_no_finding_is_without_a_written_reason(found: set[Finding]) -> None:
    reasons = accepted()
    assert sorted(finding for finding in found if not any(reason.covers(finding) for reason in reasons)) == []


def test_no_reason_is_without_a_finding(found: set[Finding]) -> None:
    assert [reason for reason in accepted() if not any(reason.covers(finding) for finding in found)] == []


def test_the_linter_finds_what_is_wrong() -> None:
    container = {"name": "c", "image": "image:latest"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    checks = {finding.check for finding in findings("here", [pod])}
    assert {"container-image-tag", "container-security-context-readonlyrootfilesystem", "pod-networkpolicy"} <= checks
