"""Answers to requests: the check's own verdict over the rows."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftmonitor_api.config import ValidationConfig
from driftmonitor_api.reports import DriftReport
from driftmonitor_api.v1alpha1 import DriftMonitor, DriftMonitorSpec, ReferenceStatus
from driftmonitor_api.v1alpha1.shifts import PredictionDrift
from driftmonitor_check.check import check
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.facts import check_result, drift_report
from driftmonitor_check.performance.rows import without_labels
from driftmonitor_check.validation.answering import LEFT_OUT, answer, reference_columns, validate
from driftmonitor_check.validation.documentation import example_answer, examples, openapi, page

FEATURES = {"distance": "Numerical", "delay": "Numerical", "origin": "Categorical", "weekend": "Categorical"}
MONITOR = "airport/flights"


def configured(spec: DriftMonitorSpec) -> ValidationConfig:
    metadata = {"name": "flights", "namespace": "airport"}
    return ValidationConfig.of(DriftMonitor.model_validate({"metadata": metadata, "spec": spec.model_dump()}))


def reference_of(table: pa.Table, now: datetime) -> Reference:
    status = ReferenceStatus(storage_uri="s3://a/b", sha256="ab", rows=table.num_rows, time=now)
    return Reference(table, status, "spec.reference.storageUri: s3://a/b")


def lines(table: pa.Table) -> bytes:
    return "\n".join(json.dumps({"features": row}) for row in table.to_pylist()).encode()


@pytest.mark.parametrize("shift", [0.0, 0.25, 2.0])
def test_the_report_is_the_checks_but_for_its_picture(
    shift: float, spec_of: Callable[..., DriftMonitorSpec], flights: Callable[..., pa.Table], now: datetime
) -> None:
    spec = spec_of(FEATURES, policy={"correction": "BenjaminiHochberg"}, numerical={"method": "ks"})
    rows, known = flights(400, seed=1, shift=shift), reference_of(flights(500, seed=2), now)
    outcome = check(spec, Window(rows, now, now), known, title="t", now=now)
    published = drift_report(MONITOR, outcome, check_result(outcome))
    assert validate(configured(spec), known, lines(rows), "", now) == published
    assert published.columns and outcome.html
    assert check(spec, Window(rows, now, now), known, title="t", now=now, draw=False) == replace(
        outcome, html=None, snapshot=None
    )


def test_predictions_are_compared_as_in_a_check(
    spec_of: Callable[..., DriftMonitorSpec], flights: Callable[..., pa.Table], now: datetime
) -> None:
    spec = spec_of(FEATURES)
    checks = spec.checks.model_copy(update={"prediction": PredictionDrift(column="late")})
    config = configured(spec.model_copy(update={"checks": checks}))
    assert reference_columns(config)[0] == [*FEATURES, "late"]
    known = reference_of(flights(500, seed=2).append_column("late", [["yes", "no"] * 250]), now)
    rows = flights(400, seed=1).to_pylist()

    def judged(likely: str) -> DriftReport:
        labels = ["yes", "no", likely, likely]
        records = [
            {"features": row, "prediction": {"label": labels[place % 4]}, "outlier": {"flag": place % 2 == 0}}
            for place, row in enumerate(rows)
        ]
        return validate(config, known, "\n".join(map(json.dumps, records)).encode(), "", now)

    moved = judged("yes")
    assert moved.check.verdict == "DriftDetected"
    assert "baseline_drift_check" in {fault.check for fault in moved.violations if fault.column == "prediction.label"}
    assert ("(rows)", "outlier_share_check") in {(fault.column, fault.check) for fault in moved.violations}
    assert {column.name: column.severity for column in moved.columns}["prediction.label"] == "DriftDetected"


ANALYSES: dict[str, Any] = {
    "segments": [{"column": "origin", "minRows": 50}],
    "multivariate": {},
    "sequential": {},
    "prediction": {"column": "said", "scoreColumn": "sure"},
    "performance": {"targetColumn": "late"},
}


def asking(spec: DriftMonitorSpec, **checks: Any) -> DriftMonitorSpec:
    body = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    body["model"]["importances"] = {"distance": 3, "delay": 1}
    body["checks"] |= checks
    return DriftMonitorSpec.model_validate(body)


def predicted(rows: pa.Table, likely: float) -> dict[str, list[Any]]:
    """What a model says of rows: the longer a delay, the surer that they are late."""
    scores = [min(0.99, likely + each / 200) for each in rows["delay"].to_pylist()]
    return {"label": ["yes" if score > 0.5 else "no" for score in scores],
            "score": [max(score, 1 - score) for score in scores]}  # fmt: skip


def test_whatever_the_rows_tell_is_looked_at_as_in_a_check(
    spec_of: Callable[..., DriftMonitorSpec], flights: Callable[..., pa.Table], now: datetime
) -> None:
    spec = asking(spec_of(FEATURES), **ANALYSES)
    table = flights(800, seed=2)
    before = predicted(table, 0.4)
    late = [label if place % 10 else "yes" for place, label in enumerate(before["label"])]
    file = table.append_column("said", [before["label"]]).append_column("sure", [before["score"]])
    known = reference_of(file.append_column("late", [late]), now)
    # From the middle on the delays are longer, and at one airport the distances.
    rows = flights(600, seed=1).to_pylist()
    for place, row in enumerate(rows):
        row["delay"] += 10 * (place >= 300)
        row["distance"] += 250 * (row["origin"] == "EWR")
    said = predicted(pa.Table.from_pylist(rows), 0.4)
    times = [now - timedelta(seconds=600 - place) for place in range(600)]
    records = [
        {"features": row, "prediction": {"label": label, "score": score}, "timestamp": time.isoformat()}
        for row, label, score, time in zip(rows, said["label"], said["score"], times, strict=True)
    ]
    found = validate(configured(spec), known, json.dumps(records).encode(), "", now)
    answers = {"prediction.label": said["label"], "prediction.score": said["score"]}
    window = Window(
        pa.Table.from_pylist([row | {"weekend": float(row["weekend"])} for row in rows]),
        times[0],
        times[-1],
        outputs=pa.table(answers),
        labelled=without_labels("rows that are sent have no labels, so metrics are estimates"),
        times=pa.chunked_array([pa.array(times, pa.timestamp("us", "UTC"))]),
    )
    outcome = check(spec, window, known, title="", now=now, draw=False)
    assert found == drift_report(MONITOR, outcome, check_result(outcome))
    onset = next(each.onset for each in found.violations if each.check == "sequential_drift_check")
    assert onset is not None and abs(onset - times[300]) < timedelta(seconds=60)
    assert found.multivariate is not None and found.multivariate.rows == 600
    assert {each.value for each in found.segments} == {"EWR", "JFK", "LGA"}
    assert found.performance is not None and {each.estimated for each in found.performance.metrics} == {True}
    assert "Rows that are sent have no labels, so metrics are estimates." in found.performance.message
    assert any(column.impact for column in found.columns)
    assert "Not looked at on request" not in found.check.message


def test_what_only_the_checks_look_at_is_named_with_the_reason(
    spec_of: Callable[..., DriftMonitorSpec], flights: Callable[..., pa.Table], now: datetime
) -> None:
    own = {"name": "own", "entryPoint": "own:check", "warning": 1, "critical": 2}
    spec = asking(spec_of(FEATURES), custom=[own], skew={"storageUri": "pvc://a/b", "idColumn": "id"})
    config, known = configured(spec), reference_of(flights(500, seed=2), now)
    found = validate(config, known, lines(flights(200, seed=1)), "", now)
    assert found.check.message.endswith(
        "Not looked at on request: checks.custom (its code runs in the checks alone); "
        "checks.skew (the training's rows are read in the checks alone)."
    )
    assert "training_serving_skew_check" not in {fault.check for fault in found.violations}
    assert "checks.importances (" not in found.check.message
    few = validate(config, known, lines(flights(5, seed=1)), "", now)
    assert "on request" not in few.check.message
    permuted = asking(spec, importances={})
    permuted = permuted.model_copy(update={"model": permuted.model.model_copy(update={"importances": {}})})
    found = validate(configured(permuted), known, lines(flights(200, seed=1)), "", now)
    assert "checks.importances (the model is read in the checks alone)" in found.check.message
    assert set(LEFT_OUT) == set(get_args(get_args(ValidationConfig.model_fields["left_out"].annotation)[0]))


def test_too_few_rows_are_insufficient_data_and_never_no_drift(
    spec_of: Callable[..., DriftMonitorSpec], flights: Callable[..., pa.Table], now: datetime
) -> None:
    config, known = configured(spec_of(FEATURES)), reference_of(flights(500, seed=2), now)
    for rows in (0, 1, 99):
        said = answer(config, known, lines(flights(rows, seed=1)), "", now)
        assert (said.status, said.verdict, said.rows) == (200, "InsufficientData", rows)
        assert DriftReport.model_validate_json(said.content).check.drift_share is None
    assert answer(config, known, lines(flights(100, seed=1)), "", now).verdict == "NoDrift"


def test_a_reference_without_the_features_is_a_missing_one(
    spec_of: Callable[..., DriftMonitorSpec], flights: Callable[..., pa.Table], now: datetime
) -> None:
    known = reference_of(pa.table({"other": [1.0] * 500}), now)
    said = answer(configured(spec_of(FEATURES)), known, lines(flights(200, seed=1)), "", now)
    assert (said.status, said.verdict) == (200, "ReferenceMissing")


def test_without_declared_features_flat_records_have_those_of_the_reference(
    spec_of: Callable[..., DriftMonitorSpec], now: datetime
) -> None:
    config = configured(spec_of(window={"minRows": 2}))
    known = reference_of(pa.table({"a": [1.0, 2.0, 3.0]}), now)
    body = json.dumps([{"a": 1.0, "label": "x", "timestamp": 5, "request_id": "r"}] * 2).encode()
    report = validate(config, known, body, "", now)
    assert [column.name for column in report.columns] == ["a"]
    # Features that a record calls so are compared, whether the reference has them or not, as the check does.
    body = json.dumps([{"features": {"a": 1.0, "label": "x"}}] * 2).encode()
    assert [fault.column for fault in validate(config, known, body, "", now).violations] == ["label"]


def test_redacted_features_are_neither_kept_nor_compared(
    spec_of: Callable[..., DriftMonitorSpec], flights: Callable[..., pa.Table], now: datetime
) -> None:
    config = configured(spec_of(FEATURES, redact={"drop": ["origin"]}))
    assert reference_columns(config) == (["distance", "delay", "weekend"], {"origin", "weekend"})
    known = reference_of(flights(500, seed=2), now)
    report = validate(config, known, lines(flights(200, seed=1)), "", now)
    assert {column.name for column in report.columns} == {"distance", "delay", "weekend"}
    assert "by spec.logging.redact: origin" in report.check.message


@pytest.mark.parametrize(
    ("body", "encoding", "status", "said"),
    [
        (b"[1]", "", 422, {"row": 0}),
        (b'[{"features": {"delay": []}}]', "", 422, {"row": 0, "field": "features.delay"}),
        (b"[]", "br", 415, {}),
        (b"[]", "gzip", 400, {}),
    ],
)
def test_a_refusal_says_why_and_where(
    body: bytes,
    encoding: str,
    status: int,
    said: dict[str, Any],
    spec_of: Callable[..., DriftMonitorSpec],
    now: datetime,
) -> None:
    refused = answer(configured(spec_of(FEATURES)), reference_of(pa.table({}), now), body, encoding, now)
    content = json.loads(refused.content)
    assert (refused.status, refused.verdict) == (status, "")
    assert content.pop("error")
    assert content == said


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_NAMES = st.sampled_from(["features", "payload", "input_array", "timestamp", "delay", "origin", "x"])
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12
)


@settings(deadline=None)
@given(st.lists(_JSON, max_size=4))
def test_whatever_is_sent_is_judged_or_refused(
    spec_of: Callable[..., DriftMonitorSpec], now: datetime, sent: list[Any]
) -> None:
    spec = spec_of(FEATURES)
    found = answer(configured(spec), reference_of(pa.table({"delay": [1.0]}), now), json.dumps(sent).encode(), "", now)
    assert found.status in (200, 413, 422)
    assert found.verdict in (("InsufficientData",) if found.status == 200 else ("",))


@pytest.mark.parametrize("features", [FEATURES, None])
def test_every_example_is_answered_as_the_description_says(
    features: dict[str, str] | None,
    spec_of: Callable[..., DriftMonitorSpec],
    flights: Callable[..., pa.Table],
    now: datetime,
) -> None:
    config, table = configured(spec_of(features)), flights(500, seed=2)
    known = reference_of(table if features else table.append_column("alcohol", table["delay"]), now)
    shown = openapi(config)["paths"]["/validation"]["post"]
    expected = example_answer(config)
    assert expected is not None
    content = shown["responses"]["200"]["content"]["application/json"]
    assert DriftReport.model_validate(content["example"]) == expected
    for name, example in examples(config).items():
        report = validate(config, known, json.dumps(example["value"]).encode(), "", now)
        times = {name: getattr(report.check, name) for name in ("time", "window_start", "window_end")}
        assert report.check == expected.check.model_copy(update=times), name
    assert len(examples(config)) == (6 if features else 4)


def test_a_monitor_for_which_one_row_is_enough_has_no_example_of_an_answer(
    spec_of: Callable[..., DriftMonitorSpec],
) -> None:
    config = configured(spec_of(FEATURES, window={"minRows": 1}))
    assert example_answer(config) is None
    assert "Answer to the first" not in page(openapi(config))


def test_the_page_holds_nothing_from_elsewhere_and_shows_names_as_text(
    spec_of: Callable[..., DriftMonitorSpec],
) -> None:
    shown = page(openapi(configured(spec_of({"<script>alert(1)</script>": "Numerical"}))))
    assert "<script" not in shown and "http" not in shown.replace("HTTP", "")
    assert "&lt;script&gt;" in shown
