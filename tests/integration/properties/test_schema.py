"""A real kube-apiserver refuses what is wrong and fills in what is left out, and its schema has no end left open."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from driftmonitor_api.base import DNS_SUBDOMAIN
from driftmonitor_api.v1alpha1 import DriftMonitor
from hack.cluster.client import MERGE_PATCH, ApiError
from tests.support import specs

Body = dict[str, Any]
Schema = dict[str, Any]
MONITORS = "/apis/driftmonitor.dev/v1alpha1/namespaces/default/driftmonitors"
DRY_RUN = f"{MONITORS}?dryRun=All&fieldValidation=Strict"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/driftmonitors.driftmonitor.dev"
MINIMAL: specs.Spec = {
    "model": {"storageUri": "configmap://wine-model/model.onnx"},
    "reference": {"storageUri": "pvc://references/wine.parquet"},
    "checks": {"schedule": "*/5 * * * *"},
}


def monitor(spec: specs.Spec, name: str = "wine") -> Body:
    return {
        "apiVersion": "driftmonitor.dev/v1alpha1",
        "kind": "DriftMonitor",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def refusal(api: Any, body: Body) -> str:
    """What the apiserver says when it refuses to create this."""
    with pytest.raises(ApiError) as refused:
        api.plane.client.json("POST", DRY_RUN, body)
        pytest.fail(f"taken: {body}")
    assert refused.value.status in (400, 422), refused.value
    return str(refused.value)


def with_value(path: specs.Path, value: Any) -> specs.Spec:
    """The minimal spec with this value in this place, and what must stand beside it."""
    spec = copy.deepcopy(MINIMAL)
    parent: Any = spec
    node = specs.SPEC_SCHEMA
    for position, name in enumerate(path):
        last = position == len(path) - 1
        if name in ("[]", "*"):
            node = node["items" if name == "[]" else "additionalProperties"]
            place: Any = 0 if name == "[]" else "alcohol"
            if isinstance(parent, list) and not parent:
                parent.append(_needed(node, path[: position + 1]))
        else:
            node, place = node["properties"][name], name
        if last:
            parent[place] = value
        else:
            if isinstance(parent, dict) and place not in parent:
                parent[place] = _needed(node, path[: position + 1])
            parent = parent[place]
    return spec


def _needed(node: Schema, path: specs.Path) -> Any:
    if node["type"] == "array":
        return []
    if "properties" not in node:
        return {}
    required = node.get("required", [])
    return {name: specs.value(node["properties"][name], (*path, name), random.Random(1), 0) for name in required}


def bad_values(path: specs.Path, node: Schema) -> Iterator[Any]:
    """What lies just beyond each bound of a field, and values of other types."""
    yield {"no": "object"}
    if node.get("x-kubernetes-int-or-string"):
        yield from (-1, node["maximum"] + 1, "much", "-1", "1.2345", "0.5m", "1Zi", "9" * 16)
        return
    match node["type"]:
        case "boolean":
            yield "yes"
        case "integer" | "number":
            below = node["minimum"] if node.get("exclusiveMinimum") else node["minimum"] - 1
            yield from (below, node["maximum"] + 1, "7")
        case "string":
            yield from (7, True)
            yield "another" if "enum" in node else "a" * (node["maxLength"] + 1)
            if node.get("minLength"):
                yield ""
            if "pattern" in node:
                yield from ("-.", "a b", "1\n")
    yield from {"bufferSize": ("63Mi", "1 GB", "512MB"), "size": ("0Gi", "1.5Gi")}.get(path[-1], ())


BAD_VALUES = [
    pytest.param(path, value, id=f"{'.'.join(path)}={str(value)[:20]!r}")
    for path, node in specs.leaves()
    for value in bad_values(path, node)
]


@pytest.mark.property(2)
@pytest.mark.parametrize(("path", "value"), BAD_VALUES)
def test_what_lies_beyond_a_field_s_bound_is_refused_by_the_field_s_name(
    path: specs.Path, value: Any, operator_api: Any
) -> None:
    field = "spec." + ".".join(path).replace(".[]", "[0]").replace(".*", ".alcohol")
    assert field in refusal(operator_api, monitor(with_value(path, value))), field


@pytest.mark.property(2)
@pytest.mark.parametrize("name", ["Wine", "1wine", "wine-", "wi.ne", "wi_ne", "w" * 41])
def test_a_bad_name_is_refused(name: str, operator_api: Any) -> None:
    assert "metadata.name" in refusal(operator_api, monitor(MINIMAL, name))


@pytest.mark.property(2)
@pytest.mark.parametrize(
    "schedule",
    [
        "every five minutes", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
        "* * * 13 *", "* * * foo *", "* * * * 7", "*/0 * * * *", "5-1 * * * *", "0 17-9 * * *", "-1 * * * *",
        "1,,2 * * * *", "1- * * * *", "@reboot", "@every 5m", "TZ=UTC * * * * *", "CRON_TZ=UTC 0 0 * * *",
        "0 0  * * *", " * * * * *", "* * * * *\n", "*\t* * * *",
    ],
)  # fmt: skip
def test_a_bad_cron_expression_is_refused(schedule: str, operator_api: Any) -> None:
    assert "spec.checks.schedule" in refusal(operator_api, monitor(with_value(("checks", "schedule"), schedule)))


GOOD_SCHEDULES = [
    "*/5 * * * *", "0 0 1 1 *", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
    "0,15,30-45/5 0-23 1-31 jan-DEC sun-SAT", "05 08 09 09 06", "59 23 31 12 0", "10-10 * * * 1-5", "7/9 * * * *",
]  # fmt: skip


@pytest.mark.property(2)
@pytest.mark.parametrize("schedule", GOOD_SCHEDULES)
def test_a_cron_expression_that_is_taken_is_one_that_a_cronjob_takes(schedule: str, operator_api: Any) -> None:
    client = operator_api.plane.client
    client.json("POST", DRY_RUN, monitor(with_value(("checks", "schedule"), schedule)))
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}
    job = {
        "metadata": {"name": "j"},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": pod}}}},
    }
    client.json("POST", "/apis/batch/v1/namespaces/default/cronjobs?dryRun=All", job)


BAD_URIS = [
    "model.onnx", "/model.onnx", "file:///etc/passwd", "ftp://host/model", "configmap://only-a-name", "configmap:///key",
    "configmap://a/b/c", "configmap://Upper/key", "configmap://a..b/key", "configmap://-a/key", "configmap://./key",
    "pvc://claim", "pvc://claim/", "pvc:///path", "pvc://claim//path", "pvc://claim/../secret", "pvc://claim/a/..",
    "pvc://claim/a b", "pvc://claim/a\nb", "pvc://claim/a?b", "s3://bucket", "s3://bucket/", "s3://Bucket/key",
    "s3://b/key", "s3://bucket/a#b", "gs:///key", "http://host", "http://host/", "http:///path", "http://host/?a=b",
    "https://user:password@host/model", "https://user@host/model", "https://host:0/model", "https://host:65536/model",
    "https://host:port/model", "https://[::1/model", "https://host/a b", "https://host/ä", "https://host/../secret",
    "http://host/\u0000", "HTTPS://host/model", " https://host/model", "models:/wine", "models:/wine/",
    "models:/wine/0", "models:/wine/Best", "models:/a/b/3", "models:/wine/3@x", "models:/wine@", "models:/@x",
    "models:/wi ne/3", "models://wine/3", "models:wine/3", "models:/wine@a b", "models:/wine/Production2",
]  # fmt: skip
GOOD_URIS = [
    *specs.POOLS["model.storageUri"], "models:/wine/LATEST", "models:/wine/none", "models:/weiß%20wein/999999999999",
    "pvc://claim/v1..v2/model", "https://[2001:db8::1]:443/model", "https://host:65535//m",
    "https://bucket.host/key?X-Amz-Signature=ab%2F&x=/../a", "gs://bucket_1/ä/model", "http://10.0.0.1/m",
]  # fmt: skip


@pytest.mark.property(2)
@pytest.mark.parametrize("uri", BAD_URIS)
def test_a_bad_address_is_refused(uri: str, operator_api: Any) -> None:
    for field in ("model", "reference"):
        spec = copy.deepcopy(MINIMAL) | {field: {"storageUri": uri}}
        assert f"spec.{field}.storageUri" in refusal(operator_api, monitor(spec))


@pytest.mark.property(2)
@pytest.mark.parametrize("uri", GOOD_URIS)
def test_an_address_that_is_taken_is_one_that_the_programs_can_use(uri: str, operator_api: Any) -> None:
    secret = {"credentialsSecret": "mlflow"} if uri.startswith("models:") else {}
    spec = copy.deepcopy(MINIMAL) | {"model": {"storageUri": uri, **secret}}
    if "/../" not in uri:
        DriftMonitor.model_validate(operator_api.plane.client.json("POST", DRY_RUN, monitor(spec)))


@pytest.mark.property(2)
def test_a_registry_needs_a_secret_and_holds_no_reference(operator_api: Any) -> None:
    registered = {"storageUri": "models:/wine/3"}
    for model in (registered, {"storageUri": "configmap://a/b", "outlierDetector": registered}):
        message = refusal(operator_api, monitor(copy.deepcopy(MINIMAL) | {"model": model}))
        assert "a models:/ address needs credentialsSecret: the Secret says with MLFLOW_TRACKING_URI" in message
    reference = registered | {"credentialsSecret": "mlflow"}
    message = refusal(operator_api, monitor(copy.deepcopy(MINIMAL) | {"reference": reference}))
    assert "spec.reference.storageUri" in message


@pytest.mark.property(2)
@pytest.mark.parametrize("digest", ["ab", "ab" * 33, "AB" * 32, "g" * 64, "sha256:" + "a" * 57])
def test_what_is_no_digest_is_refused(digest: str, operator_api: Any) -> None:
    model = {"storageUri": "configmap://a/b", "sha256": digest}
    assert "spec.model.sha256" in refusal(operator_api, monitor(copy.deepcopy(MINIMAL) | {"model": model}))


@pytest.mark.property(2)
@pytest.mark.parametrize("key", ["a.-/zone", "-", "a/b/c", "a/", "Ü", "a" * 64, "a" * 254, ""])
def test_a_bad_label_is_refused(key: str, operator_api: Any) -> None:
    spec = MINIMAL | {"scheduling": {"nodeSelector": {key: "a"}}}
    assert "spec.scheduling.nodeSelector" in refusal(operator_api, monitor(spec))
    spec = MINIMAL | {"scheduling": {"tolerations": [{"key": key}]}}
    assert "spec.scheduling.tolerations[0]" in refusal(operator_api, monitor(spec))


@pytest.mark.property(2)
@pytest.mark.parametrize("path", [path for path, node in specs.properties() if "required" in node], ids=".".join)
def test_a_field_that_must_be_there_is_missed_by_its_name(path: specs.Path, operator_api: Any) -> None:
    for name in specs.node_at(path)["required"]:
        spec = with_value(path, _needed(specs.node_at(path), path))
        del specs.at(spec, path)[name]
        assert f"spec.{'.'.join(path)}.{name}" in refusal(operator_api, monitor(spec))


@pytest.mark.property(2)
def test_an_unknown_field_is_refused_by_its_name(operator_api: Any) -> None:
    for path in [(), *(path for path, node in specs.properties() if "properties" in node)]:
        spec = copy.deepcopy(MINIMAL) if not path else with_value(path, _needed(specs.node_at(path), path))
        specs.at(spec, path)["surprise"] = 1
        assert ".".join(("spec", *path, "surprise")) in refusal(operator_api, monitor(spec))


@pytest.mark.property(2)
def test_defaults_are_applied_and_are_those_that_the_programs_assume(operator_api: Any) -> None:
    randomness = random.Random(2)
    for spec in [MINIMAL, *(specs.spec(randomness) for _ in range(40))]:
        stored = operator_api.plane.client.json("POST", DRY_RUN, monitor(spec))["spec"]
        assumed = DriftMonitor.model_validate(monitor(spec)).spec
        assert stored == assumed.model_dump(mode="json", by_alias=True, exclude_none=True)


@pytest.mark.property(2)
def test_an_immutable_field_answers_422(operator_api: Any) -> None:
    client, path = operator_api.plane.client, f"{MONITORS}/fixed"
    volume = {"size": "20Gi", "storageClassName": "fast"}
    made = client.json("POST", MONITORS, monitor(MINIMAL | {"collector": {"storage": volume}}, "fixed"))
    changes: list[Any] = [
        {"size": "30Gi"},
        {"size": None},
        {"storageClassName": "slow"},
        {"storageClassName": None},
        None,
    ]
    attempts = [("PATCH", {"spec": {"collector": {"storage": change}}}, MERGE_PATCH) for change in changes]
    attempts.append(("PATCH", {"spec": {"collector": None}}, MERGE_PATCH))
    attempts.append(("PUT", made | {"spec": MINIMAL}, "application/json"))
    try:
        for method, body, content_type in attempts:
            with pytest.raises(ApiError, match=r"spec\.collector\.storage.*make a new DriftMonitor") as refused:
                client.json(method, path, body, content_type)
            assert refused.value.status == 422
        client.json("PATCH", path, {"spec": {"collector": {"storage": volume, "retention": "1d"}}}, MERGE_PATCH)
    finally:
        client.json("DELETE", path)


def open_ends(node: Schema, path: str) -> Iterator[str]:
    """Every place below this node where something of any length or size could stand."""
    kind, text_or_number = node.get("type"), node.get("x-kubernetes-int-or-string")
    ended = {"maxLength", "enum"} & node.keys() or node.get("format") == "date-time"
    if (kind == "string" or text_or_number) and not ended:
        yield f"{path}: string"
    ended = "enum" in node or {"minimum", "maximum"} <= node.keys()
    if (kind in ("integer", "number") or text_or_number) and not ended:
        yield f"{path}: {kind or 'number'}"
    if kind == "array" and "maxItems" not in node:
        yield f"{path}: list"
    if "additionalProperties" in node and "maxProperties" not in node:
        yield f"{path}: map"
    if node.get("x-kubernetes-preserve-unknown-fields") or not (kind or text_or_number):
        yield f"{path}: anything"
    for name, field in node.get("properties", {}).items():
        yield from open_ends(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from open_ends(node[key], f"{path}.{key}")


@pytest.mark.property(3)
def test_every_string_list_map_and_number_in_the_schema_is_bounded(operator_api: Any) -> None:
    (version,) = operator_api.plane.client.json("GET", CRD)["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]
    assert {"spec", "status", "metadata"} <= schema.keys()
    assert list(open_ends(schema["spec"], "spec")) == []
    assert list(open_ends(schema["status"], "status")) == []
    assert list(open_ends(schema["metadata"], "metadata")) == []


@pytest.mark.property(3)
@pytest.mark.parametrize(
    "path", [path for path, node in specs.properties() if "additionalProperties" in node], ids=".".join
)
def test_the_keys_of_maps_are_bounded(path: specs.Path, operator_api: Any) -> None:
    entry = specs.value(specs.node_at(path)["additionalProperties"], (*path, "value"), random.Random(1), 0)
    for key in ("", "a" * 1000):
        assert f"spec.{'.'.join(path)}" in refusal(operator_api, monitor(with_value(path, {key: entry})))


@pytest.mark.property(3)
@pytest.mark.parametrize("path", [path for path, node in specs.properties() if "maxItems" in node], ids=".".join)
def test_a_list_with_one_item_too_many_is_refused(path: specs.Path, operator_api: Any) -> None:
    node = specs.node_at(path)
    item = specs.value(node["items"], path, random.Random(1), 0)
    unique = [{**item, "name": str(n)} if "name" in item else item for n in range(node["maxItems"] + 1)]
    assert f"spec.{'.'.join(path)}" in refusal(operator_api, monitor(with_value(path, unique)))


def extreme(node: Schema, largest: bool, number: int = 0) -> Any:
    """The least or the most that a node of the schema takes; `number` tells the items of a list apart."""
    match node["type"]:
        case "object":
            return {name: extreme(field, largest, number) for name, field in node["properties"].items()}
        case "array":
            return [extreme(node["items"], largest, item) for item in range(node["maxItems"] if largest else 1)]
        case "integer" | "number":
            return node["maximum" if largest else "minimum"]
        case "boolean":
            return largest
    if "enum" in node:
        return node["enum"][-1 if largest else 0]
    if node.get("format") == "date-time":
        return "2026-01-31T23:59:59.999999Z" if largest else "2026-01-31T00:00:00Z"
    return f"{number:02d}".ljust(node["maxLength"], "x") if largest else f"{number:02d}"


@pytest.mark.property(3)
@pytest.mark.parametrize("largest", [False, True], ids=["least", "most"])
def test_a_status_at_its_bounds_is_taken_and_kept(largest: bool, operator_api: Any) -> None:
    client, name = operator_api.plane.client, f"bounds-{str(largest).lower()}"
    (version,) = client.json("GET", CRD)["spec"]["versions"]
    status = extreme(version["schema"]["openAPIV3Schema"]["properties"]["status"], largest)
    body = monitor(MINIMAL, name)
    client.json("POST", MONITORS, body)
    try:
        path = f"{MONITORS}/{name}/status?fieldManager=bounds&force=true"
        del body["spec"]
        stored = client.json("PATCH", path, body | {"status": status}, "application/apply-patch+yaml")
    finally:
        client.json("DELETE", f"{MONITORS}/{name}")
    assert stored["status"] == status


@pytest.mark.property(3)
def test_the_walk_finds_each_kind_of_open_end() -> None:
    text = {"type": "string"}
    fields = {"a": text, "b": {"type": "array", "items": text}, "c": {"type": "integer", "minimum": 0}, "d": {}}
    found = list(open_ends({"type": "object", "properties": fields, "additionalProperties": text}, "s"))
    assert found == ["s: map", "s.a: string", "s.b: list", "s.b.items: string", "s.c: integer", "s.d: anything",
                     "s.additionalProperties: string"]  # fmt: skip


REFERENCES: dict[specs.Path, list[Any]] = {
    ("model", "storageUri"): ["configmap://other/wine/model.onnx", "configmap://other:wine/model.onnx"],
    ("model", "outlierDetector", "storageUri"): ["configmap://other/wine/model.onnx", "pvc://other:claim/model.onnx"],
    ("model", "outlierDetector", "credentialsSecret"): ["other/token", {"namespace": "other", "name": "token"}],
    ("model", "credentialsSecret"): ["other/token", {"namespace": "other", "name": "token"}, "token.other/"],
    ("reference", "storageUri"): [
        "configmap://other/wine/ref.csv",
        "pvc://other:claim/ref.csv",
        "pvc://other/../claim",
    ],
    ("reference", "credentialsSecret"): ["other/token", {"namespace": "other", "name": "token"}, "../other/token"],
    ("logging", "redact", "keySecret", "name"): ["other/key", {"namespace": "other", "name": "key"}],
    ("logging", "serverLog", "tokenSecret", "name"): ["other/token", {"namespace": "other", "name": "token"}],
    ("logging", "kafka", "credentialsSecret"): ["other/login", {"namespace": "other", "name": "login"}],
    ("logging", "kafka", "tls", "caSecret"): ["other/ca", {"namespace": "other", "name": "ca"}],
    ("checks", "custom", "[]", "sourceConfigMap"): [
        "other/checks",
        {"namespace": "other", "name": "checks"},
        "../checks",
    ],
    ("checks", "skew", "storageUri"): ["configmap://other/wine/rows.csv", "pvc://other:claim/rows.csv"],
    ("checks", "skew", "credentialsSecret"): ["other/token", {"namespace": "other", "name": "token"}, "../other/token"],
    ("checks", "mlflow", "credentialsSecret"): ["other/mlflow", {"namespace": "other", "name": "mlflow"}],
    ("collector", "storage", "storageClassName"): ["other/fast"],
    ("collector", "storage", "uri"): ["pvc://other/claim", "s3://records/../other"],
    ("collector", "storage", "credentialsSecret"): ["other/token", {"namespace": "other", "name": "token"}],
}
"""Every field that names another object, with attempts to name one of another namespace."""


@pytest.mark.property(22)
def test_cross_namespace_references_are_refused(operator_api: Any) -> None:
    for path, attempts in REFERENCES.items():
        for attempt in attempts:
            field = f"spec.{'.'.join(path)}".replace(".[]", "[0]")
            assert field in refusal(operator_api, monitor(with_value(path, attempt)))


@pytest.mark.property(22)
def test_every_field_that_names_an_object_is_tried_across_namespaces() -> None:
    hints = ("secret", "uri", "claim", "configmap", "ref", "classname", "namespace", "serviceaccount")
    for path, node in specs.leaves():
        names_an_object = DNS_SUBDOMAIN in node.get("pattern", "") and "/" not in node["pattern"]
        if names_an_object or path[-1].lower().endswith(hints):
            assert path in REFERENCES, path
