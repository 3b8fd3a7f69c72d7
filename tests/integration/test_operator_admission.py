"""A real kube-apiserver refuses what is wrong with the field's name, and fills in the defaults."""

from typing import Any

import pytest

from hack.cluster.client import ApiError

MONITORS = "/apis/driftmonitor.dev/v1alpha1/namespaces/default/driftmonitors"
DRY_RUN = f"{MONITORS}?dryRun=All&fieldValidation=Strict"
STORE = {"uri": "s3://records", "credentialsSecret": "c"}


def monitor(name: str = "wine", **spec: Any) -> dict[str, Any]:
    minimal = {
        "model": {"storageUri": "configmap://wine-model/model.onnx"},
        "reference": {"storageUri": "pvc://references/wine.parquet"},
        "checks": {"schedule": "*/5 * * * *"},
    }
    return {
        "apiVersion": "driftmonitor.dev/v1alpha1",
        "kind": "DriftMonitor",
        "metadata": {"name": name, "namespace": "default"},
        "spec": minimal | spec,
    }


def test_model_reference_and_schedule_are_enough_and_the_defaults_are_filled_in(operator_api: Any) -> None:
    spec = operator_api.plane.client.json("POST", DRY_RUN, monitor())["spec"]
    assert spec["model"]["version"] == "1"
    assert spec["serving"] == {"maxConcurrentRequests": 256, "accessLog": False}
    assert spec["logging"] == {
        "durability": "File",
        "whenFull": "Refuse",
        "samplingPercent": 100,
        "scores": "Predicted",
        "shipper": {"type": "Fluentd", "bufferSize": "512Mi"},
    }
    assert spec["collector"] == {"storage": {}, "replicas": 1, "retention": "30d"}
    assert spec["checks"]["timeZone"] == "Etc/UTC"
    assert spec["checks"]["policy"] == {
        "consecutiveWindows": 1,
        "cooldown": "0s",
        "correction": "None",
        "minCoverage": 0.9,
    }
    assert spec["scheduling"] == {"nodeSelector": {}, "tolerations": []}
    assert spec["checks"]["window"] == {"lookback": "1h", "offset": "0s", "minRows": 500, "maxRows": 100000}
    assert spec["checks"]["drift"]["driftShare"] == 0.01
    assert spec["suspend"] is False


