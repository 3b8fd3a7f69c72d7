"""From version 0.1.0 to this one and back with live objects, and away with helm: nothing is lost, nothing hangs."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.reasons import CONDITIONS
from hack.cluster.controlplane import ControlPlane
from tests.support.installation import MONITORS, REPOSITORY, Installation
from tests.support.waiting import wait_for

OLD = REPOSITORY / "tests/fixtures/v0.1.0"
CELLAR = "cellar"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/driftmonitors.driftmonitor.dev"
OLD_RESOURCES = [
    "serviceaccounts",
    "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "configmaps",
    "persistentvolumeclaims",
    "services",
    "deployments.apps",
    "cronjobs.batch",
]
NEW_RESOURCES = [
    "horizontalpodautoscalers.autoscaling",
    "poddisruptionbudgets.policy",
    "networkpolicies.networking.k8s.io",
]
RESOURCES = (*OLD_RESOURCES, *NEW_RESOURCES)
REVISION = "deployment.kubernetes.io/revision"
Body = dict[str, Any]


def stored() -> dict[str, Body]:
    """Monitors as the apiserver held them under version 0.1.0, by name."""
    return {file.stem: yaml.safe_load(file.read_text()) for file in sorted((OLD / "monitors").glob("*.yaml"))}


@pytest.fixture(scope="module")
def old_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("v0.1.0")
    with tarfile.open(OLD / "programs.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def installation(chart_plane: ControlPlane, chart_programs: Path, tmp_path_factory: Any) -> Iterator[Installation]:
    """Version 0.1.0 with the stored monitors: their specs, and the facts that their checks had written."""
    directory = tmp_path_factory.mktemp("upgrade")
    fluentd = REPOSITORY / "fluentd"
    release = Installation(chart_plane, chart_programs, directory, "driftmonitor", "upgrade-system", fluentd)
    release.make_namespace(CELLAR)
    release.install(OLD / "chart")
    facts = ("lastCheck", "reference", "columns", "violations", "history")
    for name, body in stored().items():
        release.apply_monitor(CELLAR, name, body["spec"])
        path = f"{MONITORS.format(namespace=CELLAR)}/{name}/status?fieldManager=driftmonitor-check&force=true"
        status = {field: body["status"][field] for field in facts if field in body["status"]}
        metadata = {"name": name, "namespace": CELLAR}
        written = {**{key: body[key] for key in ("apiVersion", "kind")}, "metadata": metadata, "status": status}
        release.plane.client.json("PATCH", path, written, "application/apply-patch+yaml")
    yield release
    release.kubectl("delete", "crd", "driftmonitors.driftmonitor.dev", "--ignore-not-found", "--timeout=60s")


def revisions(installation: Installation) -> dict[str, int]:
    """How many pod templates each Deployment has had."""

    def read() -> dict[str, int] | None:
        deployments = installation.children(CELLAR, ("deployments.apps",))
        seen = [
            body.get("status", {}).get("observedGeneration") == body["metadata"]["generation"]
            and REVISION in body["metadata"].get("annotations", {})
            for body in deployments.values()
        ]
        if not all(seen):
            return None
        return {name: int(body["metadata"]["annotations"][REVISION]) for name, body in deployments.items()}

    found: dict[str, int] = wait_for("the Deployments to be seen", read)
    return found


def names(installation: Installation, resources: tuple[str, ...] = RESOURCES) -> set[str]:
    """Kinds and names of the children; those of ConfigMaps without what is told from their content."""
    found = installation.children(CELLAR, resources)
    return {name for name in found if not name.startswith("ConfigMap ")}


def versions(installation: Installation) -> dict[str, str]:
    """Resource versions of all children: they move with every write."""
    found = installation.children(CELLAR, RESOURCES)
    return {name: body["metadata"]["resourceVersion"] for name, body in found.items() if "Deployment" not in name}


@pytest.mark.property(25)
def test_an_upgrade_restarts_each_pod_once_at_most_and_a_rollback_leaves_nothing_broken(
    installation: Installation, old_programs: Path
) -> None:
    sources = (old_programs / "operator", old_programs / "api")
    with installation.operator(*sources, SHIPPER_CONFIG_DIR=str(old_programs / "fluentd")):
        installation.wait_until_applied(CELLAR)
    before, old_names, monitors = revisions(installation), names(installation), installation.monitors(CELLAR)
    assert set(before.values()) == {1}
    assert len(before) == 2 * len(monitors)
    assert not installation.children(CELLAR, tuple(NEW_RESOURCES)), "this is not version 0.1.0"

    # The upgrade: the chart, the CRD, the operator.
    installation.install()
    with installation.operator() as operator:
        wait_for("the new children", lambda: installation.children(CELLAR, tuple(NEW_RESOURCES)))
        operator.wait_for_resyncs(2)
        installation.wait_until_applied(CELLAR)
    upgraded = revisions(installation)
    assert {name: count for name, count in upgraded.items() if count > 2} == {}, "restarted more than once"
    assert old_names <= names(installation)
    for name, body in installation.monitors(CELLAR).items():
        was = monitors[name]
        assert body["metadata"]["uid"] == was["metadata"]["uid"]
        assert body["metadata"]["generation"] == was["metadata"]["generation"], "the stored spec was written"
        assert DriftMonitor.model_validate(body)
        for fact in ("lastCheck", "columns", "violations", "history", "reference"):
            assert body["status"].get(fact) == was["status"].get(fact), f"{name} has lost its {fact}"
        assert [condition["type"] for condition in body["status"]["conditions"]] == list(CONDITIONS)

    # Another version of the operator alone: its pod changes, theirs do not.
    at_rest = versions(installation)
    installation.install(images={"digests": {"operator": "sha256:" + "ab" * 32}})
    with installation.operator() as operator:
        operator.wait_for_resyncs(2)
        assert revisions(installation) == upgraded
        assert versions(installation) == at_rest
        # Somebody uses what is new, and then all goes back.
        spec = {"serving": {"autoscaling": {"minReplicas": 2, "maxReplicas": 3}, "replicas": None}}
        path = f"{MONITORS.format(namespace=CELLAR)}/fetched"
        installation.plane.client.json("PATCH", path, {"spec": spec}, "application/merge-patch+json")
        wait_for("the autoscaler", lambda: "HorizontalPodAutoscaler fetched" in names(installation))
        installation.wait_until_applied(CELLAR)
    installation.helm("rollback", "driftmonitor", "1")
    properties = installation.plane.client.json("GET", CRD)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert "autoscaling" not in str(properties), "the CRD is still the new one"
    with installation.operator(*sources, SHIPPER_CONFIG_DIR=str(old_programs / "fluentd")) as operator:
        operator.wait_for_resyncs(2)
        installation.wait_until_applied(CELLAR)
        # What the old operator knows it holds as its own again: it puts back what somebody deletes.
        installation.kubectl("delete", "service,deployment,cronjob", "--all", "-n", CELLAR)
        operator.wait_for_resyncs(2)
        wait_for("the repair", lambda: old_names <= names(installation))
    back = installation.monitors(CELLAR)
    assert {name: body["metadata"]["uid"] for name, body in back.items()} == {
        name: body["metadata"]["uid"] for name, body in monitors.items()
    }
    for name in ("minimal", "everything"):
        assert back[name]["spec"] == monitors[name]["spec"]

    # What the old operator does not know stays, and goes with its monitor.
    left = names(installation) - old_names
    assert {"HorizontalPodAutoscaler fetched", "NetworkPolicy minimal", "PodDisruptionBudget everything"} <= left
    for body in installation.children(CELLAR, RESOURCES).values():
        assert [owner["kind"] for owner in body["metadata"]["ownerReferences"]] == ["DriftMonitor"]
        assert body["metadata"]["ownerReferences"][0]["uid"] in {b["metadata"]["uid"] for b in monitors.values()}


@pytest.mark.property(25)
def test_what_was_valid_under_the_previous_version_is_valid_now(installation: Installation) -> None:
    installation.install()
    path = f"{MONITORS.format(namespace=CELLAR)}?dryRun=All&fieldValidation=Strict"
    for name, body in stored().items():
        metadata = {"name": f"{name}-again", "namespace": CELLAR}
        fresh = {**{key: body[key] for key in ("apiVersion", "kind", "spec")}, "metadata": metadata}
        made = installation.plane.client.json("POST", path, fresh)
        assert DriftMonitor.model_validate(made)


@pytest.mark.property(20)
def test_with_the_operator_down_a_deleted_monitor_goes_at_once_with_all_that_it_made(
    installation: Installation,
) -> None:
    installation.plane.client.json("DELETE", f"{MONITORS.format(namespace=CELLAR)}/minimal")
    assert "minimal" not in installation.monitors(CELLAR)
    wait_for("its children to go", lambda: not [name for name in names(installation) if " minimal" in name])
    secrets = installation.kubectl("get", "secrets", "-n", CELLAR, "-o", "name")
    wait_for("its Secret to go", lambda: "minimal" not in installation.kubectl("get", "secrets", "-n", CELLAR))
    assert "everything-collector" in secrets


@pytest.mark.property(20)
def test_uninstalling_keeps_the_definition_and_every_object_and_nothing_hangs(installation: Installation) -> None:
    with installation.operator():
        installation.wait_until_applied(CELLAR)
    before = {name: body["metadata"]["uid"] for name, body in installation.monitors(CELLAR).items()}
    children = names(installation)
    assert before and children
    for name, body in (installation.monitors(CELLAR) | installation.children(CELLAR, RESOURCES)).items():
        # The cluster protects a volume claim that pods use.
        assert set(body["metadata"].get("finalizers", [])) <= {"kubernetes.io/pvc-protection"}, name
        assert "kopf" not in str(body["metadata"].get("annotations", {})), name
    installation.helm("uninstall", "driftmonitor", "--wait", "--timeout", "60s")
    assert installation.get(CRD) is not None
    assert {name: body["metadata"]["uid"] for name, body in installation.monitors(CELLAR).items()} == before
    assert names(installation) == children
    roles = installation.kubectl("get", "clusterroles,clusterrolebindings,roles,rolebindings", "-A", "-o", "name")
    assert "driftmonitor-operator" not in roles

    # And the definition goes when somebody says so, with everything.
    installation.kubectl("delete", "crd", "driftmonitors.driftmonitor.dev", "--timeout=60s")
    wait_for("the children to go", lambda: not names(installation))
