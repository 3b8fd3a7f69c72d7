"""Each value of the chart does what values.yaml says, and a wrong one is refused by its name."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.controlplane import ControlPlane
from tests.support.installation import CHART, Installation

Body = dict[str, Any]
Render = Callable[..., dict[str, Body]]
DIGEST = "sha256:" + "0123456789abcdef" * 4
EVERYTHING: dict[str, Any] = {
    "images": {"prefix": "registry.example/dm", "digests": {"operator": DIGEST, "driftcheck": DIGEST}},
    "imagePullSecrets": [{"name": "registry"}, {"name": "mirror"}],
    "watchNamespace": "team",
    "replicas": 2,
    "workers": 8,
    "resyncSeconds": 60,
    "logLevel": "DEBUG",
    "networkPolicies": {
        "collectorPeers": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "prometheus"}}}],
        "metricsPeers": [{"podSelector": {}}],
        "apiServer": {"cidrs": ["192.0.2.7/32"], "ports": [6443]},
    },
    "admissionPolicy": {"enabled": True, "allowedUriPrefixes": ["s3://models"]},
    "metrics": {"scrapeAnnotations": True},
    "podAnnotations": {"team": "wine"},
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"zone": "a"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}


@pytest.fixture(scope="module")
def helm(chart_programs: Path, tmp_path_factory: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    file = tmp_path_factory.mktemp("values") / "values.yaml"

    def run(values: Body, *arguments: str) -> subprocess.CompletedProcess[str]:
        file.write_text(yaml.safe_dump(values))
        command = [str(chart_programs / "helm"), *arguments, "--values", str(file)]
        return subprocess.run(command, capture_output=True, text=True)

    return run


@pytest.fixture(scope="module")
def render(helm: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """The manifests by kind and name."""

    def rendered(**values: Any) -> dict[str, Body]:
        answer = helm(values, "template", "dm", str(CHART), "--namespace", "system")
        assert answer.returncode == 0, answer.stderr
        documents = [document for document in yaml.safe_load_all(answer.stdout) if document]
        return {f"{document['kind']} {document['metadata']['name']}": document for document in documents}

    return rendered


def environment(manifests: dict[str, Body]) -> dict[str, Any]:
    container = manifests["Deployment dm-operator"]["spec"]["template"]["spec"]["containers"][0]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def pod(manifests: dict[str, Body]) -> Body:
    spec: Body = manifests["Deployment dm-operator"]["spec"]["template"]["spec"]
    return spec


def test_the_chart_passes_its_own_lint(helm: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    for values in ({}, EVERYTHING):
        lint = helm(values, "lint", "--strict", str(CHART))
        assert lint.returncode == 0, lint.stdout


REFUSED: dict[str, Body] = {
    "image": {"image": {"tag": "1"}},
    "/images/pullPolicy": {"images": {"pullPolicy": "Sometimes"}},
    "/images/digests/operator": {"images": {"digests": {"operator": "latest"}}},
    "/images/digests": {"images": {"digests": {"fluentd": DIGEST}}},
    "/imagePullSecrets/0": {"imagePullSecrets": ["registry"]},
    "/watchNamespace": {"watchNamespace": "Team_A"},
    "/replicas": {"replicas": -1},
    "/workers": {"workers": 0},
    "/resyncSeconds": {"resyncSeconds": "often"},
    "/logLevel": {"logLevel": "LOUD"},
    "/networkPolicies/collectorPeers/0": {"networkPolicies": {"collectorPeers": [{"podselector": {}}]}},
    "/networkPolicies/apiServer/cidrs/0": {"networkPolicies": {"apiServer": {"cidrs": ["192.0.2.7"]}}},
    "/admissionPolicy/allowedUriPrefixes/0": {"admissionPolicy": {"allowedUriPrefixes": ["models/"]}},
    "/podAnnotations/a": {"podAnnotations": {"a": 1}},
    # As with `helm upgrade --reuse-values`, which keeps the new defaults away.
    "missing property 'networkPolicies'": {"networkPolicies": None},
    "at '/images': missing property 'digests'": {"images": {"digests": None}},
}


@pytest.mark.parametrize("named", sorted(REFUSED))
def test_a_wrong_value_is_refused_by_its_name(
    helm: Callable[..., subprocess.CompletedProcess[str]], named: str
) -> None:
    answer = helm(REFUSED[named], "template", "dm", str(CHART))
    assert answer.returncode != 0
    assert named in answer.stderr


def test_the_admission_policy_is_refused_where_kubernetes_is_too_old_for_it(
    helm: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    values = {"admissionPolicy": {"enabled": True}}
    answer = helm(values, "template", "dm", str(CHART), "--kube-version", "1.29.5")
    assert "admissionPolicy.enabled: ValidatingAdmissionPolicy needs Kubernetes 1.30 or newer" in answer.stderr


def test_a_component_is_pinned_by_its_digest_and_the_others_by_the_tag(render: Render) -> None:
    manifests = render(
        images={"prefix": "r.example/dm", "tag": "7", "digests": {"operator": DIGEST, "syslog-ng": DIGEST}}
    )
    assert pod(manifests)["containers"][0]["image"] == f"r.example/dm/operator@{DIGEST}"
    assert environment(manifests)["SYSLOG_NG_IMAGE"] == f"r.example/dm/syslog-ng@{DIGEST}"
    assert environment(manifests)["CHECK_IMAGE"] == "r.example/dm/driftcheck:7"


def test_pull_secrets_go_to_the_operators_pod_and_by_name_to_those_of_monitors(render: Render) -> None:
    manifests = render(imagePullSecrets=EVERYTHING["imagePullSecrets"])
    assert pod(manifests)["imagePullSecrets"] == EVERYTHING["imagePullSecrets"]
    assert environment(manifests)["IMAGE_PULL_SECRETS"] == "registry,mirror"
    assert not environment(render())["IMAGE_PULL_SECRETS"]


def test_both_modes_grant_the_same_rights_in_their_place(render: Render) -> None:
    everywhere, one = render(), render(watchNamespace="team")
    assert everywhere["ClusterRole dm-operator"]["rules"] == one["Role dm-operator"]["rules"]
    assert one["Role dm-operator"]["metadata"]["namespace"] == "team"
    assert one["RoleBinding dm-operator"]["metadata"]["namespace"] == "team"
    assert environment(one)["WATCH_NAMESPACE"] == "team"
    bound = [name for name in one if name.startswith("ClusterRole")]
    assert bound == ["ClusterRole dm-edit", "ClusterRole dm-view"]
    assert not [name for name in render(rbac={"aggregate": False}) if name in bound]


def test_several_operators_have_a_disruption_budget_and_one_has_none(render: Render) -> None:
    assert "PodDisruptionBudget dm-operator" not in render()
    several = render(replicas=3)
    assert several["Deployment dm-operator"]["spec"]["replicas"] == 3
    assert several["PodDisruptionBudget dm-operator"]["spec"]["maxUnavailable"] == 1


def test_an_upgrade_stops_one_operator_before_it_starts_another(render: Render) -> None:
    strategy = render()["Deployment dm-operator"]["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


def test_without_network_policies_neither_the_chart_nor_the_operator_makes_any(render: Render) -> None:
    without = render(networkPolicies={"enabled": False})
    assert environment(without)["NETWORK_POLICIES"] == "false"
    assert not [name for name in without if name.startswith("NetworkPolicy")]
    # What it read the apiserver's addresses for.
    assert not [name for name, body in without.items() if body["metadata"].get("namespace") == "default"]


def test_the_operators_network_policy_takes_the_apiservers_addresses(render: Render) -> None:
    policy = render(**EVERYTHING)["NetworkPolicy dm-operator"]["spec"]
    assert policy["egress"][-1] == {
        "ports": [{"port": 6443, "protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}],
    }
    assert policy["ingress"][-1]["from"] == [{"podSelector": {}}]


def test_the_admission_policy_is_there_on_request_only(render: Render) -> None:
    assert not [name for name in render() if name.startswith("ValidatingAdmission")]
    assert len([name for name in render(**EVERYTHING) if name.startswith("ValidatingAdmission")]) == 2


def test_the_chart_without_its_crd_renders_none(render: Render) -> None:
    assert "CustomResourceDefinition driftmonitors.driftmonitor.dev" in render()
    assert not [name for name in render(crds={"enabled": False}) if name.startswith("CustomResourceDefinition")]


def test_a_release_with_every_value_set_is_installed_and_upgraded_without_a_change(
    chart_plane: ControlPlane, chart_programs: Path, tmp_path: Path
) -> None:
    installation = Installation(chart_plane, chart_programs, tmp_path, "dm", "values-system", tmp_path)
    installation.make_namespace("team")
    installation.install(**EVERYTHING)
    path = "/apis/apps/v1/namespaces/values-system/deployments/dm-operator"
    before = installation.get(path)
    installation.install(**EVERYTHING)
    after = installation.get(path)
    assert before is not None and after is not None
    assert before["metadata"]["generation"] == after["metadata"]["generation"]
    live = after["spec"]["template"]
    assert live["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8082",
        "prometheus.io/path": "/metrics",
        "team": "wine",
    }
    for name in ("priorityClassName", "nodeSelector", "tolerations"):
        assert live["spec"][name] == EVERYTHING[name]
    installation.helm("uninstall", "dm")
    installation.kubectl("delete", "crd", "driftmonitors.driftmonitor.dev", "--timeout=60s")


def test_two_releases_of_one_name_work_for_two_namespaces_side_by_side(
    chart_plane: ControlPlane, chart_programs: Path, tmp_path: Path
) -> None:
    releases = []
    for team, shared in (("red", True), ("blue", False)):
        release = Installation(chart_plane, chart_programs, tmp_path / team, "dm", f"{team}-system", tmp_path)
        release.make_namespace(team)
        policy = {"enabled": True}
        release.install(
            watchNamespace=team, crds={"enabled": shared}, rbac={"aggregate": shared}, admissionPolicy=policy
        )
        releases.append(release)
    for release in reversed(releases):
        assert release.helm("uninstall", release.release)
    releases[0].kubectl("delete", "crd", "driftmonitors.driftmonitor.dev", "--timeout=60s")
