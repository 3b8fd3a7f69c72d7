"""What the labels of a window say of its predictions: metrics, their thresholds, and the drift of the labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pyarrow import csv, parquet

from driftmonitor_api.v1alpha1 import DRIFT_CHECKS, MetricResult, PerformanceStatus
from driftmonitor_check.__main__ import main
from driftmonitor_check.check import Outcome
from driftmonitor_check.methods import ConfigurationError
from driftmonitor_check.performance import sides
from driftmonitor_check.performance.classes import alike, spelled
from driftmonitor_check.performance.levels import verify
from driftmonitor_check.performance.rows import class_columns, without_answers, without_labels
from tests.support.labelled import classified, file, of_three, outcome, spec_of, stored, valued


def said(found: Outcome) -> PerformanceStatus:
    assert found.performance is not None
    return found.performance


def measured(found: Outcome) -> dict[str, MetricResult]:
    return {each.name: each for each in said(found).metrics if not each.estimated}


def test_without_the_object_asking_nothing_is_said() -> None:
    spec = spec_of(checks={"performance": None})
    assert outcome(spec, stored(classified(1000, 1)), file(classified(1000, 2))).performance is None


def test_predictions_as_good_as_the_references_are_in_order() -> None:
    found = outcome(spec_of(), stored(classified(2000, 1), labelled=0.5), file(classified(2000, 2)))
    assert said(found).rows == 2000
    assert said(found).labels == pytest.approx(1000, abs=100)
    assert said(found).labelled_share == said(found).labels / 2000
    assert measured(found).keys() == {"accuracy", "precision", "recall", "f1", "roc_auc", "log_loss"}
    for each in measured(found).values():
        assert each.rows == said(found).labels
        assert each.reference is not None and each.warning is not None and each.severity is None
    assert (said(found).message, found.conclusion.verdict) == ("", "NoDrift")


def test_wrong_predictions_are_told_although_nothing_drifted() -> None:
    found = outcome(spec_of(), stored(classified(2000, 1, wrong=0.2)), file(classified(2000, 2)))
    assert {each.severity for each in measured(found).values()} == {"Critical"}
    assert said(found).metrics[0].severity == "Critical", "the worst first"
    assert found.conclusion.verdict == "NoDrift"
    assert not found.violations, "no fault of the data"


def test_a_small_loss_is_a_warning() -> None:
    found = outcome(spec_of(), stored(classified(60_000, 1, wrong=0.05)), file(classified(60_000, 2)))
    accuracy = measured(found)["accuracy"]
    assert accuracy.reference is not None and accuracy.warning is not None and accuracy.critical is not None
    assert accuracy.critical < accuracy.value < accuracy.warning < accuracy.reference
    assert accuracy.severity == "Warning"
    assert accuracy.critical == pytest.approx(0.95 * accuracy.reference)


@pytest.mark.parametrize("rows", [20, 100, 1000])
@pytest.mark.parametrize("data", [classified, of_three, valued])
def test_windows_of_the_same_data_raise_no_alarm(rows: int, data: Any) -> None:
    reference = file(data(1000, 12345))
    for seed in range(25):
        found = outcome(
            spec_of(scored=data is not valued, minLabels=20, estimate=False), stored(data(rows, seed)), reference
        )
        assert measured(found) and not [each for each in said(found).metrics if each.severity], seed


def test_a_class_that_is_hardly_ever_predicted_and_a_misspelt_label_raise_no_alarm() -> None:
    """In samples of 150 rows no row at all may be said to be of it, and the mean precision loses a third of itself."""

    def rare(rows: int, seed: int) -> dict[str, Any]:
        random = np.random.default_rng(seed)
        odds = np.exp(np.outer(random.normal(0, 1, rows), [-2.0, 0.0, 2.0]) + np.array([-3.0, 2.5, -2.0]))
        likely = odds / odds.sum(axis=1, keepdims=True)
        truth = (np.cumsum(likely, axis=1) < random.random((rows, 1))).sum(axis=1).clip(0, 2)
        words = np.array(["a", "b", "c"])
        said = {"target": words[truth], "label": words[likely.argmax(axis=1)], "score": likely.max(axis=1)}
        return {"x": np.zeros(rows), **said}

    def alarms(rows: int, seed: int, *, misspelt: bool) -> list[str]:
        window = (of_three if misspelt else rare)(rows, seed)
        window["target"][0] = "hihg" if misspelt else window["target"][0]
        reference = file((of_three if misspelt else rare)(500, 10_000 + seed))
        status = said(outcome(spec_of(minLabels=50, estimate=False), stored(window), reference))
        return [each.name for each in status.metrics if each.severity]

    assert [seed for seed in range(40) if alarms(150, seed, misspelt=False)] == []
    assert [seed for seed in range(25) if alarms(300, seed, misspelt=True)] == []
    worse = of_three(2000, 1, wrong=0.4)
    found = outcome(spec_of(minLabels=50, estimate=False), stored(worse), file(of_three(2000, 2)))
    assert {each.name for each in said(found).metrics if each.severity} >= {"precision", "recall", "f1"}


def test_eight_labels_say_nothing_even_if_all_are_wrong() -> None:
    data = classified(1000, 1)
    data["target"] = np.where(data["label"] == "yes", "no", "yes")
    window = stored(data, labelled=0.008)
    found = outcome(spec_of(minLabels=20), window, file(classified(2000, 2)))
    assert 0 < said(found).labels < 20
    assert not measured(found)


def test_without_a_reference_of_its_own_a_metric_is_held_against_its_floor() -> None:
    reference = file(classified(1000, 2)).select(["x"])
    metrics = [{"name": "accuracy", "minimum": 0.79}, {"name": "log_loss", "maximum": 0.3}]
    found = outcome(spec_of(targetColumn=None, metrics=metrics), stored(classified(2000, 1)), reference)
    accuracy, loss = measured(found)["accuracy"], measured(found)["log_loss"]
    assert accuracy.reference is None
    assert accuracy.value < 0.79 and accuracy.severity == "Warning", "it may be chance"
    assert loss.value > 0.3 and loss.severity == "Critical"
    assert measured(found)["recall"].warning is None, "it is told, and not judged"


def test_named_metrics_alone_are_judged() -> None:
    metrics = [{"name": "roc_auc", "drop": {"warning": 0.5, "critical": 0.6}}, {"name": "recall"}]
    found = outcome(spec_of(metrics=metrics), stored(classified(2000, 1, wrong=0.2)), file(classified(2000, 2)))
    severities = {name: each.severity for name, each in measured(found).items()}
    assert severities == {
        "accuracy": None, "precision": None, "recall": "Critical", "f1": None, "roc_auc": None, "log_loss": None,
    }  # fmt: skip


def test_the_positive_class_is_the_one_named() -> None:
    window, reference = stored(classified(2000, 1, rare=2)), file(classified(2000, 2, rare=2))
    default = measured(outcome(spec_of(), window, reference))["recall"].value
    assert default == measured(outcome(spec_of(positiveClass="yes"), window, reference))["recall"].value
    other = measured(outcome(spec_of(positiveClass="no"), window, reference))["recall"].value
    assert other > default + 0.2
    named = measured(outcome(spec_of(classes=["yes", "no"]), window, reference))["recall"].value
    assert named == other, "the second one of the object's classes"


def test_many_classes_have_mean_metrics_and_no_curve() -> None:
    random = np.random.default_rng(1)

    def data(seed: int) -> dict[str, Any]:
        table = classified(1500, seed)
        third = np.random.default_rng(seed).random(1500) < 0.3
        return table | {name: np.where(third, "maybe", table[name]) for name in ("target", "label")}

    found = outcome(spec_of(), stored(data(1)), file(data(2)))
    assert measured(found).keys() == {"accuracy", "precision", "recall", "f1"}
    assert "of more than two classes need the probability of each: set logging.scores to All" in said(found).message
    wrong = data(1)
    wrong["target"] = random.permutation(wrong["target"])
    assert measured(outcome(spec_of(), stored(wrong), file(data(2))))["f1"].severity == "Critical"


def test_many_classes_with_the_scores_of_all_have_a_curve_and_a_loss() -> None:
    found = outcome(spec_of(estimate=False), stored(of_three(2000, 1)), file(of_three(2000, 2)))
    assert measured(found).keys() == {"accuracy", "precision", "recall", "f1", "roc_auc", "log_loss"}
    assert {each.severity for each in measured(found).values()} == {None}
    assert all(each.reference is not None for each in measured(found).values())
    assert said(found).message == ""
    wrong = measured(outcome(spec_of(), stored(of_three(2000, 1, wrong=0.5)), file(of_three(2000, 2))))
    assert (wrong["roc_auc"].severity, wrong["log_loss"].severity) == ("Critical", "Critical")
    limits = [{"name": "roc_auc", "minimum": 0.95}, {"name": "log_loss", "maximum": 0.1}]
    alone = outcome(spec_of(metrics=limits), stored(of_three(2000, 1)), file(of_three(2000, 2)).select(["x"]))
    assert [measured(alone)[name].severity for name in ("roc_auc", "log_loss")] == ["Critical", "Critical"]


@pytest.mark.parametrize("spell", [lambda name: name, lambda name: {"low": "1.0", "high": "2.0"}.get(name, "3")])
def test_the_columns_of_a_file_are_those_of_the_classes_however_they_are_spelled(spell: Any) -> None:
    window, reference = of_three(1000, 1), of_three(1000, 2)
    as_numbers = {"low": 1, "high": 2, "medium": 3}
    reference["scores"] = {spell(name): scores for name, scores in reference["scores"].items()}
    if spell("low") != "low":
        for name in ("target", "label"):
            reference[name] = np.array([as_numbers[each] for each in reference[name]])
            window[name] = np.array([str(as_numbers[each]) for each in window[name]])
        window["scores"] = {str(as_numbers[name]): scores for name, scores in window["scores"].items()}
    found = outcome(spec_of(estimate=False), stored(window), file(reference))
    expected = measured(outcome(spec_of(estimate=False), stored(of_three(1000, 1)), file(of_three(1000, 2))))
    for name in ("roc_auc", "log_loss"):
        assert measured(found)[name].value == pytest.approx(expected[name].value, abs=1e-12)
        assert measured(found)[name].reference == pytest.approx(expected[name].reference, abs=1e-12)


def test_what_the_scores_of_many_classes_lack_is_said() -> None:
    window, reference = of_three(1000, 1), of_three(1000, 2)

    def message(current: Any, before: Any, **asked: Any) -> str:
        return said(outcome(spec_of(estimate=False, **asked), stored(current), file(before))).message

    no_columns = {name: values for name, values in reference.items() if name != "scores"}
    assert "the reference needs the scores of all classes as its columns sure_<class>" in message(window, no_columns)
    margins = window | {"scores": {name: 4 * scores for name, scores in window["scores"].items()}}
    assert "0 labelled rows have scores that add up to 1, of the 100 needed" in message(margins, reference)
    few = {name: np.where(np.arange(1000) < 50, each, np.nan) for name, each in window["scores"].items()}
    assert "50 labelled rows have scores that add up to 1" in message(window | {"scores": few}, reference)
    unseen = window | {"target": np.where(window["target"] == "low", "high", window["target"])}
    assert "ROC AUC needs labels of each class, and 1 of 3 have none" in message(unseen, reference)
    found = measured(outcome(spec_of(estimate=False), stored(unseen), file(reference)))
    assert "log_loss" in found and "roc_auc" not in found, "a loss needs no label of each class"


def test_a_label_that_the_model_does_not_know_hardly_moves_the_curve() -> None:
    window = of_three(1000, 1)
    window["target"] = np.array(["hihg", *window["target"][1:]])
    found = measured(outcome(spec_of(estimate=False), stored(window), file(of_three(1000, 2))))
    assert (found["roc_auc"].severity, found["log_loss"].severity) == (None, None)
    assert found["roc_auc"].value == pytest.approx(
        measured(outcome(spec_of(estimate=False), stored(of_three(1000, 1)), file(of_three(1000, 2))))["roc_auc"].value,
        abs=0.01,
    )


def test_a_column_of_scores_is_no_feature_and_a_declared_feature_is_no_score() -> None:
    spec = spec_of()
    table = file(of_three(300, 1))
    assert without_answers(spec, table).column_names == ["x"]
    assert class_columns(spec, table) == {
        "sure_high": "high",
        "sure_low": "low",
        "sure_medium": "medium",
    }
    named = spec_of(classes=["low", "high"])
    assert list(class_columns(named, table)) == ["sure_high", "sure_low"]
    features = {"features": [{"name": name, "type": "Numerical"} for name in ("x", "sure_low")]}
    declared = spec.model_copy(update={"model": spec.model.model_validate({"storageUri": "pvc://a/m"} | features)})
    assert list(class_columns(declared, table)) == ["sure_high", "sure_medium"]
    assert without_answers(declared, table).column_names == ["x", "sure_low"]
    assert class_columns(spec_of(scored=False), table) == {}
    others = {"sure_rank": pa.array(range(300)), "sure_note": pa.array(["0.5"] * 300), "sure_none": pa.nulls(300)}
    for name, column in others.items():
        table = table.append_column(name, column)
    assert without_answers(spec, table).column_names == ["x", *others], "what is no share is a feature as it was"


@pytest.mark.parametrize("most", [sides.MAX_SCORES, 6000])
def test_segments_have_a_curve_and_a_loss_of_many_classes_too(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "MAX_SCORES", most)
    data = of_three(4000, 1)
    north = np.random.default_rng(1).random(4000) < 0.5
    data["target"] = np.where(north, of_three(4000, 9)["target"], data["target"])  # told by chance
    region = pa.array(np.where(north, "north", "south"))
    window = stored(data).append_column("feature_region", region)
    reference = file(of_three(4000, 2)).append_column("region", region)
    features = {"features": [{"name": "x", "type": "Numerical"}, {"name": "region", "type": "Categorical"}]}
    spec = spec_of(checks={"segments": [{"column": "region"}]}, estimate=False)
    spec = spec.model_copy(update={"model": spec.model.model_validate({"storageUri": "pvc://a/m"} | features)})
    found = {each.metric: each for each in outcome(spec, window, reference).segments.disparities}
    assert (found["roc_auc"].lowest, found["log_loss"].highest) == ("north", "north")
    area = found["roc_auc"]
    assert area.value > 0.2 and area.standard_error is not None and area.standard_error < 0.05


def test_very_many_scores_are_looked_at_of_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "MAX_SCORES", 1500)
    found = outcome(spec_of(), stored(of_three(2000, 1)), file(of_three(2000, 2)))
    assert {each.rows for each in said(found).metrics} == {500}
    assert (said(found).rows, said(found).labels) == (2000, 2000)


def test_values_have_errors_and_a_share_explained() -> None:
    good, bad = (stored(valued(2000, 1, noise=noise)) for noise in (1, 2))
    reference = file(valued(2000, 2))
    found = outcome(spec_of(scored=False, estimate=False), good, reference)
    assert measured(found).keys() == {"mae", "rmse", "r2"}
    assert {each.severity for each in measured(found).values()} == {None}
    worse = outcome(spec_of(scored=False, estimate=False), bad, reference)
    assert {each.severity for each in measured(worse).values()} == {"Critical"}
    mae = measured(worse)["mae"]
    assert mae.critical is not None and mae.reference is not None
    assert mae.reference < mae.critical < mae.value


def test_labels_of_another_distribution_are_drift() -> None:
    data = classified(2000, 1)
    data["target"] = np.random.default_rng(1).choice(["no", "yes"], 2000, p=[0.2, 0.8])
    found = outcome(spec_of(), stored(data), file(classified(2000, 2)))
    assert found.conclusion.verdict == "DriftDetected"
    (violation,) = [each for each in found.violations if each.column == "target"]
    assert (violation.check, violation.severity) == ("target_drift_check", "Critical")
    assert violation.check in DRIFT_CHECKS
    target = next(each for each in found.columns if each.name == "target")
    assert (target.type, target.method, target.severity) == ("Categorical", "linfinity", "DriftDetected")
    assert found.conclusion.drifted == "0/1", "it is no feature"


def test_labels_of_the_same_distribution_are_none_and_values_are_compared_as_numbers() -> None:
    found = outcome(spec_of(scored=False, estimate=False), stored(valued(2000, 1)), file(valued(2000, 2)))
    target = next(each for each in found.columns if each.name == "target")
    assert (target.type, target.severity, found.conclusion.verdict) == ("Numerical", "NoDrift", "NoDrift")


def test_the_labels_have_the_test_that_the_object_names() -> None:
    checks = {"drift": {"columns": {"target": {"method": "psi", "warning": 0.3, "critical": 0.4}}}}
    found = outcome(spec_of(checks=checks), stored(classified(1000, 1)), file(classified(1000, 2)))
    target = next(each for each in found.columns if each.name == "target")
    assert (target.method, target.critical) == ("psi", 0.4)
    wrong = {"drift": {"columns": {"target": {"method": "anderson"}}}}
    failed = outcome(spec_of(checks=wrong), stored(classified(1000, 1)), file(classified(1000, 2)))
    assert failed.conclusion.verdict == "CheckFailed"
    assert "spec.checks.drift.columns.target.method" in failed.conclusion.message


def test_a_window_too_small_for_drift_still_has_its_labels_looked_at() -> None:
    found = outcome(spec_of(), stored(classified(300, 1, wrong=0.5)), file(classified(2000, 2)))
    assert found.conclusion.verdict == "InsufficientData"
    assert measured(found)["accuracy"].severity == "Critical"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["x", "said", "sure"], "Of the reference: it has no column 'y'"),
        (["x", "y", "sure"], "Of the reference: it has no column 'said'"),
    ],
)
def test_a_column_that_the_reference_lacks_is_named(columns: list[str], message: str) -> None:
    found = outcome(spec_of(), stored(classified(1000, 1)), file(classified(1000, 2)).select(columns))
    assert message in said(found).message
    assert measured(found)["accuracy"].reference is None


def test_without_the_column_of_predictions_the_message_names_the_field() -> None:
    spec = spec_of(checks={"prediction": {}})
    found = outcome(spec, stored(classified(1000, 1)), file(classified(1000, 2)))
    assert "name its column of predictions in checks.prediction.column" in said(found).message
    assert any(each.name == "target" for each in found.columns), "the labels can be compared"


def test_odd_labels_are_told_and_fail_nothing() -> None:
    reference = file(classified(1000, 2))
    lists = reference.set_column(reference.column_names.index("y"), "y", pa.array([["yes"]] * 1000))
    found = outcome(spec_of(), stored(classified(1000, 1)), lists)
    assert found.conclusion.verdict == "NoDrift"
    assert "cannot be read" in said(found).message


def test_why_there_are_no_labels_is_told() -> None:
    from dataclasses import replace

    from driftmonitor_check.evidence import Window
    from driftmonitor_check.performance.assessment import assess
    from tests.support.labelled import NOW

    window = Window(pa.table({"x": [1.0]}), NOW, NOW, labelled=without_labels("the labels could not be read: 500"))
    status = assess(spec_of(), [], window, None).status
    assert status is not None and status.message.startswith("The labels could not be read: 500.")
    assert (status.rows, status.labelled_share, status.metrics) == (0, None, [])
    bare = assess(spec_of(), [], replace(window, labelled=None), None).status
    assert bare is not None and "without labels" in bare.message


def test_the_same_input_gives_the_same_status() -> None:
    def once() -> str:
        return said(outcome(spec_of(), stored(classified(800, 1)), file(classified(800, 2)))).model_dump_json()

    assert once() == once()


@pytest.mark.parametrize(
    ("performance", "message"),
    [
        ({"drop": {"warning": 0.1}}, "performance.drop: set warning and critical together"),
        ({"drop": {"warning": 0.2, "critical": 0.1}}, "warning 0.2 must not be more than critical 0.1"),
        ({"metrics": [{"name": "rmse", "minimum": 1}]}, r"metrics\[0\].minimum: less rmse is better"),
        ({"metrics": [{"name": "recall", "maximum": 1}]}, r"metrics\[0\].maximum: more recall is better"),
        ({"metrics": [{"name": "recall"}, {"name": "recall"}]}, r"metrics\[1\].name: recall is there twice"),
        ({"metrics": [{"name": "mae", "drop": {"critical": 0.1}}]}, r"metrics\[0\].drop: set warning and critical"),
    ],
)
def test_what_no_apiserver_admits_is_refused_by_its_field(performance: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        verify(spec_of(**performance))


def test_classes_have_one_spelling() -> None:
    assert spelled(pa.array([1.0, None, 2.5, float("nan")])).to_pylist() == ["1", None, "2.5", None]
    assert spelled(pa.array(["1.0", "a", "TRUE", None])).to_pylist() == ["1", "a", "true", None]
    assert spelled(pa.array([True, False])).to_pylist() == ["true", "false"]
    assert spelled(pa.chunked_array([pa.array(["b"]), pa.array(["a"])])).to_pylist() == ["b", "a"]
    assert spelled(pa.chunked_array([], pa.string())).to_pylist() == []
    assert spelled(pa.array(["a", "b"]).dictionary_encode()).to_pylist() == ["a", "b"]
    both = alike([spelled(pa.array([True, False])), spelled(pa.array([0, 1]))])
    assert [each.to_pylist() for each in both] == [["1", "0"], ["0", "1"]]
    names = alike([spelled(pa.array([True])), spelled(pa.array(["yes", "1"]))])
    assert names[0].to_pylist() == ["true"], "with a third name they are names"


def test_files_with_the_scores_of_all_classes_have_all_metrics_on_a_laptop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = spec_of().model_dump(mode="json", by_alias=True, exclude_none=True)
    names = {"apiVersion": "driftmonitor.dev/v1alpha1", "kind": "DriftMonitor", "metadata": {"name": "a"}}
    (tmp_path / "monitor.yaml").write_text(yaml.safe_dump(names | {"spec": spec}))
    parquet.write_table(file(of_three(1000, 2)), tmp_path / "reference.parquet")
    parquet.write_table(file(of_three(1000, 1)), tmp_path / "file.parquet")
    parquet.write_table(stored(of_three(1000, 1)), tmp_path / "downloaded.parquet")
    for current in ("file.parquet", "downloaded.parquet"):
        paths = {"monitor": "monitor.yaml", "reference": "reference.parquet", "current": current}
        options = [part for name, path in paths.items() for part in (f"--{name}", str(tmp_path / path))]
        assert main(["compare", *options]) == 0
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        for metric in ("roc_auc", "log_loss"):
            told = [line for line in lines if line[:1] == [metric]]
            assert len(told) == 2, "measured, and the estimate"
            assert all(line[2] != "-" for line in told), "what it is in the reference"


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_with_the_target_shows_the_performance_on_a_laptop(
    declared: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = spec_of().model_dump(mode="json", by_alias=True, exclude_none=True)
    if not declared:
        del spec["model"]["features"]
    monitor = {
        "apiVersion": "driftmonitor.dev/v1alpha1",
        "kind": "DriftMonitor",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    (tmp_path / "monitor.yaml").write_text(yaml.safe_dump(monitor))
    parquet.write_table(file(classified(1000, 2)), tmp_path / "reference.parquet")
    csv.write_csv(file(classified(1000, 1, wrong=0.3)), tmp_path / "current.csv")
    paths = {"monitor": "monitor.yaml", "reference": "reference.parquet", "current": "current.csv"}
    options = [part for name, path in paths.items() for part in (f"--{name}", str(tmp_path / path))]
    assert main(["compare", *options]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["LABELS", "1000", "of", "1000", "rows", "(100.0%)"] in lines
    accuracy = next(line for line in lines if line[:1] == ["accuracy"])
    assert accuracy[-1] == "Critical"
    assert any(line[:1] == ["target"] and line[-1] == "NoDrift" for line in lines)
    assert not any(line[:1] in (["y"], ["said"], ["sure"]) for line in lines), "they are no features"
    assert any(line[:1] == ["accuracy"] and line[3] == "yes" for line in lines), "the estimate"
