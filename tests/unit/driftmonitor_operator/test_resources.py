"""The manifests. `UPDATE_GOLDEN=1 pytest tests/unit/driftmonitor_operator` writes the golden files anew."""

import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmonitor_api.config import InferenceConfig, ValidationConfig
from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import resources
from driftmonitor_operator.apiserver import Apiserver
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import APPLIED

GOLDEN = Path(__file__).parent / "golden"
APISERVER = Apiserver((("10.0.0.1", 443), ("192.0.2.7", 6443)))
Make = Callable[..., DriftMonitor]
Body = dict[str, Any]
Desired = Callable[..., list[Body]]

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
        "checks": {"schedule": "@hourly", "importances": {"rows": 500}, "resources": {"limits": {"memory": "4Gi"}}},
        "suspend": True,
    },
    "through-kafka": {
        "logging": {
            "shipper": {"type": "SyslogNG"},
            "kafka": {
                "bootstrapServers": ["broker-0.kafka.svc:9093", "broker-1.kafka.svc:9093"],
                "topic": "predictions",
                "tls": {"caSecret": "kafka-authority"},
                "credentialsSecret": "kafka-login",
            },
        },
    },
    "everything": {
        "model": {
            "storageUri": "s3://models/wine/model.onnx",
            "credentialsSecret": "models-readonly",
            "version": "3",
            "features": [
                {"name": "alcohol", "type": "Numerical"},
                {"name": "name", "type": "Categorical"},
                {"name": "customer", "type": "Categorical"},
            ],
            "classes": ["a", "b"],
            "outlierDetector": {"storageUri": "models:/wine-outliers@champion", "credentialsSecret": "mlflow"},
        },
        "serving": {
            "autoscaling": {"minReplicas": 2, "maxReplicas": 5, "targetCpuUtilizationPercent": 60},
            "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi", "cpu": "1500m"}},
            "batching": {"maxBatchSize": 64, "maxLatency": "5ms"},
            "maxConcurrentRequests": 1000,
            "accessLog": True,
            "tracing": {"endpoint": "https://otel.example:4318/v1/traces", "samplingPercent": 5},
        },
        "logging": {
            "durability": "Sync",
            "whenFull": "ServeAndCount",
            "samplingPercent": 10,
            "redact": {"drop": ["name"], "hash": ["customer"], "keySecret": {"name": "redaction", "key": "salt"}},
            "serverLog": {"url": "https://logs.example/ingest?a=(b)", "tokenSecret": {"name": "logs"}},
            "shipper": {"type": "Fluentd", "bufferSize": "128Mi", "resources": {"requests": {"cpu": "20m"}}},
        },
        "collector": {
            "storage": {"size": "20Gi", "storageClassName": "fast"},
            "retention": "90d",
            "resources": {"requests": {"memory": "512Mi"}},
        },
        "reference": {
            "storageUri": "https://references.example:8443/wine.parquet",
            "credentialsSecret": "references-readonly",
        },
        "checks": {
            "schedule": "0 6 * * 1-5",
            "timeZone": "Europe/Berlin",
            "window": {"lookback": "24h", "offset": "1h", "minRows": 100, "maxRows": 5000},
            "importances": {},
            "mlflow": {"experiment": "drift of wines", "credentialsSecret": "mlflow-runs"},
            "custom": [
                {"name": "margin", "entryPoint": "checks:margin", "sourceConfigMap": "wine-checks"},
                {"name": "age", "entryPoint": "checks:age", "sourceConfigMap": "wine-checks"},
                {"name": "shared", "entryPoint": "shared:rows", "sourceConfigMap": "shared.checks"},
                {"name": "own-image", "entryPoint": "installed:rows"},
            ],
            "drift": {
                "numerical": {"method": "ks", "warning": 0.05, "critical": 0.01},
                "categorical": {"method": "chisquare"},
                "driftShare": 0.3,
                "columns": {"alcohol": {"method": "wasserstein", "warning": 0.1, "critical": 0.3}},
            },
            "policy": {
                "consecutiveWindows": 3,
                "cooldown": "2h",
                "correction": "BenjaminiHochberg",
                "minCoverage": 0.99,
            },
            "resources": {"requests": {"memory": "1Gi"}},
            "validation": {"replicas": 2, "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "3Gi"}}},
        },
        "scheduling": {
            "nodeSelector": {"kubernetes.io/arch": "amd64"},
            "tolerations": [
                {"key": "dedicated", "operator": "Equal", "value": "models", "effect": "NoSchedule"},
                {"operator": "Exists", "effect": "PreferNoSchedule"},
            ],
        },
        "suspend": False,
    },
    "rolling-reference": {
        "model": {"storageUri": "https://models.example/wine.onnx"},
        "serving": {"replicas": 2},
        "reference": {"window": {"lookback": "7d", "offset": "7d"}},
        "checks": {"schedule": "*/5 * * * *", "validation": {}},
    },
    "registered": {
        "model": {
            "storageUri": "models:/wine/Production",
            "credentialsSecret": "mlflow",
            "sha256": "ab" * 32,
            "outlierDetector": {
                "storageUri": "pvc://models/outliers.onnx",
                "sha256": "cd" * 32,
                "threshold": 0.25,
            },
        },
        "reference": {"storageUri": "https://references.example/wine.parquet"},
    },
    "object-store": {
        "collector": {
            "storage": {"uri": "s3://records/wines", "credentialsSecret": "records"},
            "replicas": 3,
            "retention": "7d",
        },
    },
    "fetched": {
        "model": {"storageUri": "gs://models/wine.onnx", "credentialsSecret": "google"},
        "logging": {"shipper": {"type": "SyslogNG"}, "serverLog": {"url": "http://loki.logs.svc:3100/push"}},
        "reference": {"storageUri": "http://models.example/wine.csv"},
    },
}


