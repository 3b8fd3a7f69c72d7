"""For each field of the spec, what it is for: where a change of it must show. `CASES` is what the schema asks for.

A case begins with the minimal spec and `beside`, sets what is at `at` (which holds the field, and what must change with
it) to the first value, then to the second one, and takes it away again. What `shows` sees must change each time.
"""

import copy
import functools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from driftmonitor_api.v1alpha1 import DriftMonitor, DriftMonitorSpec, ReferenceStatus
from driftmonitor_check import run
from driftmonitor_check.check import check
from driftmonitor_check.collector import Collector
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.settings import Settings
from driftmonitor_check.spans import span
from tests.support.specs import Path, Spec

Body = dict[str, Any]
MINIMAL: Spec = {
    "model": {"storageUri": "https://models.example/wine.onnx"},
    "reference": {"storageUri": "https://models.example/wine.parquet"},
    "checks": {"schedule": "0 0 1 1 *"},
}
NOW = datetime.now(UTC).replace(microsecond=0)
MINUTES = 180
"""So many minutes back the collector has a row each."""


@dataclass
class View:
    """What there is of one monitor."""

    monitor: Body
    children: list[Body]
    collector: Collector
    """A real one that holds rows of the last three hours."""

    @property
    def spec(self) -> DriftMonitorSpec:
        """As the programs read it from the live object."""
        return DriftMonitor.model_validate(self.monitor).spec

    def child(self, kind: str, suffix: str = "") -> Body | None:
        """The child whose name is the monitor's with this suffix."""
        name = self.monitor["metadata"]["name"] + suffix
        return next((b for b in self.children if b["kind"] == kind and b["metadata"]["name"] == name), None)


Shows = Callable[[View], Any]


@dataclass(frozen=True)
class Case:
    """How one field is changed, and where that shows."""

    field: str
    values: tuple[Any, Any]
    shows: Shows
    at: str = ""
    """Where the values are put; empty: the field itself."""
    beside: Spec = field(default_factory=dict)
    facts: Callable[[DriftMonitorSpec], Body] | None = None
    """Status that a check has written before."""

    def specs(self) -> tuple[Spec, Spec, Spec]:
        """Without the field (or with its first value, where it must be there), and with each value."""
        base = merged(MINIMAL, self.beside)
        path = tuple((self.at or self.field).split("."))
        return base, put(base, path, self.values[0]), put(base, path, self.values[1])


def merged(spec: Spec, other: Spec) -> Spec:
    """The spec with what the other one has."""
    result = copy.deepcopy(spec)
    for name, value in other.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else copy.deepcopy(value)
    return result


def put(spec: Spec, path: Path, value: Any) -> Spec:
    """The spec with this value in this place."""
    result = copy.deepcopy(spec)
    parent = result
    for name in path[:-1]:
        parent = parent.setdefault(name, {})
    parent[path[-1]] = value
    return result


def found(body: Any, path: str) -> Any:
    """What lies at a path such as `spec/containers/name=server/image`; None where there is nothing."""
    for step in path.split("/"):
        if isinstance(body, list):
            key, _, wanted = step.partition("=")
            body = next((item for item in body if str(item.get(key)) == wanted), None)
        elif isinstance(body, dict):
            body = body.get(step)
    return body


def child(kind: str, suffix: str, path: str) -> Shows:
    """A place in a child."""
    return lambda view: found(view.child(kind, suffix), path)


POD = "spec/template/spec"
CHECK_POD = "spec/jobTemplate/spec/template/spec"
FETCH = f"{POD}/initContainers/name=fetch-model"
FETCH_OUTLIERS = f"{POD}/initContainers/name=fetch-outlier-detector"
SHIPPER = f"{POD}/initContainers/name=shipper"


def server_file(key: str) -> Shows:
    """A value in the file that the server's pods mount, by the Deployment."""

    def shows(view: View) -> Any:
        name = found(view.child("Deployment"), f"{POD}/volumes/name=config/configMap/name")
        (mounted,) = (b for b in view.children if b["kind"] == "ConfigMap" and b["metadata"]["name"] == name)
        return json.loads(mounted["data"]["inference.json"]).get(key)

    return shows


