"""Drift of one segment is told where the whole does not show it; a segment with too few rows never reads as stable."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, DriftMonitorStatus, ReferenceStatus
from driftmonitor_api.v1alpha1.segments import MAX_DISPARITIES, MAX_STATUS_SEGMENTS, Segments
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.cleaning import ColumnFaultError
from driftmonitor_check.console import rendered
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.facts import check_result, drift_report, status_facts
from driftmonitor_check.performance.rows import of_current, without_answers
from driftmonitor_check.segments import selection

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def rows(seed: int, number: int = 8000, *, moved: str = "", by: float = 1.0) -> pa.Table:
    """Rows of four regions, the first of which is an eighth; `x` of one of them is larger."""
    random = np.random.default_rng(seed)
    region = random.choice(["north", "south", "east", "west"], number, p=[0.125, 0.275, 0.3, 0.3])
    x = random.normal(size=number) + by * (region == moved)
    return pa.table({"region": region, "x": x, "y": random.normal(size=number)})


def spec_of(*segments: dict[str, Any], **checks: Any) -> DriftMonitorSpec:
    return DriftMonitorSpec.model_validate(
        {
            "model": {"storageUri": "configmap://models/model.onnx"},
            "reference": {"storageUri": "configmap://models/reference.csv"},
            "checks": {"schedule": "@daily", "segments": list(segments), **checks},
        }
    )


def checked(spec: DriftMonitorSpec, window: pa.Table, reference: pa.Table) -> Outcome:
    status = ReferenceStatus(storage_uri="r", sha256="ab", rows=reference.num_rows, time=NOW)
    return check(spec, Window(window, NOW, NOW), Reference(reference, status, "r"), title="", now=NOW, draw=False)


def test_drift_of_one_segment_that_the_whole_does_not_show_is_drift() -> None:
    window, reference = rows(1, moved="north", by=0.6), rows(2)
    assert checked(spec_of(), window, reference).conclusion.verdict == "NoDrift"
    outcome = checked(spec_of({"column": "region"}), window, reference)
    assert outcome.conclusion.verdict == "DriftDetected"
    (found,) = [each for each in outcome.violations if each.check == "segment_drift_check"]
    assert (found.column, found.severity, found.value, found.threshold) == ("region", "Critical", 0.5, 0.01)
    assert "'north'" in found.message and "x (psi_quantile" in found.message
    worst, *others = outcome.segments.results
    assert (worst.value, worst.verdict, worst.drifted) == ("north", "DriftDetected", "1/2")
    assert [each.verdict for each in others] == ["NoDrift"] * 3
    (disparity,) = outcome.segments.disparities
    assert (disparity.metric, disparity.value, disparity.highest) == ("driftShare", 0.5, "north")
    assert disparity.lowest != "north"


def test_what_the_whole_shows_too_is_told_once() -> None:
    window = rows(1)
    window = window.set_column(1, "x", pa.array(window["x"].to_numpy() + 1))
    outcome = checked(spec_of({"column": "region"}), window, rows(2))
    assert {each.verdict for each in outcome.segments.results} == {"DriftDetected"}
    assert [each for each in outcome.violations if each.check == "segment_drift_check"] == []


def test_a_segment_with_too_few_rows_says_so_and_is_no_part_of_the_disparity() -> None:
    outcome = checked(spec_of({"column": "region", "minRows": 1500}), rows(1, moved="north"), rows(2))
    verdicts = {each.value: each.verdict for each in outcome.segments.results}
    assert verdicts.pop("north") == "InsufficientData"
    assert set(verdicts.values()) == {"NoDrift"}
    assert "Segments with too few rows to compare: region = north" in outcome.conclusion.message
    assert "north" not in {outcome.segments.disparities[0].highest, outcome.segments.disparities[0].lowest}


def test_a_value_that_the_reference_has_not_cannot_be_compared() -> None:
    window = rows(1)
    new = pa.array(["new"] * 2000 + window["region"].to_pylist()[2000:])
    outcome = checked(spec_of({"column": "region"}), window.set_column(0, "region", new), rows(2))
    (found,) = [each for each in outcome.segments.results if each.value == "new"]
    assert (found.verdict, found.rows, found.reference_rows) == ("InsufficientData", 2000, 0)


def test_values_are_the_segments_in_any_spelling_of_a_number() -> None:
    codes = pa.table({"code": [1.0, 2.0, 2.0, 3.0] * 100, "x": list(range(400))})
    named = selection.select(
        Segments(column="code", values=["2.0", "1", "true", "9"]), codes, codes.slice(0, 200), min_rows=10
    )
    assert [(each.value, each.window_rows, each.reference_rows) for each in named] == [
        ("2", 200, 100),
        ("1", 100, 50),
        ("1", 100, 50),
        ("9", 0, 0),
    ]


def test_the_commonest_values_of_both_sides_are_the_segments() -> None:
    reference = pa.table({"c": ["a"] * 6 + ["b"] * 3 + ["c"]})
    window = pa.table({"c": ["d"] * 5 + ["c"] * 4 + ["a"] + [None] * 5})
    found = selection.select(Segments(column="c", max_values=3), window, reference, min_rows=1)
    assert [each.value for each in found] == ["a", "c", "d"]  # 0.7, 0.5, and 0.5
    assert list(found[1].window) == [5, 6, 7, 8] and list(found[1].reference) == [9]


def test_booleans_are_segments_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, read = pa.table({"b": [1.0, 0.0, 1.0]}), pa.table({"b": [True, False, True]})
    found = selection.select(Segments(column="b", values=["true"]), stored, read, min_rows=1, type_="Boolean")
    assert [(each.value, list(each.window), list(each.reference)) for each in found] == [("true", [0, 2], [0, 2])]


def test_of_a_large_segment_the_same_sample_is_compared_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MAX_ROWS", 700)
    window, reference = rows(1, moved="north", by=2.0), rows(2)
    first, second = (checked(spec_of({"column": "region"}), window, reference) for _ in range(2))
    assert first.segments == second.segments
    assert first.segments.results[0].rows == sum(value == "north" for value in window["region"].to_pylist())
    assert "more than 700 rows a sample of so many was compared" in first.conclusion.message


def test_a_column_that_is_not_there_is_not_looked_at_and_that_is_said() -> None:
    spec = spec_of({"column": "colour"}, {"column": "region"})
    outcome = checked(spec, rows(1), rows(2))
    assert "Segments by colour were not looked at: the reference has no such column." in outcome.conclusion.message
    assert {each.column for each in outcome.segments.results} == {"region"}
    with pytest.raises(ColumnFaultError, match="no such column"):
        selection.select(Segments(column="colour"), rows(1), rows(2), min_rows=1)


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([{"column": "x"}, {"column": "x"}], r"checks.segments\[1\].column: x is there twice"),
        ([{"column": "x", "values": ["a"], "maxValues": 3}], r"segments\[0\]: set values or maxValues, not both"),
        ([{"column": "x", "minRows": 900_000}], r"segments\[0\].minRows: 900000 rows can never be reached"),
    ],
)
def test_segments_that_cannot_be_are_refused(segments: list[dict[str, Any]], message: str) -> None:
    outcome = checked(spec_of(*segments), rows(1, 600), rows(2, 600))
    assert outcome.conclusion.verdict == "CheckFailed"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(outcome.conclusion.message)


@pytest.mark.parametrize("method", ["ks", "wasserstein", "jensenshannon"])
def test_every_method_is_corrected_for_the_number_of_segments(method: str) -> None:
    drift = {"numerical": {"method": method}, "categorical": {"method": "jensenshannon"}}
    many = {"column": "k", "maxValues": 20, "minRows": 50}
    random = np.random.default_rng(9)

    def made(number: int) -> pa.Table:
        k = random.permutation(np.arange(number) % 20).astype(str)
        return pa.table({"k": k, **{name: random.normal(size=number) for name in "abcdef"}})

    outcome = checked(spec_of(many, drift=drift), made(2000), made(2000))
    assert len(outcome.segments.results) == 20
    assert [each.verdict for each in outcome.segments.results] == ["NoDrift"] * 20


def test_the_status_has_the_worst_segments_and_the_report_all() -> None:
    random = np.random.default_rng(3)
    columns = {"k": random.integers(0, 20, 4000).astype(str), "j": random.integers(0, 20, 4000).astype(str)}
    window = pa.table(columns | {"x": random.normal(size=4000)})
    spec = spec_of({"column": "k", "maxValues": 20}, {"column": "j", "maxValues": 20})
    outcome = checked(spec, window, window)
    result = check_result(outcome)
    assert len(drift_report("a/b", outcome, result).segments) == 40
    facts = status_facts(outcome, result, DriftMonitorStatus())
    assert len(facts["segments"]) == MAX_STATUS_SEGMENTS
    assert facts["segments"][0]["verdict"] == "InsufficientData"
    assert "segments" not in status_facts(checked(spec_of(), window, window), result, DriftMonitorStatus())


def test_windows_without_drift_have_no_segment_with_drift() -> None:
    told = 0
    for seed in range(8):
        random = np.random.default_rng([5, seed])

        def made(random: np.random.Generator = random) -> pa.Table:
            region = random.permutation(np.arange(4000) % 8).astype(str)
            return pa.table({"region": region, **{name: random.normal(size=4000) for name in "abcd"}})

        outcome = checked(spec_of({"column": "region"}), made(), made())
        told += any(each.check == "segment_drift_check" for each in outcome.violations)
    assert told == 0


PERFORMANCE = {"performance": {"targetColumn": "truth", "minLabels": 200}, "prediction": {"column": "said"}}


def labelled(kind: str, number: int = 8000) -> pa.Table:
    """Rows of four regions with predictions and labels, which are worse in the north: two in five against one in ten
    are wrong, or the errors are three times as large."""
    table, random = rows(1, number), np.random.default_rng(7)
    north = table["region"].to_numpy() == "north"
    if kind == "classes":
        truth = random.integers(0, 2, number)
        said = np.where(random.random(number) < np.where(north, 0.4, 0.1), 1 - truth, truth)
        told = [pa.array(np.where(side == 1, "yes", "no")) for side in (truth, said)]
    else:
        truth = random.normal(size=number)
        told = [pa.array(truth), pa.array(truth + random.normal(size=number) * np.where(north, 3.0, 1.0))]
    return table.append_column("truth", told[0]).append_column("said", told[1])


def unlike(table: pa.Table, *segments: dict[str, Any], **checks: Any) -> Outcome:
    spec = spec_of(*(segments or [{"column": "region"}]), **(PERFORMANCE | checks))
    status = ReferenceStatus(storage_uri="r", sha256="ab", rows=table.num_rows, time=NOW)
    window = Window(without_answers(spec, table), NOW, NOW, labelled=of_current(spec, table))
    return check(spec, window, Reference(rows(2), status, "r"), title="", now=NOW, draw=False)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("classes", {"accuracy": (0.3, "lowest"), "recall": (0.3, "lowest")}),
        ("values", {"mae": (2 * (2 / np.pi) ** 0.5, "highest"), "rmse": (2.0, "highest")}),
    ],
)
def test_how_unlike_the_performance_of_segments_is_is_told_by_their_labels(
    kind: str, expected: dict[str, tuple[float, str]]
) -> None:
    outcome = unlike(labelled(kind))
    said = {each.metric: each for each in outcome.segments.disparities}
    for metric, (difference, end) in expected.items():
        found = said[metric]  # type: ignore[index]
        assert found.standard_error is not None and 0 < found.standard_error < 0.1
        assert abs(found.value - difference) < 4 * found.standard_error
        assert getattr(found, end) == "north"
    assert outcome.segments.disparities[0].metric == "driftShare"
    assert not [each for each in outcome.violations if each.check == "segment_drift_check"]
    result = check_result(outcome)
    facts = status_facts(outcome, result, DriftMonitorStatus())
    assert len(facts["segmentDisparities"]) == len(said) <= MAX_DISPARITIES
    assert any(line.split()[:2] == ["region", metric] for line in rendered(result, outcome).splitlines())


def test_the_metric_of_each_segment_is_that_of_its_labelled_rows() -> None:
    table = labelled("classes")
    truth = [None if row % 3 == 0 else value for row, value in enumerate(table["truth"].to_pylist())]
    table = table.set_column(table.column_names.index("truth"), "truth", pa.array(truth))
    shares = {}
    for name in ("north", "south", "east", "west"):
        pairs = [
            (each["truth"], each["said"]) for each in table.to_pylist() if each["region"] == name and each["truth"]
        ]
        shares[name] = float(np.mean([truth == said for truth, said in pairs]))
    (found,) = [each for each in unlike(table).segments.disparities if each.metric == "accuracy"]
    assert found.value == pytest.approx(max(shares.values()) - min(shares.values()), abs=1e-12)
    assert (found.highest, found.lowest) == (max(shares, key=shares.__getitem__), "north")


def test_only_metrics_that_are_judged_and_segments_with_labels_enough_are_compared() -> None:
    table, least = labelled("classes"), 1500  # the north has about 1000
    outcome = unlike(table, performance={"targetColumn": "truth", "minLabels": least, "metrics": [{"name": "f1"}]})
    assert [each.metric for each in outcome.segments.disparities] == ["driftShare", "f1"]
    assert "north" not in (outcome.segments.disparities[1].highest, outcome.segments.disparities[1].lowest)
    few = unlike(table, performance={"targetColumn": "truth", "minLabels": 7000})
    assert [each.metric for each in few.segments.disparities] == ["driftShare"]
    assert [each.metric for each in checked(spec_of({"column": "region"}), rows(1), rows(2)).segments.disparities] == [
        "driftShare"
    ]


def test_labels_that_cannot_be_sorted_into_segments_are_told_and_end_no_check() -> None:
    table = labelled("classes")
    spec = spec_of({"column": "region"}, **PERFORMANCE)
    broken = of_current(spec, table.drop_columns("region"))
    status = ReferenceStatus(storage_uri="r", sha256="ab", rows=8000, time=NOW)
    window = Window(without_answers(spec, table), NOW, NOW, labelled=broken)
    outcome = check(spec, window, Reference(rows(2), status, "r"), title="", now=NOW, draw=False)
    assert outcome.conclusion.verdict == "NoDrift"
    told = "Labels of segments by region were not looked at: the window has no such column."
    assert told in outcome.conclusion.message
