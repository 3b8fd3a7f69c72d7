"""For each field of the spec, what it is for: where a change of it must show. `CASES` is what the schema asks for.

A case begins with the minimal spec and `beside`, sets what is at `at` (which holds the field, and what must change with
it) to the first value, then to the second one, and takes it away again. What `shows` sees must change each time.
"""

import copy
import functools
import json
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from driftmonitor_api.v1alpha1 import CustomCheck, DriftMonitor, DriftMonitorSpec, ReferenceStatus
from driftmonitor_check import run
from driftmonitor_check.check import check
from driftmonitor_check.collector import Collector
from driftmonitor_check.columns import Column
from driftmonitor_check.custom.answers import Number
from driftmonitor_check.custom.judging import Sides
from driftmonitor_check.custom.process import described
from driftmonitor_check.evidence import Reference, ReferenceProblem, TrainingRows, Window
from driftmonitor_check.facts import check_result
from driftmonitor_check.importances.process import weigher
from driftmonitor_check.methods import drift_test
from driftmonitor_check.performance.fetching import with_labels
from driftmonitor_check.settings import Settings
from driftmonitor_check.skew.assessment import assess
from driftmonitor_check.spans import span
from tests.support import labelled
from tests.support.onnxmodels import linear
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


def _reference_of(view: View, mount: FilePath | None = None) -> Reference | ReferenceProblem:
    """What a check reads as its reference for this spec."""
    settings = Settings("a", "b", "", "", mount)
    return run._reference(view.spec, Window(pa.table({"alcohol": [1.0]}), NOW, NOW), view.collector, settings, NOW)


def captured(view: View) -> Any:
    """Rows of the captured reference, and the time of the first; None where there is none."""
    if view.spec.reference.capture_rows is None:
        return None
    reference = _reference_of(view)
    assert isinstance(reference, Reference), reference
    assert reference.status.capture is not None
    return reference.table.num_rows, reference.status.capture.first_row


def file_read(view: View) -> Any:
    """Digest of the reference's file, or why it is not read."""
    with TemporaryDirectory() as folder:
        (FilePath(folder) / "r.csv").write_text("alcohol\n1.0\n")
        reference = _reference_of(view, FilePath(folder))
    return reference.status.sha256 if isinstance(reference, Reference) else reference.message


def skewed(view: View) -> Any:
    """What is said of training's rows and served ones: half of those with the same id differ in `a`, 1 of 10 a bit."""
    spec = view.spec
    if spec.checks.skew is None:
        return None
    ids = [f"r-{number}" for number in range(200)]
    values = [float(number) for number in range(1, 201)]
    training = pa.table({"id": ids, "other": [*ids[:100], *ids[:100]], "a": values})
    table = pa.table({"a": [-value if place % 2 else value * 1.01 for place, value in enumerate(values)], "key": ids})
    window = Window(table, NOW, NOW, identities=pa.table({"request_id": ids[:150] + ids[:50]}))
    window = replace(window, training=TrainingRows(training))
    columns = [Column("a", "Numerical", drift_test(spec.checks.drift, "a", "Numerical"))]
    return [(each.column, each.message, each.threshold, each.severity) for each in assess(spec, columns, window)]


def training_read(view: View) -> Any:
    """Columns of the training's file, or why it is not read."""
    with TemporaryDirectory() as folder:
        (FilePath(folder) / "r.csv").write_text("id,alcohol\n1,1.0\n")
        read = run._training(view.spec, Settings("a", "b", "", "", skew_mount=FilePath(folder)))
    return None if read is None else read.problem or (read.table and read.table.column_names)


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


def performed(view: View) -> Any:
    """What the check says of predictions with labels."""
    return _performed(view.spec.model_dump_json())


@functools.cache
def _performed(spec_json: str) -> Any:
    spec = DriftMonitorSpec.model_validate_json(spec_json)
    reference = labelled.file(labelled.classified(1000, 2, rare=1))
    shuffled = pa.array(random.Random(1).sample(reference["y"].to_pylist(), 1000))
    window = labelled.stored(labelled.classified(1000, 1, rare=1), labelled=0.15)
    said = labelled.outcome(spec, window, reference.append_column("z", shuffled)).performance
    told = [] if said is None else said.metrics
    return [(each.name, each.estimated, each.value, each.reference, each.warning, each.critical) for each in told]