def all_pods(path: str) -> Shows:
    """A place in the pods of each program; all must have the same there."""

    def shows(view: View) -> Any:
        pods = (("Deployment", "", POD), ("Deployment", "-collector", POD), ("CronJob", "-check", CHECK_POD))
        seen = [found(view.child(kind, suffix), f"{pod}/{path}") for kind, suffix, pod in pods]
        return seen[0] if all(other == seen[0] for other in seen) else seen

    return shows


def rows_compared(view: View) -> int:
    """Number of rows that a check reads for this spec from the collector."""
    times = span(view.spec.checks.window, NOW)
    return run._window(view.spec, view.collector, times, []).table.num_rows


def rows_of_reference(view: View) -> int:
    """Number of rows of the rolling reference that a check reads."""
    window = Window(pa.table({"alcohol": [1.0]}), NOW, NOW)
    settings = Settings.__new__(Settings)  # a rolling reference needs none
    reference = run._reference(view.spec, window, view.collector, settings, NOW)
    assert isinstance(reference, Reference)
    return reference.table.num_rows


def verdict(view: View) -> Any:
    """What the check concludes over the given data."""
    return _verdict(view.spec.model_dump_json())


@functools.cache
def _verdict(spec_json: str) -> Any:
    spec = DriftMonitorSpec.model_validate_json(spec_json)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    window, data = _table(1, 0.5), _table(11, 0.0)
    status = ReferenceStatus(storage_uri="s3://a/b", sha256="ab", rows=data.num_rows, time=now)
    outcome = check(
        spec, Window(window, now, now), Reference(data, status, "spec.reference.storageUri"), title="", now=now
    )
    columns = sorted((column.name, column.method, column.severity) for column in outcome.columns)
    return outcome.conclusion.verdict, columns


def violations(view: View) -> Any:
    """What the check says of the quality of data that has every fault."""
    return _violations(view.spec.model_dump_json())


@functools.cache
def _violations(spec_json: str) -> Any:
    spec = DriftMonitorSpec.model_validate_json(spec_json)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    data = _faultless()
    status = ReferenceStatus(storage_uri="s3://a/b", sha256="ab", rows=data.num_rows, time=now)
    reference = Reference(data, status, "spec.reference.storageUri")
    outcome = check(spec, Window(_faulty(data), now, now), reference, title="", now=now, draw=False)
    return [(each.column, each.check, each.threshold, each.severity) for each in outcome.violations]


def predicted(view: View) -> Any:
    """What the check says of the model's outputs."""
    return _predicted(view.spec.model_dump_json())