@pytest.fixture
def desired(make_monitor: Make, config: OperatorConfig) -> Desired:
    """All manifests of the minimal monitor with these fields."""
    return lambda **spec: resources.desired(make_monitor(**spec), config, APISERVER)


@pytest.mark.parametrize("name", SPECS)
def test_the_manifests_are_the_golden_ones(name: str, desired: Desired) -> None:
    manifests = desired(**SPECS[name])
    text = yaml.safe_dump_all(manifests, sort_keys=False, width=120)
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text(), "look at the difference, then run with UPDATE_GOLDEN=1"


@pytest.fixture(params=SPECS)
def manifests(request: pytest.FixtureRequest, desired: Desired) -> list[Body]:
    return desired(**SPECS[request.param])


def find(manifests: list[Body], kind: str, name: str) -> Body:
    (found,) = (m for m in manifests if m["kind"] == kind and plain(m["metadata"]["name"]) == name)
    return found


def plain(name: str) -> str:
    """A child's name without a digest of its content."""
    return re.sub("-[0-9a-f]{16}$", "", name)


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
    validation = mounts.pop("wine-validation", False)
    assert mounts == {"wine": False, "wine-collector": False, "wine-check": True}
    assert validation is False


def test_no_container_is_without_requests_or_a_limit_by_default(desired: Desired) -> None:
    for container in containers(desired()):
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


def test_the_shippers_file_is_copied_word_for_word(desired: Desired, config: OperatorConfig) -> None:
    fluentd = find(desired(), "ConfigMap", "wine-shipper")
    files = config.shipper_files["Fluentd"]
    assert fluentd["data"] == {name: files[name] for name in ("fluent.conf", "output-collector.conf")}
    syslog = find(desired(**SPECS["claims-and-syslog-ng"]), "ConfigMap", "wine-shipper")
    files = config.shipper_files["SyslogNG"]
    assert syslog["data"] == {name: files[name] for name in ("syslog-ng.conf", "output-collector.conf")}


