"""Valid specs and edits of DriftMonitors, made from the generated schema: the same `random` makes the same ones.

A field that enters the schema is generated without a change here, unless it takes free text: then `POOLS` asks for
examples of it. What spans fields (the CEL rules) is mended by `mended`.
"""

import copy
import random
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from driftmonitor_api import crd
from driftmonitor_api.base import parse_quantity
from driftmonitor_api.v1alpha1 import ERROR_METRICS, P_VALUE_METHODS

Schema = dict[str, Any]
Spec = dict[str, Any]
Path = tuple[str, ...]
Randomness = random.Random

SPEC_SCHEMA: Schema = crd.custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"][
    "properties"
]["spec"]
IMMUTABLE: Path = ("collector", "storage")

_URIS = (
    "configmap://models/wine.onnx",
    "configmap://models.v2/wine_2.onnx",
    "pvc://models/wine/3/model.onnx",
    "pvc://references/wine.parquet",
    "s3://models/wine/3/model.onnx",
    "s3://models.example/wine.onnx",
    "gs://models/wine.onnx",
    "https://models.example/wine.onnx",
    "https://models.example:8443/wine.onnx?versionId=3",
    "http://models.default.svc/wine.onnx",
)
_MODEL_URIS = (
    *_URIS,
    "models:/wine/3",
    "models:/wine/Production",
    "models:/wine.v2/latest",
    "models:/cellar.wines.red@champion-1",
)
_SECRETS = ("s3-readonly", "models.reader", "token")
_DURATIONS = ("30s", "90m", "1h", "36h", "7d", "365d", "9999d")
_LABELS = ("", "a", "gpu", "eu-west-1b", "A_b.c-9")
_KEYS = ("zone", "topology.kubernetes.io/zone", "example.com/gpu", "Disk_Type.v2")
_COLUMNS = ("alcohol", "colour", "a b", "proline")
POOLS: dict[str, tuple[Any, ...]] = {
    "multivariate.methods": ("DomainClassifier", "Reconstruction"),
    "sequential.methods": ("ADWIN", "PageHinkley", "DDM"),
    "storageUri": _URIS,
    "model.storageUri": _MODEL_URIS,
    "outlierDetector.storageUri": _MODEL_URIS,
    "sha256": ("ab" * 32, "0123456789abcdef" * 4),
    "credentialsSecret": _SECRETS,
    "storage.uri": ("s3://records", "s3://records.example/a/b=1", "gs://records/wine", "az://records/2026/wine_v2"),
    "endpoint": ("http://otel-collector.observability.svc:4318/v1/traces", "https://otel.example"),
    "maxLatency": ("1ms", "2ms", "999ms"),
    "drop": ("alcohol", "colour"),
    "hash": ("a b", "proline"),
    "bootstrapServers": ("kafka-bootstrap.kafka.svc:9092", "broker-0.example:9093", "192.0.2.7:19092"),
    "topic": ("predictions", "team.predictions_v2", "P-1"),
    "caSecret": _SECRETS,
    "storageClassName": ("fast", "slow.example.com"),
    "version": ("1", "2", "2026-01-31", "v1.0-rc.1", 'ünïcode "$(X)" \''),
    "cpu": ("50m", "100m", "0.25", "1", "1500m", 2, "0.001"),
    "memory": ("64Mi", "128Mi", "1.5Gi", "1024Mi", "256M", "134217728", 268435456),
    "bufferSize": ("64Mi", "100Mi", "512Mi", "1Gi", "1024Mi"),
    "size": ("1Gi", "10Gi", "1024Mi", "999999Mi"),
    "retention": _DURATIONS,
    "retentionSize": ("500Mi", "8Gi", "8192Mi"),
    "idColumn": ("request_id", "customer"),
    "skew.feature": _COLUMNS,
    "captureSince": ("2026-01-31T12:00:00Z", "1999-12-31T23:59:59Z"),
    "lookback": _DURATIONS,
    "offset": ("1s", *_DURATIONS),
    "cooldown": ("0s", "00m", *_DURATIONS),
    "schedule": ("*/5 * * * *", "0 0 1 1 *", "@daily", "15,45 8-18/2 * jan-MAR Mon-fri", "0 3 * * 0", "5/7 * 31 * *"),
    "timeZone": ("Etc/UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "UTC"),
    "name": _COLUMNS,
    "column": _COLUMNS,
    "values": ("a", "b", "2.5", "New York"),
    "scoreColumn": ("probability", "P(a)"),
    "labelDelay": ("0s", "45m", *_DURATIONS),
    "targetColumn": ("churned", "y"),
    "positiveClass": ("yes", "1", "a b"),
    "classes": ("a", "b", "c d", "1"),
    "nodeSelector": _LABELS,
    "key": _KEYS,
    "serverLog.url": ("https://logs.example/ingest", "http://loki.logs.svc:3100/push?tenant=a"),
    "tokenSecret.name": _SECRETS,
    "tokenSecret.key": ("token", "Log_2.v-1"),
    "keySecret.name": _SECRETS,
    "keySecret.key": ("key", "Salt_2.v-1"),
    "value": _LABELS,
    "experiment": ("drift", "team a: wine"),
    "custom.name": ("margin", "share-of-zeros", "a"),
    "entryPoint": ("checks:margin", "team.checks.of_wine:share_of_zeros"),
    "sourceConfigMap": ("wine-checks", "checks.v2"),
    "evidentlyMetric": ("QuantileValue", "MissingValueCount"),
    "result": ("share", "count", "a label"),
    "parameters": ("alcohol", "0.5", '["a", "b"]', "$(X)"),
}
"""Examples of the strings that no enumeration lists, by the field's name, after its parent's where that decides."""
MAP_KEYS: dict[str, tuple[str, ...]] = {
    "columns": _COLUMNS,
    "importances": _COLUMNS,
    "nodeSelector": _KEYS,
    "parameters": ("column", "quantile", "limit"),
}
_NUMBERS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 1, 2.5, 1_000_000)