@functools.cache
def _predicted(spec_json: str) -> Any:
    spec = DriftMonitorSpec.model_validate_json(spec_json)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    few, labels = random.Random(1).choices("ab", k=_ROWS), random.Random(2).choices("ab", (1, 2), k=_ROWS)
    scores = [0.8, 0.9] * (_ROWS // 2)
    data = _faultless()
    known = data.append_column("few", [few]).append_column("many", [labels])
    known = known.append_column("low", [data["gap"]]).append_column("high", [scores])
    outputs = pa.table(
        {
            "prediction.label": labels,
            "prediction.score": scores,
            "outlier.flag": [True, False] * (_ROWS // 2),
        }
    )
    rolling = spec.reference.window is not None
    then = now - timedelta(days=14) if rolling else None
    status = ReferenceStatus(storage_uri=None, rows=_ROWS, time=now, window_start=then, window_end=then)
    reference = Reference(known, status, "spec.reference", outputs=outputs if rolling else None)
    outcome = check(spec, Window(data, now, now, outputs=outputs), reference, title="", now=now, draw=False)
    columns = [(each.name, each.score) for each in outcome.columns if each.name.startswith("prediction.")]
    return columns, [(each.check, each.threshold) for each in outcome.violations if each.check == "outlier_share_check"]


def shifted(view: View) -> Any:
    """What the check says of columns that have moved."""
    return _shifted(view.spec.model_dump_json())


@functools.cache
def _shifted(spec_json: str) -> Any:
    spec = DriftMonitorSpec.model_validate_json(spec_json)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    randomness = random.Random(3)
    first, second, third = ([randomness.gauss(0, 1) for _ in range(4000)] for _ in range(3))
    data = pa.table({"a": first, "b": [value / 10 + same for value, same in zip(second, first, strict=True)]})
    window = pa.table({"a": [value + 2 for value in second], "b": third})
    status = ReferenceStatus(storage_uri="s3://a/b", sha256="ab", rows=4000, time=now)
    outcome = check(
        spec, Window(window, now, now), Reference(data, status, "spec.reference"), title="", now=now, draw=False
    )
    names = ("mean_shift_check", "quantile_shift_check", "correlation_check")
    return [(each.check, each.threshold, each.severity) for each in outcome.violations if each.check in names]


_ROWS = 1000


def _faultless() -> pa.Table:
    randomness = random.Random(7)
    numbers = {
        name: [randomness.random() for _ in range(_ROWS)] for name in ("gap", "word", "infinite", "far", "stuck")
    }
    return pa.table(numbers | {"colour": ["a", "b"] * (_ROWS // 2)})


def _faulty(faultless: pa.Table) -> pa.Table:
    """Two of five rows have each fault, and as many are copies of others."""
    some = range(0, _ROWS, 5), range(1, _ROWS, 5)
    faults: dict[str, Any] = {"gap": None, "word": "much", "infinite": float("inf"), "far": 2.0}
    columns: dict[str, list[Any]] = faultless.to_pydict()
    columns["word"] = [str(number) for number in columns["word"]]
    for name, fault in faults.items():
        for places in some:
            for place in places:
                columns[name][place] = fault
    columns |= {"stuck": [0.5] * _ROWS, "colour": ["a", "c"] * (_ROWS // 2)}
    distinct = pa.table(columns).slice(0, _ROWS * 3 // 5)
    return pa.concat_tables([distinct, distinct.slice(0, _ROWS * 2 // 5)])


def _table(seed: int, shift: float, rows: int = 300) -> pa.Table:
    def normal(number: int, mean: float) -> list[float]:
        randomness = random.Random(number)
        return [randomness.gauss(mean, 1) for _ in range(rows)]

    colours = random.Random(seed + 100).choices("ab", (1 + 2 * shift, 1), k=rows)
    return pa.table(
        {"alcohol": normal(seed, 13 + shift), "proline": normal(seed + 1, 5 + shift / 4), "colour": colours}
    )


def condition(kind: str) -> Shows:
    """Status and reason of a condition."""

    def shows(view: View) -> Any:
        conditions = view.monitor.get("status", {}).get("conditions", [])
        return next(((c["status"], c["reason"]) for c in conditions if c["type"] == kind), None)

    return shows


def facts(*verdicts: tuple[str, timedelta], **last: Any) -> Callable[[DriftMonitorSpec], Body]:
    """The status of a monitor with these verdicts, so long ago, the newest first."""

    def written(spec: DriftMonitorSpec) -> Body:
        entries = []
        for word, age in verdicts:
            time = (NOW - age).isoformat().replace("+00:00", "Z")
            entries.append({"time": time, "verdict": word, "rows": 1000, "driftShare": 0.5, "subject": spec.subject})
        span = {"windowStart": entries[0]["time"], "windowEnd": entries[0]["time"]}
        reference = {"storageUri": spec.reference.storage_uri, "sha256": "ab", "rows": 9, "time": entries[0]["time"]}
        return {"lastCheck": entries[0] | span | last, "history": entries, "reference": reference}

    return written


def _resources() -> list[Case]:
    places = {
        "serving": ("Deployment", "", f"{POD}/containers/name=inference"),
        "logging.shipper": ("Deployment", "", SHIPPER),
        "collector": ("Deployment", "-collector", f"{POD}/containers/name=collector"),
        "checks": ("CronJob", "-check", f"{CHECK_POD}/containers/name=check"),
        "checks.validation": ("Deployment", "-validation", f"{POD}/containers/name=validation"),
    }
    values = {"cpu": ("250m", "1500m"), "memory": ("96Mi", "3Gi")}
    return [
        Case(
            f"{where}.resources.{kind}.{name}", values[name], child(*place, path=f"{container}/resources/{kind}/{name}")
        )
        for where, (*place, container) in places.items()
        for kind in ("requests", "limits")
        for name in values
    ]


_AUTOSCALING: Spec = {"serving": {"autoscaling": {"maxReplicas": 9}}}
_SCALED = "HorizontalPodAutoscaler"
_CREDENTIALS = "volumes/name=credentials/secret/secretName"
_FEW: Spec = {"checks": {"window": {"minRows": 100}}}
_ONE_ROW: Spec = {"checks": {"window": {"minRows": 1}}}
_KS: Spec = {"checks": {"drift": {"numerical": {"method": "ks", "warning": 4e-10, "critical": 4e-10}}}}
_HOUR = timedelta(hours=1)
_TWICE = facts(("DriftDetected", timedelta()), ("DriftDetected", _HOUR), ("NoDrift", 2 * _HOUR))
_BEFORE = facts(("NoDrift", timedelta()), ("DriftDetected", _HOUR))
_LOST = facts(("NoDrift", timedelta()), coverage=0.8)
_DRIFTED = condition("DriftDetected")


def _levels(warning: float, critical: float, **rest: str) -> Spec:
    return {"warning": warning, "critical": critical, **rest}


def _fetched(name: str, container: str = FETCH) -> Shows:
    return child("Deployment", "", f"{container}/env/name={name}/value")


def _detector(**fields: Any) -> Spec:
    return {"storageUri": "https://a.example/m", **fields}


def _features(first: Spec, second: Spec) -> tuple[list[Spec], list[Spec]]:
    feature = {"name": "a", "type": "Numerical"}
    return [feature | first], [feature | second]


def _rolling(**window: str) -> Spec:
    return {"reference": {"storageUri": None, "window": window}}


def _compared(field: str, first: Any, second: Any, at: str = "") -> Case:
    """A field that says how columns are compared."""
    return Case(f"checks.drift.{field}", (first, second), verdict, f"checks.drift.{at}" if at else "", _FEW)


def _quality() -> list[Case]:
    """The shares from which on each fault is told."""
    kinds = (
        "missing",
        "typeMismatch",
        "infinite",
        "outOfRange",
        "newCategories",
        "vanishedCategories",
        "duplicates",
    )
    levels = {
        "warning": (_levels(0.3, 0.95), _levels(0.2, 0.95)),
        "critical": (_levels(0.02, 0.15), _levels(0.02, 0.25)),
    }
    return [
        Case(f"checks.quality.{kind}.{level}", values, violations, f"checks.quality.{kind}")
        for kind in kinds
        for level, values in levels.items()
    ]


def _shifts() -> list[Case]:
    """The values from which on each shift is told."""
    levels = {
        "warning": (_levels(0.3, 5), _levels(0.2, 5)),
        "critical": (_levels(0.02, 0.15), _levels(0.02, 0.25)),
    }
    return [
        Case(f"checks.shifts.{kind}.{level}", values, shifted, f"checks.shifts.{kind}")
        for kind in ("mean", "quantiles", "correlation")
        for level, values in levels.items()
    ]


def _ignored(name: str, first: Spec, second: Spec) -> Case:
    path = "checks.quality.ignore"
    return Case(
        f"{path}.[].{name}", ([{"column": "colour"} | first], [{"column": "colour"} | second]), violations, path
    )


def _tolerated(name: str, first: Spec, second: Spec) -> Case:
    path = "scheduling.tolerations"
    return Case(f"{path}.[].{name}", ([first], [second]), all_pods("tolerations"), path)


def _traced(name: str, first: Spec, second: Spec) -> Case:
    return Case(f"serving.tracing.{name}", (first, second), server_file("tracing"), "serving.tracing")


def _redacted(name: str, first: Spec, second: Spec, shows: Shows) -> Case:
    return Case(f"logging.redact.{name}", (first, second), shows, "logging.redact")


def _server_log(name: str, first: Spec, second: Spec, shows: Shows) -> Case:
    address = {"url": "https://a.example/in"}
    return Case(f"logging.serverLog.{name}", (address | first, address | second), shows, "logging.serverLog")


def _token(**where: str) -> Spec:
    return {"tokenSecret": {"name": "a", **where}}


def _topic(name: str, first: Spec, second: Spec, shows: Shows) -> Case:
    whole = {"bootstrapServers": ["a:9092"], "topic": "a"}
    beside = {"logging": {"shipper": {"type": "SyslogNG"}}}
    return Case(f"logging.kafka.{name}", (whole | first, whole | second), shows, "logging.kafka", beside)


def _both_ends(name: str, path: str = "value") -> Shows:
    """A variable of the shipper and of the collector."""
    places = (("", SHIPPER), ("-collector", f"{POD}/containers/name=collector"))
    ends = [child("Deployment", suffix, f"{container}/env/name={name}/{path}") for suffix, container in places]

    def shows(view: View) -> Any:
        seen = [end(view) for end in ends]
        return seen[0] if seen[0] == seen[1] else seen

    return shows


def _authorities(view: View) -> Any:
    """The Secret that both ends mount."""
    path = f"{POD}/volumes/name=kafka-ca/secret/secretName"
    return [child("Deployment", suffix, path)(view) for suffix in ("", "-collector")]


def _hashed(**key: str) -> Spec:
    return {"hash": ["a"], "keySecret": {"name": "b", **key}}


_REDACTION_KEY = child("Deployment", "", f"{POD}/volumes/name=redaction/secret")
_REFERENCE_FILE = child("CronJob", "-check", f"{CHECK_POD}/volumes/name=reference/configMap/name")
_RETENTION_BYTES = f"{POD}/containers/name=collector/env/name=RETENTION_BYTES/value"
_RETENTION = f"{POD}/containers/name=collector/env/name=RETENTION_SECONDS/value"
_BUFFER = child("Deployment", "", f"{SHIPPER}/env/name=BUFFER_BYTES/value")
_SERVER_LOG_URL = child("Deployment", "", f"{SHIPPER}/env/name=SERVER_LOG_URL/value")
_SERVER_LOG_TOKEN = child("Deployment", "", f"{SHIPPER}/env/name=SERVER_LOG_TOKEN/valueFrom")
_STORE: Spec = {"collector": {"storage": {"uri": "s3://records", "credentialsSecret": "c"}}}
_EXISTS: Spec = {"operator": "Exists"}
_ANY = "columns.proline"

CASES = [
    Case("model.storageUri", ("https://a.example/m", "configmap://a/b"), _fetched("MODEL_URI")),
    Case("model.credentialsSecret", ("a", "b"), child("Deployment", "", f"{POD}/{_CREDENTIALS}")),
    Case("model.sha256", ("ab" * 32, "cd" * 32), _fetched("MODEL_SHA256")),
    Case(
        "model.outlierDetector.storageUri",
        (_detector(), _detector(storageUri="configmap://a/b")),
        _fetched("MODEL_URI", FETCH_OUTLIERS),
        "model.outlierDetector",
    ),
    Case(
        "model.outlierDetector.credentialsSecret",
        (_detector(credentialsSecret="a"), _detector(credentialsSecret="b")),
        child("Deployment", "", f"{POD}/volumes/name=outlier-credentials/secret/secretName"),
        "model.outlierDetector",
    ),
    Case(
        "model.outlierDetector.sha256",
        (_detector(sha256="ab" * 32), _detector(sha256="cd" * 32)),
        _fetched("MODEL_SHA256", FETCH_OUTLIERS),
        "model.outlierDetector",
    ),
    Case(
        "model.outlierDetector.threshold",
        (_detector(threshold=0.25), _detector(threshold=-1)),
        server_file("outlierThreshold"),
        "model.outlierDetector",
    ),
    Case("model.version", ("2", "3"), _fetched("MODEL_VERSION")),
    Case("model.features.[].name", _features({}, {"name": "b"}), server_file("features"), "model.features"),
    Case("model.features.[].type", _features({}, {"type": "Categorical"}), server_file("features"), "model.features"),
    Case("model.classes.[]", (["a", "b"], ["b", "a"]), server_file("classes"), "model.classes"),
    Case("serving.replicas", (3, 5), child("Deployment", "", "spec/replicas")),
    Case("serving.autoscaling.minReplicas", (2, 3), child(_SCALED, "", "spec/minReplicas"), beside=_AUTOSCALING),
    Case(
        "serving.autoscaling.maxReplicas",
        ({"maxReplicas": 2}, {"maxReplicas": 3}),
        child(_SCALED, "", "spec/maxReplicas"),
        "serving.autoscaling",
    ),
    Case(
        "serving.autoscaling.targetCpuUtilizationPercent",
        (50, 60),
        child(_SCALED, "", "spec/metrics/type=ContainerResource/containerResource/target/averageUtilization"),
        beside=_AUTOSCALING,
    ),
    *_resources(),
    Case("serving.batching.maxBatchSize", (8, 16), server_file("batching")),
    Case("serving.batching.maxLatency", ("1ms", "5ms"), server_file("batching")),
    Case("serving.maxConcurrentRequests", (10, 20), server_file("maxConcurrentRequests")),
    Case("serving.accessLog", (True, False), server_file("accessLog")),
    _traced("endpoint", {"endpoint": "http://a:4318"}, {"endpoint": "http://b:4318"}),
    _traced("samplingPercent", {"endpoint": "http://a:4318"}, {"endpoint": "http://a:4318", "samplingPercent": 5}),
    _redacted("drop.[]", {"drop": ["a"]}, {"drop": ["b"]}, server_file("redact")),
    _redacted("hash.[]", _hashed(), _hashed() | {"hash": ["b"]}, server_file("redact")),
    _redacted("keySecret.name", _hashed(), _hashed(name="c"), _REDACTION_KEY),
    _redacted("keySecret.key", _hashed(), _hashed(key="c"), _REDACTION_KEY),
    Case("logging.durability", ("Sync", "File"), server_file("durability")),
    Case("logging.whenFull", ("ServeAndCount", "Refuse"), server_file("whenFull")),
    Case("logging.samplingPercent", (10, 20), server_file("samplingPercent")),
    _server_log("url", {}, {"url": "http://b.svc:8080/"}, _SERVER_LOG_URL),
    _server_log("tokenSecret.name", _token(), _token(name="b"), _SERVER_LOG_TOKEN),
    _server_log("tokenSecret.key", _token(), _token(key="b"), _SERVER_LOG_TOKEN),
    _topic("bootstrapServers.[]", {}, {"bootstrapServers": ["b:9092"]}, _both_ends("KAFKA_BOOTSTRAP_SERVERS")),
    _topic("topic", {}, {"topic": "b"}, _both_ends("KAFKA_TOPIC")),
    _topic("tls.caSecret", {"tls": {"caSecret": "a"}}, {"tls": {"caSecret": "b"}}, _authorities),
    _topic(
        "credentialsSecret",
        {"tls": {}, "credentialsSecret": "a"},
        {"tls": {}, "credentialsSecret": "b"},
        _both_ends("KAFKA_PASSWORD", "valueFrom/secretKeyRef/name"),
    ),
    Case("logging.shipper.type", ("SyslogNG", "Fluentd"), child("Deployment", "", f"{SHIPPER}/image")),
    Case("logging.shipper.bufferSize", ("64Mi", "1Gi"), _BUFFER),
    Case("collector.retention", ("1h", "2d"), child("Deployment", "-collector", _RETENTION)),
    Case("collector.retentionSize", ("7Gi", "500Mi"), child("Deployment", "-collector", _RETENTION_BYTES)),
    Case("collector.replicas", (2, 3), child("Deployment", "-collector", "spec/replicas"), beside=_STORE),
    Case(
        "collector.storage.credentialsSecret",
        ("a", "b"),
        child("Deployment", "-collector", f"{POD}/{_CREDENTIALS}"),
        beside=_STORE,
    ),
    Case("reference.storageUri", ("configmap://a/r.csv", "configmap://b/r.csv"), _REFERENCE_FILE),
    Case("reference.credentialsSecret", ("a", "b"), child("CronJob", "-check", f"{CHECK_POD}/{_CREDENTIALS}")),
    Case("reference.window.lookback", ("30m", "1h"), rows_of_reference, beside=_rolling(offset="60m")),
    Case("reference.window.offset", ("1h", "150m"), rows_of_reference, beside=_rolling(lookback="1h")),
    Case("checks.schedule", ("1 1 1 1 *", "2 2 2 2 *"), child("CronJob", "-check", "spec/schedule")),
    Case("checks.timeZone", ("Europe/Berlin", "Asia/Kolkata"), child("CronJob", "-check", "spec/timeZone")),
    Case("checks.window.lookback", ("30m", "90m"), rows_compared),
    Case("checks.window.offset", ("150m", "170m"), rows_compared),
    Case("checks.window.maxRows", (20, 10), rows_compared, beside=_ONE_ROW),
    Case("checks.window.minRows", (100, 1000), verdict),
    _compared("numerical.method", "ks", "wasserstein"),
    _compared("numerical.warning", _levels(0.45, 5), _levels(0.2, 5), "numerical"),
    _compared("numerical.critical", _levels(0.1, 5), _levels(0.1, 0.3), "numerical"),
    _compared("numerical.minEffect", {"method": "ks", "minEffect": 0.9}, {"method": "ks", "minEffect": 0}, "numerical"),
    _compared("categorical.method", "psi", "chisquare"),
    _compared("categorical.warning", _levels(0.05, 5, method="psi"), _levels(0.5, 5, method="psi"), "categorical"),
    _compared("categorical.critical", _levels(0.05, 0.06, method="psi"), _levels(0.05, 5, method="psi"), "categorical"),
    _compared(
        "categorical.minEffect",
        {"method": "chisquare", "minEffect": 0.9},
        {"method": "chisquare", "minEffect": 0},
        "categorical",
    ),
    _compared("driftShare", 0.9, 0.3),
    _compared("columns.*.method", {"method": "ks"}, {"method": "wasserstein"}, _ANY),
    _compared(
        "columns.*.minEffect",
        {"method": "ks", "minEffect": 0.9},
        {"method": "ks", "minEffect": 0},
        "columns.alcohol",
    ),
    _compared("columns.*.warning", _levels(0.15, 5, method="psi"), _levels(0.05, 5, method="psi"), _ANY),
    _compared("columns.*.critical", _levels(0.05, 0.1, method="psi"), _levels(0.05, 5, method="psi"), _ANY),
    *_quality(),
    *_shifts(),
    Case("checks.outliers.maxShare", (0.3, 0.6), predicted),
    Case("checks.prediction.column", ("few", "many"), predicted),
    Case("checks.prediction.scoreColumn", ("low", "high"), predicted),
    Case("checks.prediction.ignore", (True, False), predicted, beside=_rolling()),
    Case("checks.quality.constant", ("Critical", "Ignore"), violations),
    Case("checks.quality.rowCount.minimum", (2000, 3000), violations),
    Case("checks.quality.rowCount.maximum", (500, 600), violations),
    _ignored("column", {}, {"column": "far"}),
    _ignored("check", {"check": "categorical_values_check"}, {"check": "vanished_categories_check"}),
    Case("checks.policy.consecutiveWindows", (3, 2), _DRIFTED, facts=_TWICE),
    Case("checks.policy.cooldown", ("2h", "30m"), _DRIFTED, facts=_BEFORE),
    Case("checks.policy.correction", ("BenjaminiHochberg", "None"), verdict, beside=merged(_FEW, _KS)),
    Case("checks.policy.minCoverage", (0.7, 0.85), _DRIFTED, facts=_LOST),
    Case("checks.validation.replicas", (2, 3), child("Deployment", "-validation", "spec/replicas")),
    Case("scheduling.nodeSelector.*", ("a", "b"), all_pods("nodeSelector/zone"), "scheduling.nodeSelector.zone"),
    _tolerated("key", {"key": "a", **_EXISTS}, {"key": "b", **_EXISTS}),
    _tolerated("operator", {"key": "a", **_EXISTS}, {"key": "a", "operator": "Equal"}),
    _tolerated("value", {"key": "a", "value": "b"}, {"key": "a", "value": "c"}),
    _tolerated("effect", {"effect": "NoSchedule", **_EXISTS}, {"effect": "NoExecute", **_EXISTS}),
    Case("suspend", (True, False), child("CronJob", "-check", "spec/suspend")),
]
IMMUTABLE = {
    "collector.storage.size": ("20Gi", "30Gi"),
    "collector.storage.storageClassName": ("fast", "slow"),
    "collector.storage.uri": ("s3://records", "s3://records/else"),
}
"""Fields that can only be given at the creation."""
WITH_IMMUTABLE: dict[str, Spec] = {"collector.storage.uri": {"credentialsSecret": "c"}}
"""What must be given together with them, in the same object."""