def test_log_volumes_are_larger_than_what_the_programs_may_fill(desired: Desired) -> None:
    pod = next(pod_specs([find(desired(), "Deployment", "wine")]))
    limits = {v["name"]: v["emptyDir"].get("sizeLimit") for v in pod["volumes"] if "emptyDir" in v}
    assert limits["log"] == limits["shipper-state"] == f"{(512 + 256) * 1024}Ki"
    env = {e["name"]: e.get("value") for e in pod["initContainers"][1]["env"] + pod["containers"][0]["env"]}
    assert env["BUFFER_BYTES"] == env["LOG_LIMIT_BYTES"] == str(512 << 20)


def changed(before: list[Body], after: list[Body]) -> set[str]:
    """Children that were changed, made or left out."""
    old, new = ({f"{m['kind']} {plain(m['metadata']['name'])}": m for m in manifests} for manifests in (before, after))
    return {child for child in old.keys() | new.keys() if old.get(child) != new.get(child)}


@pytest.mark.parametrize(
    ("spec", "children"),
    [
        ({"model": {"storageUri": "configmap://wine-model/model.onnx", "version": "4"}}, {"ConfigMap wine-config"}),
        ({"model": {"storageUri": "configmap://other/model.onnx", "version": "3"}}, set()),
        ({"serving": {"replicas": 0}}, set()),
        ({"serving": {"replicas": 2}}, {"PodDisruptionBudget wine"}),
        ({"serving": {"autoscaling": {"maxReplicas": 3}}}, {"HorizontalPodAutoscaler wine"}),
        ({"logging": {"samplingPercent": 50}}, {"ConfigMap wine-config"}),
        ({"logging": {"durability": "Sync"}}, {"ConfigMap wine-config"}),
        ({"logging": {"whenFull": "ServeAndCount"}}, {"ConfigMap wine-config"}),
        ({"logging": {"redact": {"drop": ["name"]}}}, {"ConfigMap wine-config"}),
        ({"serving": {"accessLog": True}}, {"ConfigMap wine-config"}),
        ({"serving": {"maxConcurrentRequests": 9}}, {"ConfigMap wine-config"}),
        ({"serving": {"resources": {"limits": {"cpu": "2"}}}}, set()),
        (
            {"logging": {"serverLog": {"url": "https://logs.example:8443/in"}}},
            {"ConfigMap wine-shipper", "NetworkPolicy wine"},
        ),
        ({"logging": {"shipper": {"type": "SyslogNG"}}}, {"ConfigMap wine-shipper"}),
        ({"logging": {"shipper": {"bufferSize": "1Gi"}}}, set()),
    ],
)
def test_a_change_of_what_serves_changes_the_inference_deployment_alone(
    spec: dict[str, Any], children: set[str], desired: Desired
) -> None:
    before, after = desired(), desired(**spec)
    assert changed(before, after) == {"Deployment wine", *children}


@pytest.mark.parametrize(
    "spec",
    [
        {"checks": {"schedule": "0 * * * *"}},
        {"checks": {"schedule": "*/5 * * * *", "timeZone": "Europe/Berlin"}},
        {"suspend": True},
        {"reference": {"storageUri": "pvc://references/wine.parquet"}},
        {"reference": {"window": {}}},
        {"checks": {"schedule": "*/5 * * * *", "resources": {"requests": {"cpu": "1"}}}},
    ],
)
def test_a_change_of_the_checks_changes_the_cron_job_alone(spec: dict[str, Any], desired: Desired) -> None:
    before, after = desired(), desired(**spec)
    assert changed(before, after) == {"CronJob wine-check"}


@pytest.mark.parametrize(
    "spec",
    [
        {"checks": {"schedule": "*/5 * * * *", "window": {"lookback": "2h"}}},
        {"checks": {"schedule": "*/5 * * * *", "policy": {"cooldown": "2h"}}},
        {"checks": {"schedule": "*/5 * * * *", "drift": {"driftShare": 0.1}}},
        {"serving": {"replicas": 1}},
    ],
)
def test_what_the_programs_read_from_the_object_itself_changes_no_child(spec: dict[str, Any], desired: Desired) -> None:
    assert changed(desired(), desired(**spec)) == set()


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
        deployment = find(resources.desired(monitor, config, APISERVER), "Deployment", "wine")
        annotations = deployment["spec"]["template"]["metadata"]["annotations"]
        assert annotations == {"driftmonitor.dev/configuration": resources.configuration(monitor, config)}
    assert resources.configuration(make_monitor(**spec), config) != resources.configuration(make_monitor(), config)


