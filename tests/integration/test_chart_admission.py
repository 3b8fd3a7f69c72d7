"""The chart's admission policy, asked by real users of a real kube-apiserver."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.client import ApiError
from hack.cluster.controlplane import ControlPlane
from tests.support.installation import MONITORS, Installation
from tests.support.waiting import wait_for

TEAM = "team-of-authors"
PREFIXES = ["s3://models", "https://models.example/wine/", "pvc://", "configmap://wine-reference/reference.parquet"]
REFERENCE = {"storageUri": "pvc://references/wine.parquet"}
WRITE = {"apiGroups": ["driftmonitor.dev"], "resources": ["driftmonitors"], "verbs": ["create", "patch", "get"]}
ALLOWED = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["allowed"], "verbs": ["get"]}
Apply = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def installation(chart_plane: ControlPlane, chart_programs: Path, tmp_path_factory: Any) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("admission")
    installation = Installation(chart_plane, chart_programs, directory, "policed", "policed-system", directory)
    for namespace in (TEAM, "elsewhere"):
        installation.make_namespace(namespace)
    installation.install(
        watchNamespace=TEAM, admissionPolicy={"enabled": True, "allowedUriPrefixes": PREFIXES}, replicas=0
    )
    yield installation
    installation.helm("uninstall", installation.release)
    installation.kubectl("delete", "crd", "driftmonitors.driftmonitor.dev")


@pytest.fixture(scope="module")
def author(installation: Installation, tmp_path_factory: Any) -> Apply:
    """Applies a monitor as somebody who may write monitors, and get the one Secret `allowed` of the namespace."""
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [WRITE, ALLOWED]}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "author"},
        "subjects": [{"kind": "ServiceAccount", "name": "author", "namespace": TEAM}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    for namespace in (TEAM, "elsewhere"):
        for body in (account, role, binding):
            metadata = {"name": "author", "namespace": namespace}
            installation.kubectl("apply", "-f", "-", stdin=json.dumps({**body, "metadata": metadata}))
    kubeconfig = installation.service_account_kubeconfig(
        tmp_path_factory.mktemp("author") / "kubeconfig", TEAM, "author"
    )

    def apply(
        namespace: str = TEAM, *, dry_run: str = "server", labels: dict[str, str] | None = None, **spec: Any
    ) -> tuple[int, str]:
        metadata = {"name": "wine", "namespace": namespace, "labels": labels or {}}
        minimal = {"model": {"storageUri": "s3://models/wine.onnx"}, "reference": REFERENCE}
        body = {
            "apiVersion": "driftmonitor.dev/v1alpha1",
            "kind": "DriftMonitor",
            "metadata": metadata,
            "spec": {**minimal, "checks": {"schedule": "@daily"}, **spec},
        }
        arguments = ("apply", "--server-side", "--force-conflicts", f"--dry-run={dry_run}", "-f", "-")
        return installation.kubectl_of(kubeconfig, *arguments, stdin=json.dumps(body))

    # A policy takes effect a moment after it is there.
    wait_for("the policy to take effect", lambda: apply(model={"storageUri": "s3://elsewhere/wine.onnx"})[0] != 0)
    return apply


@pytest.mark.parametrize("field", ["model", "reference"])
def test_who_names_a_secret_must_be_allowed_to_get_it(author: Apply, field: str) -> None:
    code, said = author(**{field: {"storageUri": "s3://models/wine.onnx", "credentialsSecret": "of-others"}})
    assert code != 0
    assert f"spec.{field}.credentialsSecret: you may not read the Secret 'of-others' of namespace '{TEAM}'" in said
    code, said = author(**{field: {"storageUri": "s3://models/wine.onnx", "credentialsSecret": "allowed"}})
    assert code == 0, said


def test_who_names_a_secret_for_the_records_must_be_allowed_to_get_it(author: Apply) -> None:
    code, said = author(collector={"storage": {"uri": "s3://models", "credentialsSecret": "of-others"}})
    assert code != 0
    assert "spec.collector.storage.credentialsSecret: you may not read the Secret 'of-others'" in said
    code, said = author(collector={"storage": {"uri": "s3://models", "credentialsSecret": "allowed"}})
    assert code == 0, said


def test_who_names_a_login_for_kafka_must_be_allowed_to_get_it(author: Apply) -> None:
    def logging(secret: str) -> dict[str, Any]:
        brokers = {"bootstrapServers": ["kafka:9093"], "topic": "predictions"}
        return {"shipper": {"type": "SyslogNG"}, "kafka": brokers | {"tls": {}, "credentialsSecret": secret}}

    code, said = author(logging=logging("of-others"))
    assert code != 0
    assert "spec.logging.kafka.credentialsSecret: you may not read the Secret 'of-others'" in said
    code, said = author(logging=logging("allowed"))
    assert code == 0, said


def test_who_names_a_token_for_the_servers_log_must_be_allowed_to_get_it(author: Apply) -> None:
    def logging(secret: str) -> dict[str, Any]:
        return {"serverLog": {"url": "https://logs.example/", "tokenSecret": {"name": secret}}}

    code, said = author(logging=logging("of-others"))
    assert code != 0
    assert f"spec.logging.serverLog.tokenSecret: you may not read the Secret 'of-others' of namespace '{TEAM}'" in said
    code, said = author(logging=logging("allowed"))
    assert code == 0, said
    code, said = author(logging={"serverLog": {"url": "https://logs.example/"}})
    assert code == 0, said


def test_who_may_not_get_the_secret_may_label_a_monitor_but_not_change_its_spec(
    installation: Installation, author: Apply
) -> None:
    secret = {"storageUri": "s3://models/wine.onnx", "credentialsSecret": "of-others"}
    spec = {"model": secret, "reference": REFERENCE, "checks": {"schedule": "@daily"}}
    installation.apply_monitor(TEAM, "wine", spec)
    code, said = author(model=secret, labels={"team": "wine"})
    assert code == 0, said
    code, said = author(model={**secret, "storageUri": "s3://models/send-it-to-me.onnx"})
    assert code != 0
    assert "spec.model.credentialsSecret" in said
    installation.kubectl("delete", "driftmonitor", "wine", "-n", TEAM)


@pytest.mark.parametrize(
    "address",
    [
        "s3://models/wine.onnx",
        "s3://models/wine/3/model.onnx",
        "https://models.example/wine/model.onnx",
        "pvc://any-claim/model.onnx",
        "configmap://wine-reference/reference.parquet",
    ],
)
def test_an_address_under_an_allowed_prefix_is_admitted(author: Apply, address: str) -> None:
    code, said = author(model={"storageUri": address}, reference={"storageUri": address})
    assert code == 0, said


@pytest.mark.parametrize(
    "address",
    [
        "s3://models-of-others/wine.onnx",
        "s3://model/wine.onnx",
        "gs://models/wine.onnx",
        "https://models.example/wine-of-others/model.onnx",
        "https://models.example.evil/wine/model.onnx",
        "https://models.example:444/wine/model.onnx",
        "https://models.example/wine/%2e%2e/secret.onnx",
        "https://models.example/wine/.%2E/secret.onnx",
        "http://models.example/wine/model.onnx",
        "configmap://wine-reference/reference.parquet.other",
    ],
)
@pytest.mark.parametrize("field", ["model", "reference"])
def test_an_address_that_only_looks_like_an_allowed_one_is_refused(author: Apply, field: str, address: str) -> None:
    code, said = author(**{field: {"storageUri": address}})
    assert code != 0
    assert f"spec.{field}.storageUri: the address is not allowed" in said
    assert "s3://models/, https://models.example/wine/, pvc://" in said


def test_records_lie_under_an_allowed_prefix_too(author: Apply) -> None:
    code, said = author(collector={"storage": {"uri": "s3://models-of-others", "credentialsSecret": "allowed"}})
    assert code != 0
    assert "spec.collector.storage.uri: the address is not allowed" in said
    code, said = author(collector={"storage": {"uri": "s3://models/records", "credentialsSecret": "allowed"}})
    assert code == 0, said


def test_a_rolling_reference_has_no_address_to_be_judged(author: Apply) -> None:
    code, said = author(reference={"window": {}})
    assert code == 0, said


def test_the_policy_of_a_namespaced_release_holds_in_its_namespace_only(author: Apply) -> None:
    code, said = author("elsewhere", model={"storageUri": "s3://elsewhere/wine.onnx"})
    assert code == 0, said


def test_the_status_of_a_monitor_older_than_the_policy_can_still_be_written(installation: Installation) -> None:
    name = f"{installation.release}-{installation.namespace}"
    binding = installation.kubectl("get", "validatingadmissionpolicybinding", name, "-o", "json")
    installation.kubectl("delete", "validatingadmissionpolicybinding", name)
    spec = {"reference": REFERENCE, "checks": {"schedule": "@daily"}}
    versions = itertools.count(1)

    def applied() -> bool:
        try:
            model = {"storageUri": "gs://old/m.onnx", "version": str(next(versions))}
            installation.apply_monitor(TEAM, "old", {**spec, "model": model})
        except ApiError:
            return False
        return True

    wait_for("the policy to be gone", applied)
    body = json.loads(binding)
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation"):
        body["metadata"].pop(field, None)
    installation.kubectl("create", "-f", "-", stdin=json.dumps(body))
    wait_for("the policy to be back", lambda: not applied())
    path = f"{MONITORS.format(namespace=TEAM)}/old/status"
    change = {"status": {"drift": "Unknown"}}
    written = installation.plane.client.json("PATCH", path, change, "application/merge-patch+json")
    assert written["status"] == change["status"]
    installation.kubectl("delete", "driftmonitor", "old", "-n", TEAM)
