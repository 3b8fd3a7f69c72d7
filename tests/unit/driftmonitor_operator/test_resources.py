"""The manifests. `UPDATE_GOLDEN=1 pytest tests/unit/driftmonitor_operator` writes the golden files anew."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmonitor_api.config import InferenceConfig
from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import resources
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import APPLIED

GOLDEN = Path(__file__).parent / "golden"
Make = Callable[..., DriftMonitor]
Body = dict[str, Any]

SPECS: dict[str, dict[str, Any]] = {
    "minimal": {},
    "claims-and-syslog-ng": {
        "model": {
            "storageUri": "pvc://models/wine/model.onnx",
            "version": "2024-05",
            "features": [{"name": "alcohol", "type": "Numerical"}, {"name": "origin", "type": "Categorical"}],
            "classes": ["a", "b"],
        },
        "serving": {"replicas": 3, "resources": {"requests": {"cpu": 2}, "limits": {"memory": "2Gi"}}},
        "logging": {
            "shipper": {"type": "SyslogNG", "bufferSize": "1Gi", "resources": {"requests": {"memory": "32Mi"}}}
        },
        "collector": {
            "storage": {"size": "50Gi", "storageClassName": "fast"},
            "resources": {"requests": {"cpu": "200m"}},
        },
        "reference": {"storageUri": "pvc://references/wine.parquet"},
        "checks": {"schedule": "@hourly", "resources": {"limits": {"memory": "4Gi"}}},
        "suspend": True,
    },
    "fetched": {
        "model": {"storageUri": "https://models.example/wine.onnx"},
        "reference": {"storageUri": "http://models.example/wine.csv"},
    },
}


@pytest.mark.parametrize("name", SPECS)
def test_the_manifests_are_the_golden_ones(name: str, make_monitor: Make, config: OperatorConfig) -> None:
    manifests = resources.desired(make_monitor(**SPECS[name]), config)
    text = yaml.safe_dump_all(manifests, sort_keys=False, width=120)
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text(), "look at the difference, then run with UPDATE_GOLDEN=1"


@pytest.fixture(params=SPECS)
def manifests(request: pytest.FixtureRequest, make_monitor: Make, config: OperatorConfig) -> list[Body]:
    return resources.desired(make_monitor(**SPECS[request.param]), config)


def find(manifests: list[Body], kind: str, name: str) -> Body:
    (found,) = (m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name)
    return found


def pod_specs(manifests: list[Body]) -> Iterator[Body]:
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            yield manifest["spec"]["template"]["spec"]
        if manifest["kind"] == "CronJob":
            yield manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def containers(manifests: list[Body]) -> Iterator[Body]:
    for pod in pod_specs(manifests):
        yield from [*pod.get("initContainers", []), *pod["containers"]]


def test_every_child_is_labelled_owned_and_of_a_known_kind(manifests: list[Body]) -> None:
    known = {(kind.api_version, kind.name) for kind in APPLIED}
    for manifest in manifests:
        metadata = manifest["metadata"]
        assert (manifest["apiVersion"], manifest["kind"]) in known
        assert metadata["namespace"] == "cellar"
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "driftmonitor-operator"
        assert metadata["labels"]["app.kubernetes.io/instance"] == "wine"
        (owner,) = metadata["ownerReferences"]
        assert owner["kind"] == "DriftMonitor"
        assert owner["controller"] and owner["blockOwnerDeletion"]


def test_no_two_children_have_one_name_and_kind(manifests: list[Body]) -> None:
    identities = [(m["kind"], m["metadata"]["name"]) for m in manifests]
    assert len(set(identities)) == len(identities)


def test_every_pod_fits_the_restricted_standard(manifests: list[Body]) -> None:
    for pod in pod_specs(manifests):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] and security["runAsUser"] == 65532
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
    for container in containers(manifests):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True


def test_every_container_has_a_writable_tmp_and_mounts_only_volumes_that_exist(manifests: list[Body]) -> None:
    for pod in pod_specs(manifests):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert len(volumes) == len(pod["volumes"])
        mounted = set()
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            by_path = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert volumes[by_path["/tmp"]]["emptyDir"] == {}
            mounted |= set(by_path.values())
        assert mounted == set(volumes)


def test_only_the_check_mounts_a_service_account_token(manifests: list[Body]) -> None:
    for manifest in manifests:
        if manifest["kind"] == "ServiceAccount":
            assert manifest["automountServiceAccountToken"] is False
    mounts = {pod["serviceAccountName"]: pod["automountServiceAccountToken"] for pod in pod_specs(manifests)}
    assert mounts == {"wine": False, "wine-collector": False, "wine-check": True}


def test_no_container_is_without_requests_or_a_limit_by_default(make_monitor: Make, config: OperatorConfig) -> None:
    for container in containers(resources.desired(make_monitor(), config)):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert set(container["resources"]["limits"]) == {"memory"}


def test_the_check_may_touch_its_own_monitor_only(manifests: list[Body]) -> None:
    role = find(manifests, "Role", "wine-check")
    for rule in role["rules"]:
        assert rule["resourceNames"] == ["wine"]
    assert [(rule["resources"], rule["verbs"]) for rule in role["rules"]] == [
        (["driftmonitors"], ["get"]),
        (["driftmonitors/status"], ["patch"]),
    ]
    assert find(manifests, "RoleBinding", "wine-check")["subjects"][0]["name"] == "wine-check"


def test_the_server_reads_the_configuration_that_the_config_map_holds(manifests: list[Body]) -> None:
    text = find(manifests, "ConfigMap", "wine-config")["data"]["inference.json"]
    assert InferenceConfig.model_validate_json(text).monitor == "cellar/wine"


def test_the_shippers_file_is_copied_word_for_word(make_monitor: Make, config: OperatorConfig) -> None:
    fluentd = find(resources.desired(make_monitor(), config), "ConfigMap", "wine-shipper")
    assert fluentd["data"] == {"fluent.conf": config.shipper_files.fluentd}
    syslog = resources.desired(make_monitor(**SPECS["claims-and-syslog-ng"]), config)
    assert find(syslog, "ConfigMap", "wine-shipper")["data"] == {"syslog-ng.conf": config.shipper_files.syslog_ng}


def test_log_volumes_are_larger_than_what_the_programs_may_fill(make_monitor: Make, config: OperatorConfig) -> None:
    pod = next(pod_specs([find(resources.desired(make_monitor(), config), "Deployment", "wine")]))
    limits = {v["name"]: v["emptyDir"].get("sizeLimit") for v in pod["volumes"] if "emptyDir" in v}
    assert limits["log"] == limits["shipper-state"] == f"{(512 + 256) * 1024}Ki"
    env = {e["name"]: e.get("value") for e in pod["initContainers"][1]["env"] + pod["containers"][0]["env"]}
    assert env["BUFFER_BYTES"] == env["LOG_LIMIT_BYTES"] == str(512 << 20)


def changed(before: list[Body], after: list[Body]) -> set[str]:
    old = {(m["kind"], m["metadata"]["name"]): m for m in before}
    return {f"{m['kind']} {m['metadata']['name']}" for m in after if old.get((m["kind"], m["metadata"]["name"])) != m}


@pytest.mark.parametrize(
    ("spec", "children"),
    [
        ({"model": {"storageUri": "configmap://wine-model/model.onnx", "version": "4"}}, {"ConfigMap wine-config"}),
        ({"model": {"storageUri": "configmap://other/model.onnx", "version": "3"}}, set()),
        ({"serving": {"replicas": 2}}, set()),
        ({"logging": {"shipper": {"type": "SyslogNG"}}}, {"ConfigMap wine-shipper"}),
    ],
)
def test_a_change_of_what_serves_changes_the_inference_deployment_alone(
    spec: dict[str, Any], children: set[str], make_monitor: Make, config: OperatorConfig
) -> None:
    before, after = resources.desired(make_monitor(), config), resources.desired(make_monitor(**spec), config)
    assert changed(before, after) == {"Deployment wine", *children}


@pytest.mark.parametrize(
    "spec",
    [
        {"checks": {"schedule": "0 * * * *"}},
        {"suspend": True},
        {"reference": {"storageUri": "pvc://references/wine.parquet"}},
        {"checks": {"schedule": "*/5 * * * *", "resources": {"requests": {"cpu": "1"}}}},
    ],
)
def test_a_change_of_the_checks_changes_the_cron_job_alone(
    spec: dict[str, Any], make_monitor: Make, config: OperatorConfig
) -> None:
    before, after = resources.desired(make_monitor(), config), resources.desired(make_monitor(**spec), config)
    assert changed(before, after) == {"CronJob wine-check"}


@pytest.mark.parametrize(
    "spec", [{"checks": {"schedule": "*/5 * * * *", "window": {"lookback": "2h"}}}, {"serving": {"replicas": 1}}]
)
def test_what_the_programs_read_from_the_object_itself_changes_no_child(
    spec: dict[str, Any], make_monitor: Make, config: OperatorConfig
) -> None:
    assert changed(resources.desired(make_monitor(), config), resources.desired(make_monitor(**spec), config)) == set()


@pytest.mark.parametrize(
    "spec",
    [
        {"model": {"storageUri": "configmap://wine-model/model.onnx", "version": "4"}},
        {"model": {"storageUri": "configmap://other/model.onnx", "version": "3"}},
        {"logging": {"shipper": {"type": "SyslogNG"}}},
    ],
)
def test_a_pod_tells_by_its_annotation_what_it_was_started_with(
    spec: dict[str, Any], make_monitor: Make, config: OperatorConfig
) -> None:
    for monitor in (make_monitor(), make_monitor(**spec)):
        deployment = find(resources.desired(monitor, config), "Deployment", "wine")
        annotations = deployment["spec"]["template"]["metadata"]["annotations"]
        assert annotations == {"driftmonitor.dev/configuration": resources.configuration(monitor, config)}
    assert resources.configuration(make_monitor(**spec), config) != resources.configuration(make_monitor(), config)


def test_scaling_starts_no_pod_anew(make_monitor: Make, config: OperatorConfig) -> None:
    one = find(resources.desired(make_monitor(), config), "Deployment", "wine")
    two = find(resources.desired(make_monitor(serving={"replicas": 2}), config), "Deployment", "wine")
    assert (one["spec"]["replicas"], two["spec"]["replicas"]) == (1, 2)
    assert one["spec"]["template"] == two["spec"]["template"]


def test_the_token_is_in_the_secret_that_the_pods_mount(make_monitor: Make, config: OperatorConfig) -> None:
    monitor = make_monitor()
    secret = resources.token_secret(monitor, "s3cret")
    assert base64.b64decode(secret["data"]["token"]) == b"s3cret"
    (owner,) = secret["metadata"]["ownerReferences"]
    assert owner["uid"] == monitor.metadata.uid
    for pod in pod_specs(resources.desired(monitor, config)):
        (volume,) = (v for v in pod["volumes"] if "secret" in v)
        assert volume["secret"]["secretName"] == secret["metadata"]["name"]


def test_manifests_hold_plain_json_and_nothing_empty(manifests: list[Body]) -> None:
    def walk(value: Any) -> None:
        assert value is not None and value != ""
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            walk(part)

    assert json.loads(json.dumps(manifests)) == manifests
    walk(manifests)