def test_scaling_starts_no_pod_anew(desired: Desired) -> None:
    ways: list[dict[str, Any]] = [{"replicas": 1}, {"replicas": 2}, {"autoscaling": {"maxReplicas": 9}}]
    deployments = [find(desired(serving=way), "Deployment", "wine")["spec"] for way in ways]
    assert [deployment.get("replicas") for deployment in deployments] == [1, 2, None]
    assert deployments[0]["template"] == deployments[1]["template"] == deployments[2]["template"]


def test_the_autoscaler_steers_the_deployment_by_the_server_s_container(desired: Desired) -> None:
    manifests = desired(serving={"autoscaling": {"minReplicas": 2, "maxReplicas": 7}})
    scaler, deployment = (find(manifests, kind, "wine")["spec"] for kind in ("HorizontalPodAutoscaler", "Deployment"))
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 7)
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "wine"}
    (server,) = deployment["template"]["spec"]["containers"]
    assert scaler["metrics"][0]["containerResource"]["container"] == server["name"]
    assert not [m for m in desired() if m["kind"] == "HorizontalPodAutoscaler"]


@pytest.mark.parametrize(
    ("given", "requests"),
    [
        ({"requests": {"memory": "1Gi"}}, {"cpu": "100m", "memory": "1Gi"}),
        ({"requests": {"cpu": "2"}}, {"cpu": "2"}),
        ({"limits": {"cpu": "3"}}, None),
        ({"limits": {"memory": "1Gi"}}, {"cpu": "100m"}),
    ],
)
def test_an_autoscaled_server_requests_processor_because_its_use_is_a_percentage_of_that(
    given: Body, requests: Body | None, desired: Desired
) -> None:
    scaled = find(desired(serving={"resources": given, "autoscaling": {"maxReplicas": 2}}), "Deployment", "wine")
    assert scaled["spec"]["template"]["spec"]["containers"][0]["resources"].get("requests") == requests
    fixed = find(desired(serving={"resources": given}), "Deployment", "wine")
    assert fixed["spec"]["template"]["spec"]["containers"][0]["resources"] == given


@pytest.mark.parametrize(
    ("serving", "protected"),
    [
        ({"replicas": 1}, False),
        ({"replicas": 2}, True),
        ({"autoscaling": {"minReplicas": 1, "maxReplicas": 9}}, False),
        ({"autoscaling": {"minReplicas": 2, "maxReplicas": 9}}, True),
    ],
)
def test_pods_are_protected_from_going_together_where_there_are_at_least_two(
    serving: Body, protected: bool, desired: Desired
) -> None:
    budgets = [m for m in desired(serving=serving) if m["kind"] == "PodDisruptionBudget"]
    assert [budget["spec"]["maxUnavailable"] for budget in budgets] == ([1] if protected else [])


def test_validation_is_there_only_where_it_is_asked_for(desired: Desired) -> None:
    checks = {"schedule": "*/5 * * * *"}
    before, after = desired(checks=checks), desired(checks=checks | {"validation": {}})
    assert changed(before, after) == {
        f"{kind} wine-validation" for kind in ("ConfigMap", "Deployment", "NetworkPolicy", "Service", "ServiceAccount")
    }
    several = desired(checks=checks | {"validation": {"replicas": 2}})
    assert changed(after, several) == {"Deployment wine-validation", "PodDisruptionBudget wine-validation"}


