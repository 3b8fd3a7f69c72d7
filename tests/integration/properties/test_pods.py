"""The pods that the operator and the chart make, as the apiserver admits them where `restricted` is enforced."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_operator import kinds
from hack.cluster.client import ApiError
from hack.cluster.controlplane import ControlPlane
from tests.support.installation import REPOSITORY, Installation

CELLAR = "cellar-of-pods"
COMPONENTS = ("operator", "inference", "collector", "driftcheck", "syslog-ng")
DIGESTS = {name: f"sha256:{number:064x}" for number, name in enumerate((*COMPONENTS, "fluentd"), 1)}
PREFIX = "registry.example/dm"
FLUENTD = f"registry.example/fluentd@{DIGESTS['fluentd']}"
CHECKS: dict[str, Any] = {"checks": {"schedule": "0 0 1 1 *"}}
SPECS: dict[str, dict[str, Any]] = {
    "mounted": {
        "model": {"storageUri": "configmap://m/m"},
        "reference": {"storageUri": "pvc://r/r"},
        "logging": {"shipper": {"type": "SyslogNG"}},
        **CHECKS,
    },
    "fetched": {
        "model": {
            "storageUri": "s3://models/m",
            "credentialsSecret": "of-the-model",
            "outlierDetector": {"storageUri": "models:/m/3", "credentialsSecret": "of-the-detector"},
        },
        "reference": {"storageUri": "gs://models/r", "credentialsSecret": "of-the-reference"},
        "serving": {"autoscaling": {"minReplicas": 2, "maxReplicas": 3}},
        "scheduling": {"nodeSelector": {"zone": "a"}, "tolerations": [{"key": "gpu", "operator": "Exists"}]},
        "checks": {**CHECKS["checks"], "validation": {}},
    },
    "rolling": {"model": {"storageUri": "https://models.example/m"}, "reference": {"window": {}}, **CHECKS},
}


@pytest.fixture(scope="module")
def installation(chart_plane: ControlPlane, chart_programs: Path, tmp_path_factory: Any) -> Iterator[Installation]:
    """Each image pinned by its digest, in a namespace that enforces `restricted` as the monitors' does."""
    directory = tmp_path_factory.mktemp("pods")
    release = Installation(
        chart_plane, chart_programs, directory, "driftmonitor", "pods-system", REPOSITORY / "fluentd"
    )
    release.make_namespace(CELLAR)
    release.make_namespace(release.namespace)
    digests = {name: DIGESTS[name] for name in COMPONENTS}
    release.install(
        images={"prefix": PREFIX, "digests": digests, "fluentd": FLUENTD},
        imagePullSecrets=[{"name": "registry"}],
        replicas=2,
    )
    with release.operator():
        for name, spec in SPECS.items():
            release.apply_monitor(CELLAR, name, spec)
        release.wait_until_applied(CELLAR)
    yield release
    release.helm("uninstall", "driftmonitor")
    release.kubectl("delete", "crd", "driftmonitors.driftmonitor.dev", "--timeout=60s")


@pytest.fixture(scope="module")
def pods(installation: Installation) -> dict[str, dict[str, Any]]:
    """Each template as the pod that the apiserver would make of it, by monitor and component."""
    deployments = [
        body
        for namespace in (CELLAR, installation.namespace)
        for body in installation.plane.client.json("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
    ]
    jobs = installation.plane.client.json("GET", f"/apis/batch/v1/namespaces/{CELLAR}/cronjobs")["items"]
    templates = [(body["metadata"]["namespace"], body["spec"]["template"]) for body in deployments]
    templates += [(CELLAR, body["spec"]["jobTemplate"]["spec"]["template"]) for body in jobs]
    admitted = {}
    for namespace, template in templates:
        labels = template["metadata"]["labels"]
        body = {**template, "metadata": {"labels": labels, "name": "of-a-template"}}
        path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
        name = f"{labels[kinds.INSTANCE_LABEL]} {labels[kinds.COMPONENT_LABEL]}"
        admitted[name] = installation.plane.client.json("POST", path, body)
    assert set(admitted) == {
        *(f"{monitor} {component}" for monitor in SPECS for component in ("inference", "collector", "check")),
        "driftmonitor operator",
        "fetched validation",
    }
    return admitted


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """All of a pod's containers."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


@pytest.mark.property(24)
def test_all_pods_pass_restricted_pod_security(installation: Installation, pods: dict[str, dict[str, Any]]) -> None:
    # They were admitted; what is not restricted would not have been.
    for name in (CELLAR, installation.namespace):
        lax = {"metadata": {"name": "lax"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        with pytest.raises(ApiError, match='violates PodSecurity \\\\"restricted'):
            installation.plane.client.json("POST", f"/api/v1/namespaces/{name}/pods?dryRun=All", lax)
    # And more than it asks for.
    for name, pod in pods.items():
        for container in containers(pod):
            assert container["securityContext"]["readOnlyRootFilesystem"], name
        assert pod["spec"]["securityContext"]["runAsUser"] == 65532
        assert not any(pod["spec"].get(field) for field in ("hostNetwork", "hostPID", "hostIPC"))


@pytest.mark.property(24)
def test_all_pods_are_pinned_by_digest_where_one_is_given(pods: dict[str, dict[str, Any]]) -> None:
    used = {container["image"] for pod in pods.values() for container in containers(pod)}
    assert used == {*(f"{PREFIX}/{name}@{DIGESTS[name]}" for name in COMPONENTS), FLUENTD}
    assert all(pod["spec"]["imagePullSecrets"] == [{"name": "registry"}] for pod in pods.values())


@pytest.mark.property(24)
def test_only_the_operator_and_the_checks_mount_a_token_of_the_apiserver(pods: dict[str, dict[str, Any]]) -> None:
    mounting = {
        name
        for name, pod in pods.items()
        for volume in pod["spec"]["volumes"]
        if any("serviceAccountToken" in source for source in volume.get("projected", {}).get("sources", []))
    }
    assert mounting == {"driftmonitor operator", *(f"{monitor} check" for monitor in SPECS)}


@pytest.mark.property(24)
def test_each_container_gets_the_secrets_that_it_uses_and_no_other(pods: dict[str, dict[str, Any]]) -> None:
    found: dict[str, set[str]] = {}
    for name, pod in pods.items():
        volumes = {v["name"]: v["secret"]["secretName"] for v in pod["spec"]["volumes"] if "secret" in v}
        for container in containers(pod):
            mounted = {volumes[m["name"]] for m in container.get("volumeMounts", []) if m["name"] in volumes}
            references = [entry.get("valueFrom", {}).get("secretKeyRef") for entry in container.get("env", [])]
            found[f"{name} {container['name']}"] = mounted | {r["name"] for r in references if r}
            assert not container.get("envFrom")
    expected: dict[str, set[str]] = {"driftmonitor operator operator": set()}
    for monitor, spec in SPECS.items():
        token = {f"{monitor}-collector"}
        model, reference = ({spec[part].get("credentialsSecret")} - {None} for part in ("model", "reference"))
        if "outlierDetector" in spec["model"]:
            detector = spec["model"]["outlierDetector"]
            expected[f"{monitor} inference fetch-outlier-detector"] = {detector["credentialsSecret"]}
        expected |= {
            f"{monitor} inference fetch-model": model,
            f"{monitor} inference shipper": token,
            f"{monitor} inference inference": token,
            f"{monitor} collector collector": token,
            f"{monitor} check check": token | reference,
        }
        if "validation" in spec["checks"]:
            expected[f"{monitor} validation validation"] = token | reference
    assert found == expected