def rows_with_labels_due(view: View) -> int:
    """Number of rows whose labels a check looks at."""
    window = with_labels(view.spec, view.collector, Window(pa.table({}), NOW, NOW), NOW)
    return window.labelled.answers.num_rows if window.labelled is not None else -1


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


def own_checks(view: View) -> Any:
    """What is found, and what the process is told, of checks of one's own whose function answers 0.5."""
    spec = view.spec
    now = datetime(2026, 1, 1, tzinfo=UTC)
    told: list[Any] = []

    def perform(checks: Sequence[CustomCheck], sides: Sides) -> dict[str, Number]:
        told.extend((described(check), check.timeout_seconds) for check in checks)
        return {check.name: Number(0.5) for check in checks}

    data = _table(1, 0.0)
    status = ReferenceStatus(storage_uri="s3://a/b", sha256="ab", rows=data.num_rows, time=now)
    known, window = Reference(data, status, "spec.reference"), Window(data, now, now)
    outcome = check(spec, window, known, title="", now=now, draw=False, custom=perform)
    found = [(each.column, each.check, each.threshold, each.severity) for each in outcome.violations]
    return outcome.conclusion.verdict, found, told


def divided(view: View) -> Any:
    """What the check says of segments, and how it weighs the columns."""
    return _divided(view.spec.model_dump_json())


@functools.cache
def _divided(spec_json: str) -> Any:
    spec = DriftMonitorSpec.model_validate_json(spec_json)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    data = _faultless()
    sizes = [["small", "large", "large", "huge"][row % 4] for row in range(data.num_rows)]
    data = data.append_column("size", [sizes])
    status = ReferenceStatus(storage_uri="s3://a/b", sha256="ab", rows=data.num_rows, time=now)
    outcome = check(
        spec, Window(data, now, now), Reference(data, status, "spec.reference"), title="", now=now, draw=False
    )
    segments = [(each.column, each.value, each.verdict) for each in outcome.segments.results]
    return segments, [(each.name, each.importance) for each in outcome.columns]


def weighed(view: View) -> Any:
    """The importances that a check finds of two features, of a model that adds them up."""
    return _weighed(view.spec.model_dump_json())


@functools.cache
def _weighed(spec_json: str) -> Any:
    randomness = random.Random(5)
    rows = pa.table({name: [randomness.gauss(0, 1) for _ in range(1000)] for name in "ab"})
    with TemporaryDirectory() as folder:
        model = linear(FilePath(folder) / "linear.onnx", [2.0, 1.0])
        return weigher(model=str(model))(DriftMonitorSpec.model_validate_json(spec_json), rows)


def beyond(view: View) -> Any:
    """What the check says of the columns together and of changes within the window."""
    return _beyond(view.spec.model_dump_json())