class Edit(NamedTuple):
    """One step of a user: the spec that is wanted from now on, and how it is written."""

    verb: Literal["merge", "replace", "recreate"]
    spec: Spec
    first: Spec | None = None
    """Written a moment before, so that the reconcile of it is in hand when `spec` comes."""


def properties(node: Schema = SPEC_SCHEMA, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Every field that has a fixed place, with its schema; what lies in lists and maps belongs to these."""
    for name, field in node.get("properties", {}).items():
        yield (*path, name), field
        yield from properties(field, (*path, name))


def leaves(node: Schema = SPEC_SCHEMA, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Every value that a user can write; in lists and maps, the place is `[]` and `*`."""
    if "properties" in node:
        for name, field in node["properties"].items():
            yield from leaves(field, (*path, name))
    elif "items" in node:
        yield from leaves(node["items"], (*path, "[]"))
    elif isinstance(node.get("additionalProperties"), dict):
        yield from leaves(node["additionalProperties"], (*path, "*"))
    else:
        yield path, node


def value(node: Schema, path: Path, random: Randomness, fullness: float = 0.35) -> Any:
    """A value that this node of the schema takes. `fullness` is the share of optional fields that are there."""
    name = path[-1] if path else ""
    if "enum" in node:
        return random.choice(node["enum"])
    if node.get("x-kubernetes-int-or-string") or node["type"] == "string":
        return random.choice(_pool(path))
    match node["type"]:
        case "boolean":
            return random.random() < 0.5
        case "integer":
            bounds = (node["minimum"], node["minimum"] + 1, node["minimum"] + 2, node["maximum"])
            return random.choice([*bounds, random.randint(node["minimum"], node["maximum"])])
        case "number":
            fitting = [number for number in _NUMBERS if node["minimum"] <= number <= node["maximum"]]
            return random.choice(fitting)
        case "array":
            items = [value(node["items"], path, random, fullness) for _ in range(random.randint(0, 3))]
            keys = node.get("x-kubernetes-list-map-keys")
            if node.get("x-kubernetes-list-type") == "set":
                return sorted(set(items)) or [random.choice(_pool(path))]
            return list({tuple(item[key] for key in keys): item for item in items}.values()) if keys else items
        case "object" if "additionalProperties" in node:
            names = random.sample(MAP_KEYS[name], random.randint(0, 3))
            return {key: value(node["additionalProperties"], path, random, fullness) for key in sorted(names)}
    fields = node["properties"].items()
    required = node.get("required", [])
    chosen = {key: field for key, field in fields if key in required or random.random() < fullness}
    return {key: value(field, (*path, key), random, fullness) for key, field in chosen.items()}


def _pool(path: Path) -> tuple[Any, ...]:
    for name in (".".join(path[-2:]), *path[-1:]):
        if name in POOLS:
            return POOLS[name]
    raise LookupError(f"no examples for {'.'.join(path)}: add them to POOLS in {__file__}")


def spec(random: Randomness) -> Spec:
    """A valid spec; some say only what must be said, some almost everything."""
    made: Spec = value(SPEC_SCHEMA, (), random, random.choice((0.0, 0.2, 0.35, 0.9)))
    return mended(made)


def mended(spec: Spec, kept: Path = ()) -> Spec:
    """The spec with what the rules over several fields forbid put right, where possible without the field `kept`."""
    spec = copy.deepcopy(spec)
    serving, model, reference, checks = (spec.get(name, {}) for name in ("serving", "model", "reference", "checks"))
    if "replicas" in serving and "autoscaling" in serving:
        del serving["autoscaling" if kept == ("serving", "replicas") else "replicas"]
    if "autoscaling" in serving:
        _order(serving["autoscaling"], "minReplicas", "maxReplicas", {"minReplicas": 1}, kept)
    _mend_reference(reference, kept)
    sources: tuple[Path, ...] = (("model",), ("model", "outlierDetector"), ("reference",), ("checks", "skew"))
    for path in sources:
        _mend_source(at(spec, path), path, kept)
    _mend_redaction(spec.get("logging", {}), model, kept)
    _mend_kafka(spec.get("logging", {}), kept)
    _mend_collector(spec.get("collector", {}), kept)
    if "window" in checks:
        _order(checks["window"], "minRows", "maxRows", {"minRows": 500, "maxRows": 100_000}, kept)
    _mend_segments(checks.get("segments", []), kept)
    drift = checks.get("drift", {})
    for test in (drift.get("numerical"), drift.get("categorical"), *drift.get("columns", {}).values()):
        _mend_thresholds(test or {}, kept)
    quality, shifts = checks.get("quality", {}), checks.get("shifts", {})
    for levels in (*quality.values(), *shifts.values(), checks.get("multivariate"), checks.get("sequential")):
        if isinstance(levels, dict):
            _mend_thresholds(levels, kept)
    performance = checks.get("performance", {})
    for drop in (performance, *performance.get("metrics", [])):
        _mend_thresholds(drop.get("drop", {}), kept)
    for metric in performance.get("metrics", []):
        metric.pop("minimum" if metric["name"] in ERROR_METRICS else "maximum", None)
    _mend_thresholds(checks.get("skew", {}), kept)
    if "importances" in checks and "importances" in model:
        del (checks if kept[:1] == ("model",) else model)["importances"]
    if "rowCount" in quality:
        _order(quality["rowCount"], "minimum", "maximum", {"maximum": 1_000_000}, kept)
    for custom in checks.get("custom", []):
        _mend_custom(custom)
    for toleration in spec.get("scheduling", {}).get("tolerations", []):
        if "key" not in toleration:
            toleration["operator"] = "Exists"
        if toleration.get("operator") == "Exists":
            toleration.pop("value", None)
    for path, _ in properties():
        if path[-1] == "resources" and (given := at(spec, path)):
            _mend_resources(given)
    return spec


_OF_REFERENCES = {"storageUri": ("credentialsSecret", "sha256"), "window": (), "captureRows": ("captureSince",)}
"""What a reference is made of, one of these, with what goes with it alone."""


def _mend_reference(reference: Spec, kept: Path) -> None:
    kept_field = kept[1] if kept[:1] == ("reference",) and len(kept) > 1 else ""
    wanted = next((source for source, own in _OF_REFERENCES.items() if kept_field in (source, *own)), "")
    chosen = wanted or next((source for source in _OF_REFERENCES if source in reference), "storageUri")
    reference.setdefault(chosen, {"storageUri": _URIS[0], "captureRows": 1000}.get(chosen))
    for source, own in _OF_REFERENCES.items():
        if source != chosen:
            for name in (source, *own):
                reference.pop(name, None)


def _mend_source(source: Spec, path: Path, kept: Path) -> None:
    uri = source.get("storageUri", "")
    if uri.startswith("models:") and "credentialsSecret" not in source:
        source["credentialsSecret"] = _SECRETS[0]
    elif "credentialsSecret" in source and not uri.startswith(("s3", "gs", "http", "models:")):
        if kept == (*path, "credentialsSecret") and uri:
            source["storageUri"] = "s3://models/wine/3/model.onnx"
        else:
            del source["credentialsSecret"]


def _mend_collector(collector: Spec, kept: Path) -> None:
    storage = collector.get("storage", {})
    if kept in (("collector", "replicas"), ("collector", "storage", "credentialsSecret")):
        storage = collector.setdefault("storage", {})
        storage.setdefault("uri", POOLS["storage.uri"][0])
    if kept in (
        ("collector", "retentionSize"),
        ("collector", "storage", "size"),
        ("collector", "storage", "storageClassName"),
    ):
        storage.pop("uri", None)
    if "uri" in storage:
        storage.setdefault("credentialsSecret", _SECRETS[0])
        for name in ("size", "storageClassName"):
            storage.pop(name, None)
        collector.pop("retentionSize", None)
    else:
        storage.pop("credentialsSecret", None)
        collector.pop("replicas", None)


def at(spec: Spec, path: Path) -> Any:
    """What is there, an empty object where nothing is."""
    for name in path:
        spec = spec.get(name, {})
    return spec


def _order(values: Spec, low: str, high: str, defaults: dict[str, int], kept: Path) -> None:
    least, most = values.get(low, defaults.get(low, 0)), values.get(high, defaults.get(high, 0))
    if least > most:
        values[low], values[high] = (least, least) if kept[-1:] == (low,) else (most, most)


def _mend_redaction(logging: Spec, model: Spec, kept: Path) -> None:
    redact = logging.get("redact", {})
    if "features" in model:
        known = {feature["name"] for feature in model["features"]}
        for which in ("drop", "hash"):
            if kept[:2] != ("model", "features"):
                unknown = sorted(set(redact.get(which, [])) - known)
                model["features"] += [{"name": name, "type": "Categorical"} for name in unknown]
            elif which in redact:
                redact[which] = [name for name in redact[which] if name in known]
                if not redact[which]:
                    del redact[which]
    if "hash" in redact and "keySecret" not in redact:
        redact["keySecret"] = {"name": _SECRETS[0]}
    elif "keySecret" in redact and "hash" not in redact:
        if kept[:3] == ("logging", "redact", "keySecret") and "features" not in model:
            redact["hash"] = list(POOLS["hash"])
        else:
            del redact["keySecret"]
    if "redact" in logging and not redact.keys() & {"drop", "hash"}:
        del logging["redact"]


def _mend_kafka(logging: Spec, kept: Path) -> None:
    if "kafka" not in logging:
        return
    if kept == ("logging", "shipper", "type") and logging["shipper"]["type"] != "SyslogNG":
        del logging["kafka"]
        return
    logging.setdefault("shipper", {})["type"] = "SyslogNG"
    if "credentialsSecret" in logging["kafka"]:
        logging["kafka"].setdefault("tls", {})


def _mend_thresholds(test: Spec, kept: Path) -> None:
    if ("warning" in test) != ("critical" in test):
        test["warning"] = test["critical"] = test.get("warning", test.get("critical"))
    if "minEffect" in test and test.get("method") not in P_VALUE_METHODS:
        if kept[-1:] == ("minEffect",):
            test["method"] = "chi2_contingency"
        else:
            del test["minEffect"]
    p_value = test.get("method") in P_VALUE_METHODS
    if "warning" not in test:
        return
    levels = sorted(
        (min(test[name], 1) if p_value else test[name] for name in ("warning", "critical")), reverse=p_value
    )
    test["warning"], test["critical"] = levels


def _mend_segments(segments: list[Spec], kept: Path) -> None:
    for asked in segments:
        if asked.get("values") == []:
            asked["values"] = [POOLS["values"][0]]
        if "values" in asked and "maxValues" in asked:
            del asked["values" if kept[-1:] == ("maxValues",) else "maxValues"]


def _mend_resources(resources: Spec) -> None:
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    for name in requests.keys() & limits.keys():
        if parse_quantity(requests[name]) > parse_quantity(limits[name]):
            requests[name], limits[name] = limits[name], requests[name]


def _mend_custom(check: Spec) -> None:
    if "entryPoint" not in check:
        check.setdefault("evidentlyMetric", POOLS["evidentlyMetric"][0])
        check.setdefault("critical", check.get("warning", 0.5))
        for name in ("sourceConfigMap", "format"):
            check.pop(name, None)
    else:
        for name in ("evidentlyMetric", "result"):
            check.pop(name, None)
    if ("warning" in check) != ("critical" in check):
        check["warning"] = check["critical"] = check.get("warning", check.get("critical"))
    if "warning" in check:
        levels = sorted((check["warning"], check["critical"]), reverse=check.get("direction") == "Below")
        check["warning"], check["critical"] = levels


def changed(spec: Spec, random: Randomness) -> Spec:
    """The spec after a change to it: a field set, a field removed, or all of it written anew; the volume stays."""
    while (result := _changed(spec, random)) == spec:
        pass
    return result


def _changed(spec: Spec, random: Randomness) -> Spec:
    kind = random.choices(("set", "remove", "rewrite"), (6, 3, 1))[0]
    if kind == "rewrite":
        return with_storage_of(globals()["spec"](random), spec)
    result = copy.deepcopy(spec)
    mutable = [(path, node) for path, node in properties() if not _immutable(path)]
    present = [path for path, _ in mutable if _is_there(spec, path) and _optional(path)]
    if kind == "remove" and present:
        path = random.choice(present)
        del at(result, path[:-1])[path[-1]]
        return mended(result)
    objects = random.random() < 0.15
    path, node = random.choice([(path, node) for path, node in mutable if ("properties" in node) == objects])
    parent = result
    for depth, name in enumerate(path[:-1], 1):
        if name not in parent:
            parent[name] = value(node_at(path[:depth]), path[:depth], random, fullness=0)
        parent = parent[name]
    parent[path[-1]] = value(node, path, random, fullness=0.6)
    return with_storage_of(mended(result, kept=path), spec)


def with_storage_of(spec: Spec, other: Spec) -> Spec:
    """The spec with the volume of the other one, which cannot change."""
    result = copy.deepcopy(spec)
    collector = result.setdefault("collector", {})
    collector.pop("storage", None)
    if "storage" in other.get("collector", {}):
        collector["storage"] = copy.deepcopy(other["collector"]["storage"])
    _mend_collector(collector, ())
    return result


def node_at(path: Path) -> Schema:
    """The schema of a field."""
    node = SPEC_SCHEMA
    for name in path:
        node = node["properties"][name]
    return node


def _optional(path: Path) -> bool:
    return path[-1] not in node_at(path[:-1]).get("required", [])


def _is_there(spec: Spec, path: Path) -> bool:
    parent = at(spec, path[:-1])
    return isinstance(parent, dict) and path[-1] in parent


def _immutable(path: Path) -> bool:
    """Whether a change there, or the removal of all of it, would be refused."""
    return path[: len(IMMUTABLE)] == IMMUTABLE or IMMUTABLE[: len(path)] == path


def edits(random: Randomness, count: int) -> list[Edit]:
    """The creation of an object, and what is done to it after that. Any part of the list is possible by itself as long
    as the first is kept and no `recreate` is left out."""
    now = spec(random)
    made = [Edit("recreate", now)]
    while len(made) < count:
        verb: Literal["merge", "replace", "recreate"]
        (verb,) = random.choices(("merge", "replace", "recreate"), (10, 4, 1))
        first = None
        if verb == "recreate":
            now = changed(now, random) if random.random() < 0.7 else spec(random)
        else:
            if random.random() < 0.2:
                first = now = changed(now, random)
            now = changed(now, random)
        made.append(Edit(verb, now, first))
    return made


def merge_patch(old: Any, new: Any) -> Any:
    """The JSON merge patch that makes `new` of `old`."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    patch = {name: merge_patch(old.get(name), value) for name, value in new.items() if old.get(name) != value}
    return patch | {name: None for name in old if name not in new}
