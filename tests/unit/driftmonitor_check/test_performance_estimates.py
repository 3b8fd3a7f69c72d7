"""Metrics estimated without labels are those that the labels give, while these depend on the features as before."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import MetricResult
from driftmonitor_check.check import Outcome
from driftmonitor_check.columns import Column
from driftmonitor_check.methods import DriftTest
from driftmonitor_check.performance import confidence, loss, manyclasses, sides
from driftmonitor_check.performance.rows import of_store
from driftmonitor_check.performance.sides import Classified
from tests.support.labelled import classified, file, of_three, outcome, spec_of, stored, valued


def estimated(found: Outcome) -> dict[str, MetricResult]:
    assert found.performance is not None
    return {each.name: each for each in found.performance.metrics if each.estimated}


def measured(found: Outcome) -> dict[str, MetricResult]:
    assert found.performance is not None
    return {each.name: each for each in found.performance.metrics if not each.estimated}


def assert_every_metric_is_estimated(found: Any, *, moved: bool, within: float) -> None:
    """As the labels say; `moved` data must change the metrics, else there is nothing to find."""
    assert estimated(found).keys() == measured(found).keys() == {
        "accuracy", "precision", "recall", "f1", "roc_auc", "log_loss",
    }  # fmt: skip
    for name, each in measured(found).items():
        assert estimated(found)[name].value == pytest.approx(each.value, abs=within), name
        assert estimated(found)[name].reference == each.reference
    accuracy = measured(found)["accuracy"]
    assert accuracy.reference is not None
    assert (accuracy.value > accuracy.reference + 0.05) == moved, "else the estimate has nothing to find"


@pytest.mark.parametrize("mean", [0.0, 1.5])
def test_the_estimate_by_confidence_is_what_the_labels_say(mean: float) -> None:
    """A moved feature makes predictions surer, and the metrics others."""
    spec, reference = spec_of(), file(classified(20_000, 2))
    window = classified(20_000, 1, mean=mean)
    found = outcome(spec, stored(window), reference)
    assert_every_metric_is_estimated(found, moved=mean > 0, within=0.02)


def test_an_overconfident_model_is_calibrated_on_the_reference() -> None:
    def overconfident(rows: int, seed: int) -> dict[str, Any]:
        data = classified(rows, seed)
        return data | {"score": 1 - (1 - data["score"]) / 5}

    found = outcome(spec_of(), stored(overconfident(10_000, 1), labelled=0.0), file(overconfident(10_000, 2)))
    accuracy = estimated(found)["accuracy"]
    assert not measured(found)
    assert accuracy.value == pytest.approx(accuracy.reference, abs=0.02)
    assert accuracy.value < overconfident(10_000, 1)["score"].mean() - 0.1, "what the scores say by themselves"


def test_an_estimate_that_is_worse_is_told_without_any_label() -> None:
    reference = file(classified(20_000, 2, mean=2))
    found = outcome(spec_of(), stored(classified(5000, 1), labelled=0.0), reference)
    accuracy = estimated(found)["accuracy"]
    assert (accuracy.severity, accuracy.rows, accuracy.estimated) == ("Critical", 5000, True)


def test_estimates_are_made_only_where_the_object_has_them_made() -> None:
    window, reference = stored(classified(1000, 1)), file(classified(1000, 2))
    assert not estimated(outcome(spec_of(estimate=False), window, reference))
    assert not estimated(outcome(spec_of(), window, reference.select(["x", "said", "sure"])))


def test_of_many_classes_the_accuracy_alone_is_estimated() -> None:
    random = np.random.default_rng(1)
    score = random.uniform(0.4, 1, 20_000)
    said = random.integers(0, 3, 20_000)
    truth = np.where(random.random(20_000) < score**2, said, (said + 1) % 3)
    reference, window = (
        Classified(truth[half], said[half], score[half], 3) for half in (slice(10_000), slice(10_000, None))
    )
    found = confidence.confidence(reference, window).estimate()
    assert found.keys() == {"accuracy"}
    assert found["accuracy"] == pytest.approx(float((window.truth == window.predicted).mean()), abs=0.02)


@pytest.mark.parametrize("mean", [0.0, 1.0])
@pytest.mark.parametrize("sure", [1.0, 2.0])
def test_of_many_classes_with_the_scores_of_all_every_metric_is_estimated(mean: float, sure: float) -> None:
    """Of a model that is too sure of itself, too: its scores are calibrated on the reference."""
    window, reference = of_three(20_000, 1, mean=mean, sure=sure), of_three(20_000, 2, sure=sure)
    found = outcome(spec_of(), stored(window), file(reference))
    assert_every_metric_is_estimated(found, moved=mean > 0, within=0.025)
    unlabelled = outcome(spec_of(), stored(window, labelled=0.0), file(reference))
    assert {name: each.value for name, each in estimated(unlabelled).items()} == {
        name: each.value for name, each in estimated(found).items()
    }


def test_probabilities_of_many_classes_are_calibrated_each_against_all_others_and_add_up_to_1() -> None:
    from sklearn.isotonic import IsotonicRegression

    spec, tables = spec_of(), [stored(of_three(500, seed, sure=3)) for seed in (2, 1)]
    reference, window = (
        side.labelled
        for side in sides.classified([of_store(table).answers for table in tables], spec.model.classes or ())
    )
    assert reference.scores is not None and window.scores is not None
    each = [
        IsotonicRegression(out_of_bounds="clip")
        .fit(reference.scores[:, code], reference.truth == code)
        .predict(window.scores[:, code])
        for code in range(3)
    ]
    expected = np.column_stack(each) / np.sum(each, axis=0)[:, None]
    found = manyclasses.class_confidence(reference, window)
    assert found.probabilities == pytest.approx(expected, abs=1e-9)
    assert np.abs(np.sum(each, axis=0) - 1).max() > 0.05, "else there is nothing to divide"
    drawn = found.drawn()
    assert (drawn.truth == found.drawn().truth).all()
    shares = np.bincount(drawn.truth, minlength=3) / 500
    assert shares == pytest.approx(expected.mean(axis=0), abs=0.1)


def test_no_precision_is_estimated_where_a_class_is_hardly_ever_predicted() -> None:
    """It would jump when no row is of the class by chance."""
    window, reference = of_three(500, 1), of_three(500, 2)
    for data in (window, reference):
        low = np.flatnonzero(data["label"] == "low")[9:]
        data["label"][low] = "high"
    found = estimated(outcome(spec_of(), stored(window), file(reference)))
    assert found.keys() == {"accuracy", "recall", "f1", "roc_auc", "log_loss"}


def test_classes_that_the_model_does_not_know_change_no_estimate() -> None:
    tables = [stored(of_three(500, seed)) for seed in (2, 1)]
    plain = [side.labelled for side in sides.classified([of_store(table).answers for table in tables])]
    codes = np.array([1, 3, 4])
    others = [
        replace(side, classes=6, modelled=(1, 3, 4), truth=codes[side.truth], predicted=codes[side.predicted])
        for side in plain
    ]
    expected, found = (manyclasses.class_confidence(*both) for both in (plain, others))
    assert found.estimate() == expected.estimate()
    assert (found.drawn().truth == codes[expected.drawn().truth]).all()
    unknown = manyclasses.class_confidence(others[0], replace(others[1], predicted=np.full(500, 2)))
    assert unknown.estimate()["accuracy"] == 0, "it is never right"


def test_a_score_that_was_never_right_of_any_class_says_the_same_of_all() -> None:
    scores = np.array([[0.8, 0.2, 0], [0, 0.8, 0.2], [0.2, 0, 0.8]] * 10)
    truth = np.array([0, 1, 2] * 10)
    reference = Classified(truth, truth, np.full(30, 0.8), 3, None, scores, (0, 1, 2))
    odd = np.array([[0.2, 0.2, 0.2]])
    window = Classified(np.array([-1]), np.array([0]), np.array([0.2]), 3, None, odd, (0, 1, 2))
    assert manyclasses.class_confidence(reference, window).probabilities.tolist() == [[1 / 3, 1 / 3, 1 / 3]]


def test_estimates_of_many_classes_that_are_worse_are_told_and_as_good_ones_are_not() -> None:
    reference = file(of_three(5000, 2, mean=2))
    found = outcome(spec_of(), stored(of_three(5000, 1), labelled=0.0), reference)
    assert estimated(found)["log_loss"].severity == "Critical"
    for seed in range(5):
        found = outcome(spec_of(), stored(of_three(500, seed), labelled=0.0), file(of_three(5000, 2)))
        assert len(estimated(found)) == 6 and not [each for each in estimated(found).values() if each.severity], seed


def test_calibration_is_the_isotonic_regression_of_scikit_learn() -> None:
    from sklearn.isotonic import IsotonicRegression

    random = np.random.default_rng(3)
    scores = np.round(random.random(500), 2)
    hits = (random.random(500) < scores**2).astype(float)
    asked = np.linspace(-0.1, 1.1, 50)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, hits).predict(asked)
    assert confidence.calibration(scores, hits)(asked) == pytest.approx(theirs, abs=1e-9)


def test_the_estimate_by_loss_is_what_the_labels_say() -> None:
    spec, reference = spec_of(scored=False), file(valued(5000, 2))
    found = outcome(spec, stored(valued(5000, 1, mean=0.7)), reference)
    assert estimated(found).keys() == {"mae", "rmse"}
    for name, each in estimated(found).items():
        truth = measured(found)[name]
        assert truth.reference is not None
        assert truth.value > 1.2 * truth.reference, "else the estimate has nothing to find"
        assert each.value == pytest.approx(truth.value, rel=0.1), name
        assert each.severity == "Critical"


def test_categories_are_codes_of_the_references_commonest_and_a_column_of_one_side_is_left_out() -> None:
    columns = [
        Column("x", "Numerical", DriftTest("psi", 0.1, 0.2)),
        Column("colour", "Categorical", DriftTest("psi", 0.1, 0.2)),
        Column("alone", "Numerical", DriftTest("psi", 0.1, 0.2)),
        Column("told", "Boolean", DriftTest("psi", 0.1, 0.2)),
        Column("note", "Text", DriftTest("psi", 0.1, 0.2)),
    ]
    before, after, coded = loss.inputs(
        columns,
        pa.table({"x": [1.0, None], "colour": ["b", "b"], "alone": [1, 2], "told": [True, True], "note": ["a", "b"]}),
        pa.table({"x": ["2", "3"], "colour": ["b", "new"], "told": [1.0, 0.0], "note": ["a", "b"]}),
    )
    assert coded == [False, True, True]
    assert np.array_equal(before, [[1, 0, 0], [np.nan, 0, 0]], equal_nan=True)
    assert np.array_equal(after, [[2, 0, 0], [3, np.nan, np.nan]], equal_nan=True)


def test_rows_are_chosen_evenly_and_always_the_same() -> None:
    table = pa.table({"x": range(1000)})
    chosen = loss.evenly(table, 10)["x"].to_pylist()
    assert (len(chosen), chosen[0], chosen[-1]) == (10, 0, 999)
    assert loss.evenly(table, 10)["x"].to_pylist() == chosen
    assert loss.evenly(table, 2000) is table


def test_a_few_predictions_that_were_all_right_in_the_reference_make_no_alarm() -> None:
    """A precision of 1 of a dozen rows varies, though those rows do not."""
    for seed in (0, 1, 2, 180, 302):  # in the last two it did
        reference, window = (classified(500, number, rare=4) for number in (10_000 + seed, seed))
        found = outcome(spec_of(), stored(window, labelled=0.0), file(reference))
        assert estimated(found) and not [each for each in estimated(found).values() if each.severity], seed


def test_a_feature_that_the_reference_never_has_is_no_hindrance() -> None:
    reference = file(valued(1000, 2))
    empty = reference.set_column(0, "x", pa.nulls(1000, pa.float64()))
    found = outcome(spec_of(scored=False), stored(valued(1000, 1)), empty)
    assert measured(found).keys() == {"mae", "rmse", "r2"}
    assert estimated(found).keys() == {"mae", "rmse"}