@functools.cache
def _beyond(spec_json: str) -> Any:
    spec = DriftMonitorSpec.model_validate_json(spec_json)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    randomness = random.Random(4)
    first, second, third = ([randomness.gauss(0, 1) for _ in range(_ROWS)] for _ in range(3))
    data = pa.table({"a": first, "b": [value / 10 + same for value, same in zip(second, first, strict=True)]})
    window = pa.table({"a": [value + 2 * (row >= _ROWS // 2) for row, value in enumerate(second)], "b": third})
    status = ReferenceStatus(storage_uri="s3://a/b", sha256="ab", rows=_ROWS, time=now)
    reference = Reference(data, status, "spec.reference")
    outcome = check(spec, Window(window, now, now), reference, title="", now=now, draw=False)
    names = ("multivariate_drift_check", "sequential_drift_check")
    return outcome.further.together, [
        (each.column, each.message, each.threshold, each.severity) for each in outcome.violations if each.check in names
    ]


def tracked(view: View) -> Any:
    """What a check asks MLflow first, of a server that refuses everything."""
    asked: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(500)

        def log_message(self, *arguments: Any) -> None:
            pass

    data, now = _table(1, 0.0), datetime(2026, 1, 1, tzinfo=UTC)
    known = Reference(data, ReferenceStatus(rows=data.num_rows, time=now), "spec.reference")
    outcome = check(view.spec, Window(data, now, now), known, title="", now=now, draw=False)
    with HTTPServer(("127.0.0.1", 0), Refusing) as server, TemporaryDirectory() as secret:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        FilePath(secret, "MLFLOW_TRACKING_URI").write_text(f"http://127.0.0.1:{server.server_port}")
        settings = Settings("a", "b", "http://collector", "token", mlflow_credentials=FilePath(secret))
        run._tracked(view.spec, settings, outcome, check_result(outcome))
        server.shutdown()
    return asked


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
_MOUNTED: Spec = {"reference": {"storageUri": "configmap://a/r.csv"}}
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


def _skew(name: str, first: Any, second: Any, shows: Shows = skewed, **rest: Any) -> Case:
    """A field of the comparison with the training's rows."""
    whole = {"storageUri": "configmap://a/r.csv", "idColumn": "id", **rest}
    return Case(f"checks.skew.{name}", (whole | {name: first}, whole | {name: second}), shows, "checks.skew")


def _since(hours: int) -> Spec:
    """A captured reference of rows since so many hours ago."""
    return {"captureRows": 20, "captureSince": f"{NOW - timedelta(hours=hours):%FT%TZ}"}


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


def _own(name: str, first: Any, second: Any, shows: Shows = own_checks, **rest: Any) -> Case:
    """A field of a check of one's own."""
    leaf = f"{name}.*" if name == "parameters" else name
    path, whole = "checks.custom", {"name": "a", "entryPoint": "a:b", "warning": 0.1, "critical": 0.2, **rest}
    if "evidentlyMetric" in (name, *rest):
        del whole["entryPoint"]
    return Case(f"{path}.[].{leaf}", ([whole | {name: first}], [whole | {name: second}]), shows, path, _FEW)


def _beyond_columns() -> list[Case]:
    """How the columns together and the rows in the order of time are looked at."""
    values = {
        "multivariate": {
            "methods.[]": ({"methods": ["DomainClassifier"]}, {"methods": ["Reconstruction"]}),
            "warning": (_levels(0.7, 1), _levels(0.6, 1)),
            "critical": (_levels(0.55, 0.6), _levels(0.55, 0.7)),
        },
        "sequential": {
            "methods.[]": ({"methods": ["ADWIN"]}, {"methods": ["PageHinkley"]}),
            "warning": (_levels(0.3, 1), _levels(0.2, 1)),
            "critical": (_levels(0.02, 0.15), _levels(0.02, 0.25)),
        },
    }
    return [
        Case(f"checks.{part}.{name}", both, beyond, f"checks.{part}")
        for part, fields in values.items()
        for name, both in fields.items()
    ]


_ASKED: Spec = {
    "checks": {"performance": {"targetColumn": "y"}, "prediction": {"column": "said", "scoreColumn": "sure"}}
}


def _performance(name: str, first: Any, second: Any, at: str = "", shows: Shows = performed) -> Case:
    path = "checks.performance"
    return Case(f"{path}.{name}", (first, second), shows, f"{path}.{at}" if at else "", _ASKED)


def _metrics(name: str, first: Spec, second: Spec) -> Case:
    metrics = [{"name": "recall"} | first], [{"name": "recall"} | second]
    return _performance(f"metrics.[].{name}", *metrics, at="metrics")


def _ignored(name: str, first: Spec, second: Spec) -> Case:
    path = "checks.quality.ignore"
    return Case(
        f"{path}.[].{name}", ([{"column": "colour"} | first], [{"column": "colour"} | second]), violations, path
    )


def _segmented(name: str, first: Spec, second: Spec) -> Case:
    path = "checks.segments"
    segments = ([{"column": "colour"} | first], [{"column": "colour"} | second])
    return Case(f"{path}.[].{name}", segments, divided, path, _FEW)


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
_SKEW_FILE = child("CronJob", "-check", f"{CHECK_POD}/volumes/name=skew/configMap/name")
_SKEW_KEYS = child("CronJob", "-check", f"{CHECK_POD}/volumes/name=skew-credentials/secret/secretName")
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
    Case("model.importances.*", ({"gap": 1.0}, {"gap": 1.0, "far": 3.0}), divided, "model.importances"),
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
    Case("logging.scores", ("All", "Predicted"), server_file("scores")),
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
    Case("reference.sha256", ("ab" * 32, "cd" * 32), file_read, beside=_MOUNTED),
    Case("reference.captureRows", ({"captureRows": 60}, {"captureRows": 40}), captured, "reference", _ONE_ROW),
    Case("reference.captureSince", (_since(2), _since(1)), captured, "reference", _ONE_ROW),
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
    *_beyond_columns(),
    _segmented("column", {}, {"column": "size"}),
    _segmented("values.[]", {"values": ["a"]}, {"values": ["b"]}),
    _segmented("maxValues", {"maxValues": 1}, {"maxValues": 2}),
    _segmented("minRows", {"minRows": 501}, {"minRows": 500}),
    _performance("labelDelay", "150m", "170m", shows=rows_with_labels_due),
    _performance("minLabels", 1000, 120),
    _performance("targetColumn", "z", "w"),
    _performance("positiveClass", "no", "yes"),
    _performance("estimate", False, True),
    _performance("drop.warning", _levels(0.3, 0.9), _levels(0.4, 0.9), at="drop"),
    _performance("drop.critical", _levels(0.3, 0.8), _levels(0.3, 0.9), at="drop"),
    _metrics("name", {}, {"name": "f1"}),
    _metrics("drop.warning", {"drop": _levels(0.3, 0.9)}, {"drop": _levels(0.4, 0.9)}),
    _metrics("drop.critical", {"drop": _levels(0.3, 0.8)}, {"drop": _levels(0.3, 0.9)}),
    _metrics("minimum", {"minimum": 0.9}, {"minimum": 0.95}),
    _metrics("maximum", {"name": "log_loss", "maximum": 0.1}, {"name": "log_loss", "maximum": 0.2}),
    Case("checks.outliers.maxShare", (0.3, 0.6), predicted),
    Case("checks.prediction.column", ("few", "many"), predicted),
    Case("checks.prediction.scoreColumn", ("low", "high"), predicted),
    Case("checks.prediction.ignore", (True, False), predicted, beside=_rolling()),
    Case("checks.quality.constant", ("Critical", "Ignore"), violations),
    Case("checks.quality.rowCount.minimum", (2000, 3000), violations),
    Case("checks.quality.rowCount.maximum", (500, 600), violations),
    _ignored("column", {}, {"column": "far"}),
    _ignored("check", {"check": "categorical_values_check"}, {"check": "vanished_categories_check"}),
    _own("name", "b", "c"),
    _own("kind", "Drift", "Quality"),
    _own("entryPoint", "c:d", "e.f:g"),
    _own("sourceConfigMap", "first", "second", child("CronJob", "-check", f"{CHECK_POD}/volumes")),
    _own("format", "Arrow", "Pandas"),
    _own("evidentlyMetric", "MeanValue", "StdValue"),
    _own("result", "share", "count", evidentlyMetric="MissingValueCount"),
    _own("parameters", {"column": "a"}, {"column": "0.5"}),
    _own("warning", 0.05, 0.15, critical=0.9),
    _own("critical", 0.3, 0.4),
    _own("direction", "Above", "Below", warning=0.4, critical=0.4),
    _own("timeoutSeconds", 3, 4),
    Case(
        "checks.importances.rows",
        ({"rows": 200}, {"rows": 300}),
        weighed,
        "checks.importances",
        {"model": {"features": [{"name": name, "type": "Numerical"} for name in "ab"]}},
    ),
    _skew("storageUri", "configmap://a/x", "configmap://b/x", _SKEW_FILE),
    _skew("credentialsSecret", "a", "b", _SKEW_KEYS, storageUri="s3://models/r.csv"),
    _skew("sha256", "ab" * 32, "cd" * 32, training_read),
    _skew("idColumn", "other", "id"),
    _skew("feature", "key", "nothing"),
    _skew("tolerance", 0.02, 0.001),
    _skew("warning", 0.2, 0.3, critical=0.9, tolerance=0.02),
    _skew("critical", 0.8, 0.4, warning=0.01, tolerance=0.02),
    _skew("minRows", 101, 102),
    Case(
        "checks.mlflow.experiment",
        ({"experiment": "a", "credentialsSecret": "s"}, {"experiment": "b", "credentialsSecret": "s"}),
        tracked,
        "checks.mlflow",
        _FEW,
    ),
    Case(
        "checks.mlflow.credentialsSecret",
        ({"experiment": "a", "credentialsSecret": "first"}, {"experiment": "a", "credentialsSecret": "second"}),
        child("CronJob", "-check", f"{CHECK_POD}/volumes/name=mlflow/secret/secretName"),
        "checks.mlflow",
    ),
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