@pytest.mark.parametrize(
    ("spec", "renewed"),
    [
        ({"reference": {"storageUri": "pvc://references/wine.parquet"}}, True),
        ({"model": {"storageUri": "configmap://wine-model/model.onnx", "version": "4"}}, True),
        ({"logging": {"redact": {"drop": ["name"]}}}, True),
        ({"checks": {"window": {"minRows": 7}}}, True),
        ({"checks": {"policy": {"correction": "BenjaminiHochberg"}}}, True),
        ({"checks": {"policy": {"cooldown": "2h"}}}, False),
        ({"checks": {"timeZone": "Europe/Berlin"}}, False),
        ({"collector": {"retention": "1d"}}, False),
        ({"serving": {"replicas": 5}}, False),
        ({"suspend": True}, False),
    ],
)
def test_validation_starts_anew_where_what_it_compares_is_another_and_only_there(
    spec: dict[str, Any], renewed: bool, desired: Desired
) -> None:
    checks = {"schedule": "*/5 * * * *", "validation": {}}
    before, after = desired(checks=checks), desired(**spec | {"checks": checks | spec.get("checks", {})})
    files = {"ConfigMap wine-validation", "Deployment wine-validation"} if renewed else set()
    assert changed(before, after) & {f"{kind} wine-validation" for kind in ("ConfigMap", "Deployment")} == files


def test_validation_reads_the_configuration_that_its_config_map_holds(desired: Desired) -> None:
    manifests = desired(**SPECS["everything"])
    config_map = find(manifests, "ConfigMap", "wine-validation")
    config = ValidationConfig.model_validate_json(config_map["data"]["validation.json"])
    assert (config.monitor, config.spec.checks.window.min_rows) == ("cellar/wine", 100)
    pod = find(manifests, "Deployment", "wine-validation")["spec"]["template"]["spec"]
    assert config_map["metadata"]["name"] in {v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v}


@pytest.mark.parametrize("name", SPECS)
def test_validation_is_about_the_same_subject_as_the_checks(name: str, make_monitor: Make) -> None:
    monitor = make_monitor(**SPECS[name])
    assert ValidationConfig.of(monitor).spec.subject == monitor.spec.subject