CHECKS = {"schedule": "*/5 * * * *"}
FEATURE = {"name": "alcohol", "type": "Numerical"}
FEATURES = [{"name": name, "type": "Numerical"} for name in "ab"]
KAFKA = {"bootstrapServers": ["kafka:9092"], "topic": "predictions"}
SYSLOG_NG = {"type": "SyslogNG"}
HASHED = {"hash": ["b"], "keySecret": {"name": "redaction"}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (monitor(name="Wine"), "metadata.name"),
        (monitor(name="w" * 41), "metadata.name"),
        (monitor(model={}), "spec.model.storageUri"),
        (monitor(model={"storageUri": "ftp://x/y"}), "spec.model.storageUri"),
        (monitor(model={"storageUri": "configmap://only-a-name"}), "spec.model.storageUri"),
        (monitor(model={"storageUri": "pvc://claim/../secret"}), "spec.model.storageUri"),
        (monitor(model={"storageUri": "pvc://claim/m", "features": [{"name": "a"}]}), "spec.model.features[0].type"),
        (
            monitor(model={"storageUri": "pvc://c/m", "features": [{"name": "a", "type": "Number"}]}),
            "spec.model.features[0].type",
        ),
        (monitor(serving={"replicas": -1}), "spec.serving.replicas"),
        (monitor(serving={"replicas": "two"}), "spec.serving.replicas"),
        (monitor(serving={"resources": {"requests": {"cpu": "much"}}}), "spec.serving.resources.requests.cpu"),
        (monitor(serving={"replicas": 2, "autoscaling": {"maxReplicas": 3}}), "spec.serving"),
        (monitor(serving={"autoscaling": {}}), "spec.serving.autoscaling.maxReplicas"),
        (
            monitor(serving={"autoscaling": {"minReplicas": 0, "maxReplicas": 3}}),
            "spec.serving.autoscaling.minReplicas",
        ),
        (monitor(serving={"autoscaling": {"minReplicas": 4, "maxReplicas": 3}}), "spec.serving.autoscaling"),
        (
            monitor(serving={"autoscaling": {"maxReplicas": 3, "targetCpuUtilizationPercent": 0}}),
            "spec.serving.autoscaling.targetCpuUtilizationPercent",
        ),
        (
            monitor(serving={"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}),
            "requests.memory must not be more than its limit",
        ),
        (
            monitor(serving={"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}),
            "spec.serving.resources",
        ),
        (monitor(model={"storageUri": "pvc://c/m", "credentialsSecret": "s"}), "spec.model"),
        (
            monitor(model={"storageUri": "s3://models/m", "credentialsSecret": "other/s"}),
            "spec.model.credentialsSecret",
        ),
        (monitor(logging={"durability": "Memory"}), "spec.logging.durability"),
        (monitor(logging={"whenFull": "Drop"}), "spec.logging.whenFull"),
        (monitor(logging={"samplingPercent": 0}), "spec.logging.samplingPercent"),
        (monitor(serving={"batching": {"maxBatchSize": 1}}), "spec.serving.batching.maxBatchSize"),
        (monitor(serving={"batching": {"maxLatency": "1s"}}), "spec.serving.batching.maxLatency"),
        (monitor(serving={"maxConcurrentRequests": 0}), "spec.serving.maxConcurrentRequests"),
        (monitor(serving={"tracing": {}}), "spec.serving.tracing.endpoint"),
        (monitor(serving={"tracing": {"endpoint": "otel:4317"}}), "must be of the form http://host:port/path"),
        (monitor(serving={"tracing": {"endpoint": "http://user:pw@otel/"}}), "spec.serving.tracing.endpoint"),
        (monitor(logging={"kafka": KAFKA}), "kafka needs shipper.type SyslogNG"),
        (monitor(logging={"kafka": KAFKA, "shipper": {"type": "Fluentd"}}), "kafka needs shipper.type SyslogNG"),
        (monitor(logging={"kafka": KAFKA | {"topic": ".."}, "shipper": SYSLOG_NG}), "spec.logging.kafka.topic"),
        (monitor(logging={"kafka": KAFKA | {"topic": "a b"}, "shipper": SYSLOG_NG}), "spec.logging.kafka.topic"),
        (
            monitor(logging={"kafka": KAFKA | {"bootstrapServers": []}, "shipper": SYSLOG_NG}),
            "spec.logging.kafka.bootstrapServers",
        ),
        (
            monitor(logging={"kafka": KAFKA | {"bootstrapServers": ["kafka"]}, "shipper": SYSLOG_NG}),
            "spec.logging.kafka.bootstrapServers[0]",
        ),
        (
            monitor(logging={"kafka": KAFKA | {"credentialsSecret": "login"}, "shipper": SYSLOG_NG}),
            "credentialsSecret needs tls",
        ),
        (monitor(logging={"redact": {}}), "name the features to drop or to hash"),
        (monitor(logging={"redact": {"drop": []}}), "spec.logging.redact.drop"),
        (monitor(logging={"redact": {"drop": ["a", "a"]}}), "spec.logging.redact.drop[1]: Duplicate value"),
        (monitor(logging={"serverLog": {}}), "spec.logging.serverLog.url"),
        (monitor(logging={"serverLog": {"url": 'http://logs.example/"); program("a'}}), "spec.logging.serverLog.url"),
        (monitor(logging={"serverLog": {"url": "http://logs.example/${HOME}"}}), "spec.logging.serverLog.url"),
        (monitor(logging={"serverLog": {"url": "logs.example"}}), "must be of the form http://host:port/path"),
        (monitor(logging={"redact": {"hash": ["a"]}}), "set hash and keySecret together"),
        (monitor(logging={"redact": {"drop": ["a"], "keySecret": {"name": "s"}}}), "set hash and keySecret together"),
        (monitor(logging={"redact": {"drop": ["a", "b"], **HASHED}}), "either dropped or hashed, not both"),
        (
            monitor(logging={"redact": {"hash": ["a"], "keySecret": {"name": "A"}}}),
            "spec.logging.redact.keySecret.name",
        ),
        (
            monitor(model={"storageUri": "pvc://c/m", "features": FEATURES}, logging={"redact": {"drop": ["a", "c"]}}),
            "logging.redact.drop names a feature that is not in model.features",
        ),
        (
            monitor(model={"storageUri": "pvc://c/m", "features": FEATURES[:1]}, logging={"redact": HASHED}),
            "logging.redact.hash names a feature that is not in model.features",
        ),
        (monitor(logging={"shipper": {"bufferSize": "63Mi"}}), "spec.logging.shipper.bufferSize"),
        (monitor(logging={"shipper": {"type": "Vector"}}), "spec.logging.shipper.type"),
        (monitor(logging={"shipper": {"bufferSize": "1 GB"}}), "spec.logging.shipper.bufferSize"),
        (monitor(collector={"storage": {"size": "0Gi"}}), "spec.collector.storage.size"),
        (monitor(collector={"retention": "0d"}), "spec.collector.retention"),
        (monitor(collector={"storage": STORE | {"uri": "s3://Records"}}), "spec.collector.storage.uri"),
        (monitor(collector={"storage": STORE | {"uri": "s3://records/"}}), "slash at"),
        (monitor(collector={"storage": STORE | {"uri": "s3://records/../else"}}), "spec.collector.storage.uri"),
        (monitor(collector={"storage": STORE | {"uri": "file:///records"}}), "spec.collector.storage.uri"),
        (monitor(collector={"storage": STORE | {"size": "1Gi"}}), "uri is for an object store"),
        (monitor(collector={"storage": STORE | {"storageClassName": "fast"}}), "uri is for an object store"),
        (monitor(collector={"storage": {"uri": "s3://records"}}), "set uri and credentialsSecret together"),
        (monitor(collector={"storage": {"credentialsSecret": "c"}}), "set uri and credentialsSecret together"),
        (monitor(collector={"storage": STORE, "retentionSize": "1Gi"}), "retentionSize is for a volume"),
        (monitor(collector={"replicas": 2}), "several replicas need storage.uri"),
        (monitor(collector={"storage": STORE, "replicas": 11}), "spec.collector.replicas"),
        (monitor(reference={"storageUri": "here"}), "spec.reference.storageUri"),
        (monitor(reference={}), "set exactly one of storageUri, window and captureRows"),
        (monitor(reference={"storageUri": "pvc://c/r", "window": {}}), "spec.reference"),
        (monitor(reference={"window": {}, "credentialsSecret": "s"}), "spec.reference"),
        (monitor(reference={"window": {"lookback": "0d"}}), "spec.reference.window.lookback"),
        (monitor(reference={"window": {"offset": "0s"}}), "spec.reference.window.offset"),
        (monitor(checks={"schedule": "every five minutes"}), "spec.checks.schedule"),
        (monitor(checks=CHECKS | {"timeZone": "Europe/Berlin; rm"}), "spec.checks.timeZone"),
        (monitor(checks=CHECKS | {"policy": {"consecutiveWindows": 11}}), "spec.checks.policy.consecutiveWindows"),
        (monitor(checks=CHECKS | {"policy": {"cooldown": "soon"}}), "spec.checks.policy.cooldown"),
        (monitor(checks=CHECKS | {"policy": {"correction": "Bonferroni"}}), "spec.checks.policy.correction"),
        (monitor(checks=CHECKS | {"policy": {"minCoverage": 1.1}}), "spec.checks.policy.minCoverage"),
        (monitor(checks=CHECKS | {"window": {"minRows": 200_000}}), "spec.checks.window"),
        (monitor(checks=CHECKS | {"window": {"lookback": "an hour"}}), "spec.checks.window.lookback"),
        (monitor(checks=CHECKS | {"window": {"minRows": 0}}), "spec.checks.window.minRows"),
        (monitor(checks=CHECKS | {"drift": {"driftShare": 0}}), "spec.checks.drift.driftShare"),
        (monitor(checks=CHECKS | {"drift": {"numerical": {"method": "chi"}}}), "spec.checks.drift.numerical.method"),
        (
            monitor(checks=CHECKS | {"drift": {"numerical": {"method": "psi", "warning": 0.3, "critical": 0.2}}}),
            "spec.checks.drift.numerical",
        ),
        (
            monitor(checks=CHECKS | {"drift": {"columns": {"a": {"method": "ks", "critical": 2}}}}),
            "spec.checks.drift.columns",
        ),
        (monitor(scheduling={"nodeSelector": {"Zone!": "a"}}), "spec.scheduling.nodeSelector"),
        (monitor(scheduling={"nodeSelector": {"zone": "a b"}}), "spec.scheduling.nodeSelector.zone"),
        (monitor(scheduling={"tolerations": [{"operator": "Equal"}]}), "spec.scheduling.tolerations[0]"),
        (
            monitor(scheduling={"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}),
            "spec.scheduling.tolerations[0]",
        ),
        (monitor(model={"storageUri": "pvc://c/m", "features": [FEATURE, FEATURE]}), "spec.model.features[1]"),
        (
            monitor(checks=CHECKS | {"window": {"minRows": 900, "maxRows": 800}}),
            "minRows must not be more than maxRows",
        ),
        (monitor(checks=CHECKS | {"drift": {"numerical": {"warning": 0.3}}}), "set warning and critical together"),
        (
            monitor(checks=CHECKS | {"drift": {"categorical": {"method": "chisquare", "warning": 2, "critical": 1.5}}}),
            "p-values: at most 1",
        ),
        (
            monitor(checks=CHECKS | {"drift": {"categorical": {"minEffect": 0.1}}}),
            "minEffect is for methods whose score is a p-value",
        ),
        (
            monitor(checks=CHECKS | {"drift": {"columns": {"a": {"method": "ks2"}}}}),
            "spec.checks.drift.columns.a.method",
        ),
        (monitor(replica=2), 'unknown field \\"spec.replica\\"'),
        (monitor(alerts=[]), "spec.alerts"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_field_is_refused_and_named(body: dict[str, Any], field: str, operator_api: Any) -> None:
    with pytest.raises(ApiError) as refused:
        operator_api.plane.client.json("POST", DRY_RUN, body)
    assert refused.value.status in (400, 422)
    assert field in str(refused.value)


@pytest.mark.parametrize("field", ["model", "reference", "checks"])
def test_what_has_no_sensible_default_must_be_written(operator_api: Any, field: str) -> None:
    body = monitor()
    del body["spec"][field]
    with pytest.raises(ApiError, match=rf"spec\.{field}: Required value"):
        operator_api.plane.client.json("POST", DRY_RUN, body)


def test_ways_to_write_a_spec_that_are_right_are_taken(operator_api: Any) -> None:
    for spec in (
        {"serving": {"autoscaling": {"maxReplicas": 3}}},
        {"serving": {"resources": {"requests": {"cpu": "1000m"}, "limits": {"cpu": 1}}}},
        {"model": {"storageUri": "s3://models/wine.onnx", "credentialsSecret": "s3-readonly"}},
        {"reference": {"window": {}}},
        {"serving": {"batching": {}, "tracing": {"endpoint": "http://[2001:db8::1]:4318/v1/traces"}}},
        {"logging": {"redact": {"drop": ["a"], **HASHED}}},
        {"model": {"storageUri": "pvc://c/m", "features": FEATURES}, "logging": {"redact": {"drop": ["a"], **HASHED}}},
        {"scheduling": {"tolerations": [{"operator": "Exists"}, {"key": "gpu", "value": "yes"}]}},
    ):
        operator_api.plane.client.json("POST", DRY_RUN, monitor(**spec))


def test_the_volume_of_the_records_cannot_change(operator_api: Any) -> None:
    client = operator_api.plane.client
    client.json("POST", MONITORS, monitor(name="fixed"))
    change = {"spec": {"collector": {"storage": {"size": "20Gi"}}}}
    with pytest.raises(ApiError, match=r"spec\.collector\.storage.*make a new DriftMonitor"):
        client.json("PATCH", f"{MONITORS}/fixed", change, "application/merge-patch+json")
    client.json("DELETE", f"{MONITORS}/fixed")