def test_inference_pods_are_spread_over_zones_and_nodes_but_never_kept_waiting_for_it(manifests: list[Body]) -> None:
    constraints = find(manifests, "Deployment", "wine")["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [c["topologyKey"] for c in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert {c["whenUnsatisfiable"] for c in constraints} == {"ScheduleAnyway"}


def test_all_pods_run_on_the_chosen_nodes(desired: Desired) -> None:
    pods = list(pod_specs(desired(**SPECS["everything"])))
    assert len(pods) == 4
    for pod in pods:
        assert pod["nodeSelector"] == SPECS["everything"]["scheduling"]["nodeSelector"]
        assert pod["tolerations"] == SPECS["everything"]["scheduling"]["tolerations"]
    for pod in pod_specs(desired()):
        assert "nodeSelector" not in pod and "tolerations" not in pod


def test_all_pods_pull_with_the_credentials_that_the_operator_was_given(
    make_monitor: Make, config: OperatorConfig
) -> None:
    given = replace(config, images=replace(config.images, pull_secrets=("a", "b")))
    for pod in pod_specs(resources.desired(make_monitor(), given, APISERVER)):
        assert pod["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]
    for pod in pod_specs(resources.desired(make_monitor(), config, APISERVER)):
        assert "imagePullSecrets" not in pod


def test_a_missing_credentials_secret_is_left_to_the_program_to_name(desired: Desired) -> None:
    manifests = desired(**SPECS["everything"])
    wanted = [("wine", "models-readonly", "MODEL"), ("wine-check", "references-readonly", "REFERENCE")]
    for account, secret, variable in wanted:
        (pod,) = (pod for pod in pod_specs(manifests) if pod["serviceAccountName"] == account)
        (volume,) = (v for v in pod["volumes"] if v["name"] == "credentials")
        assert volume["secret"] == {"secretName": secret, "optional": True, "defaultMode": 0o440}
        container = [*pod.get("initContainers", []), *pod["containers"]][0]
        env = {e["name"]: e.get("value") for e in container["env"]}
        mounts = {m["name"]: m for m in container["volumeMounts"]}
        assert env[f"{variable}_CREDENTIALS_DIR"] == mounts["credentials"]["mountPath"]
        assert mounts["credentials"]["readOnly"] is True


def test_the_key_for_redaction_is_a_file_of_the_server_alone_and_a_missing_one_is_left_to_it_to_name(
    desired: Desired,
) -> None:
    manifests = desired(**SPECS["everything"])
    (pod,) = (pod for pod in pod_specs(manifests) if pod["serviceAccountName"] == "wine")
    (volume,) = (v for v in pod["volumes"] if v["name"] == "redaction")
    items = [{"key": "salt", "path": "key"}]
    assert volume["secret"] == {"secretName": "redaction", "items": items, "optional": True, "defaultMode": 0o440}
    for container in containers(manifests):
        mounts = [m for m in container["volumeMounts"] if m["name"] == "redaction"]
        assert bool(mounts) == (container["name"] == "inference")
        assert all(m["readOnly"] for m in mounts)
        env = {e["name"]: e.get("value") for e in container.get("env", [])}
        assert env.get("REDACT_KEY_FILE") == (f"{mounts[0]['mountPath']}/key" if mounts else None)
    dropped = desired(logging={"redact": {"drop": ["name"]}})
    assert not [v for pod in pod_specs(dropped) for v in pod["volumes"] if v["name"] == "redaction"]


@pytest.mark.parametrize(
    ("limit", "workers"),
    [(None, 1), ("100m", 1), ("1", 1), (1, 1), ("1001m", 2), ("1500m", 2), ("2", 2), (16, 16), ("64", 16), ("0", 1)],
)
def test_a_server_has_a_worker_for_each_processor_that_it_may_use(
    limit: str | int | None, workers: int, desired: Desired
) -> None:
    given: Body = {"resources": {"limits": {"cpu": limit}}} if limit is not None else {}
    (server,) = find(desired(serving=given), "Deployment", "wine")["spec"]["template"]["spec"]["containers"]
    assert {e["name"]: e.get("value") for e in server["env"]}["WORKERS"] == str(workers)


def test_both_protocols_are_served_at_the_ports_that_service_container_and_status_name(
    make_monitor: Make, desired: Desired
) -> None:
    manifests = desired()
    (server,) = find(manifests, "Deployment", "wine")["spec"]["template"]["spec"]["containers"]
    listening = {port["name"]: port["containerPort"] for port in server["ports"]}
    assert listening == {"http": 8080, "grpc": 9000}
    assert {e["name"]: e.get("value") for e in server["env"]}["GRPC_PORT"] == "9000"
    ports = {port["name"]: port for port in find(manifests, "Service", "wine")["spec"]["ports"]}
    assert {name: port["targetPort"] for name, port in ports.items()} == {"http": "http", "grpc": "grpc"}
    endpoints = resources.endpoints(make_monitor())
    assert ports["http"]["port"] == 80
    assert endpoints["infer"] == "http://wine.cellar.svc/v2/models/wine/infer"
    assert endpoints["grpc"] == f"wine.cellar.svc:{ports['grpc']['port']}"


def test_validation_is_served_at_the_port_that_service_container_and_status_name(
    make_monitor: Make, desired: Desired
) -> None:
    checks = {"schedule": "*/5 * * * *", "validation": {}}
    manifests = desired(checks=checks)
    (server,) = find(manifests, "Deployment", "wine-validation")["spec"]["template"]["spec"]["containers"]
    assert [(port["name"], port["containerPort"]) for port in server["ports"]] == [("http", 8080)]
    (port,) = find(manifests, "Service", "wine-validation")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, "http")
    assert resources.endpoints(make_monitor(checks=checks))["validation"] == (
        "http://wine-validation.cellar.svc/validation"
    )
    assert "validation" not in resources.endpoints(make_monitor())


def test_credentials_are_mounted_by_the_container_that_fetches_alone(desired: Desired) -> None:
    for container in containers(desired(**SPECS["everything"])):
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert ("credentials" in mounts) == (container["name"] in ("fetch-model", "check", "validation")), container[
            "name"
        ]
        assert ("outlier-credentials" in mounts) == (container["name"] == "fetch-outlier-detector"), container["name"]


def test_what_a_pod_starts_with_is_another_when_a_digest_or_the_outlier_detector_is(
    make_monitor: Make, config: OperatorConfig
) -> None:
    def configuration(**model: Any) -> str:
        spec = {"storageUri": "configmap://wine-model/model.onnx", **model}
        return resources.configuration(make_monitor(model=spec), config)

    detector = {"storageUri": "configmap://wine-model/outliers.onnx"}
    assert (
        len(
            {
                configuration(),
                configuration(sha256="ab" * 32),
                configuration(outlierDetector=detector),
                configuration(outlierDetector=detector | {"sha256": "ab" * 32}),
                configuration(outlierDetector=detector | {"storageUri": "configmap://wine-model/other.onnx"}),
                configuration(outlierDetector=detector | {"threshold": 0.5}),
            }
        )
        == 6
    )


def test_a_dollar_sign_is_no_reference_to_another_variable(desired: Desired) -> None:
    model = {"storageUri": "https://models.example/$(MODEL_VERSION)", "version": "$(MODEL_URI)$$"}
    (fetch,) = (container for container in containers(desired(model=model)) if container["name"] == "fetch-model")
    values = {entry["name"]: entry["value"] for entry in fetch["env"]}
    # Kubernetes makes one sign of two.
    assert values["MODEL_URI"] == "https://models.example/$$(MODEL_VERSION)"
    assert values["MODEL_VERSION"] == "$$(MODEL_URI)$$$$"


def test_retention_reaches_the_collector_in_seconds_and_bytes(desired: Desired) -> None:
    def env(manifests: list[Body]) -> dict[str, str]:
        (pod,) = (pod for pod in pod_specs(manifests) if pod["serviceAccountName"] == "wine-collector")
        return {e["name"]: e.get("value") for e in pod["containers"][0]["env"]}

    assert env(desired())["RETENTION_SECONDS"] == str(30 * 86400)
    assert env(desired())["RETENTION_BYTES"] == str(8 << 30)
    assert env(desired(collector={"retentionSize": "500Mi"}))["RETENTION_BYTES"] == str(500 << 20)
    before, after = desired(), desired(collector={"retention": "36h"})
    assert env(after)["RETENTION_SECONDS"] == str(36 * 3600)
    assert changed(before, after) == {"Deployment wine-collector"}


def test_each_version_of_a_file_is_a_config_map_of_its_own_that_cannot_change(desired: Desired) -> None:
    def names(manifests: list[Body]) -> list[str]:
        maps = [m for m in manifests if m["kind"] == "ConfigMap"]
        assert all(m["immutable"] is True for m in maps)
        pod = next(pod_specs([find(manifests, "Deployment", "wine")]))
        mounted = {v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v}
        assert {m["metadata"]["name"] for m in maps} == mounted - {"wine-model"}
        return [m["metadata"]["name"] for m in maps]

    config_name, shipper_name = names(desired())
    other_config, same_shipper = names(desired(logging={"samplingPercent": 5}))
    assert shipper_name == same_shipper and config_name != other_config
    assert names(desired()) == [config_name, shipper_name]


def test_the_token_is_in_the_secret_that_the_pods_mount(make_monitor: Make, config: OperatorConfig) -> None:
    monitor = make_monitor()
    secret = resources.token_secret(monitor, "s3cret")
    assert base64.b64decode(secret["data"]["token"]) == b"s3cret"
    (owner,) = secret["metadata"]["ownerReferences"]
    assert owner["uid"] == monitor.metadata.uid
    for pod in pod_specs(resources.desired(monitor, config, APISERVER)):
        (volume,) = (v for v in pod["volumes"] if v["name"] == "token")
        assert volume["secret"]["secretName"] == secret["metadata"]["name"]


def test_manifests_hold_plain_json_and_nothing_empty(manifests: list[Body]) -> None:
    def walk(value: Any) -> None:
        assert value is not None and value != ""
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            walk(part)

    assert json.loads(json.dumps(manifests)) == manifests
    walk(manifests)
