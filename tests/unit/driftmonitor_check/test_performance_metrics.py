"""Metrics equal scikit-learn's, and their influences give the errors that repeated samples show."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from driftmonitor_api.v1alpha1 import Metric
from driftmonitor_check.performance.metrics import OF_CLASSES, OF_VALUES, measure
from driftmonitor_check.performance.sides import Classified, Side, Valued, together

SEEDS = st.integers(0, 2**32 - 1)


def classifier(seed: int, rows: int, classes: int, *, ties: bool = False) -> Classified:
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    predicted = np.where(random.random(rows) < 0.7, truth, random.integers(0, classes, rows))
    score = np.clip(random.beta(4, 2, rows), 0.01, 0.99)
    return Classified(truth, predicted, np.round(score, 1) if ties else score, classes, 1 if classes == 2 else None)


def scored(seed: int, rows: int, classes: int, *, ties: bool = False) -> Classified:
    """With the probability of each class, and a row of each, which scikit-learn asks for."""
    random = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), random.integers(0, classes, max(0, rows - classes))])
    odds = random.gamma(1, 1, (len(truth), classes)) + np.eye(classes)[truth] * random.random((len(truth), 1))
    odds = np.round(odds * 3) + 1 if ties else odds
    scores = odds / odds.sum(axis=1, keepdims=True)
    return Classified(truth, scores.argmax(axis=1), scores.max(axis=1), classes, None, scores, tuple(range(classes)))


def regressor(seed: int, rows: int) -> Valued:
    random = np.random.default_rng(seed)
    truth = random.normal(3, 2, rows)
    return Valued(truth, truth + random.standard_t(4, rows))


def of_sklearn(metric: Metric, side: Side) -> float:
    if isinstance(side, Valued):
        return float(
            {
                "mae": sklearn_metrics.mean_absolute_error,
                "rmse": sklearn_metrics.root_mean_squared_error,
                "r2": sklearn_metrics.r2_score,
            }[metric](side.truth, side.predicted)
        )
    if metric == "accuracy":
        return float(sklearn_metrics.accuracy_score(side.truth, side.predicted))
    if metric in ("roc_auc", "log_loss"):
        if side.scores is not None:
            if metric == "roc_auc":
                return float(sklearn_metrics.roc_auc_score(side.truth, side.scores, multi_class="ovr", average="macro"))
            return float(sklearn_metrics.log_loss(side.truth, side.scores, labels=list(side.modelled)))
        likelihood = side.likelihood
        assert likelihood is not None
        if metric == "roc_auc":
            return float(sklearn_metrics.roc_auc_score(side.truth == side.positive, likelihood))
        return float(sklearn_metrics.log_loss(side.truth == side.positive, likelihood, labels=[False, True]))
    score = {
        "precision": sklearn_metrics.precision_score,
        "recall": sklearn_metrics.recall_score,
        "f1": sklearn_metrics.f1_score,
    }[metric]
    kind = {"average": "macro"} if side.positive is None else {"pos_label": side.positive}
    return float(score(side.truth, side.predicted, zero_division=0, **kind))


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(2, 400), st.integers(2, 6), st.booleans())
def test_metrics_of_classes_are_those_of_scikit_learn(seed: int, rows: int, classes: int, ties: bool) -> None:
    side = classifier(seed, rows, classes, ties=ties)
    for metric in OF_CLASSES:
        if metric in ("roc_auc", "log_loss") and (classes > 2 or len(np.unique(side.truth)) < 2):
            assert metric == "log_loss" or measure(metric, side) is None
            continue
        found = measure(metric, side)
        assert found is not None
        assert found.value == pytest.approx(of_sklearn(metric, side), abs=1e-9), metric


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(3, 400), st.integers(3, 7), st.booleans())
def test_metrics_of_the_scores_of_all_classes_are_those_of_scikit_learn(
    seed: int, rows: int, classes: int, ties: bool
) -> None:
    side = scored(seed, rows, classes, ties=ties)
    for metric in OF_CLASSES:
        found = measure(metric, side)
        assert found is not None
        assert found.value == pytest.approx(of_sklearn(metric, side), abs=1e-9), metric
        assert abs(found.influence.mean()) < 1e-9, metric


def test_a_probability_of_0_of_what_is_true_is_the_loss_that_scikit_learn_gives() -> None:
    side = scored(1, 30, 3)
    assert side.scores is not None
    side.scores[0] = [0, 1, 0]
    found = measure("log_loss", side)
    assert found is not None
    assert found.value == pytest.approx(of_sklearn("log_loss", side), abs=1e-9)


def test_without_a_label_of_each_class_there_is_no_curve_and_other_labels_are_of_no_class_of_the_model() -> None:
    side = scored(1, 200, 3)
    assert measure("roc_auc", side.where(side.truth != 1)) is None
    assert measure("log_loss", side.where(side.truth != 1)) is not None
    assert side.scores is not None
    others = replace(side, classes=5, modelled=(1, 3, 4), truth=np.array([1, 3, 4])[side.truth])
    area, loss = (measure(metric, others) for metric in ("roc_auc", "log_loss"))
    assert area is not None and area.value == pytest.approx(of_sklearn("roc_auc", side), abs=1e-9)
    assert loss is not None and loss.value == pytest.approx(of_sklearn("log_loss", side), abs=1e-9)
    unknown = measure("log_loss", replace(others, truth=np.array([2, *others.truth[1:]])))
    whole = np.array([side.scores[row, code] for row, code in enumerate(side.truth)])
    assert unknown is not None
    expected = (-np.log(whole[1:]).sum() - np.log(np.finfo(float).eps)) / 200
    assert unknown.value == pytest.approx(expected, abs=1e-9), "as if the model had given it 0"


def test_rows_without_scores_of_all_classes_are_left_out() -> None:
    side = scored(1, 200, 3)
    assert side.scores is not None
    gaps = side.scores.copy()
    gaps[::2] = np.nan
    odd = side.where(np.arange(200) % 2 == 1)
    for metric in ("roc_auc", "log_loss"):
        found = measure(metric, replace(side, scores=gaps))
        assert found is not None and found.rows == 100
        assert found.value == pytest.approx(of_sklearn(metric, odd), abs=1e-9)
    both, half = together(side, odd), together(side, replace(odd, scores=None, modelled=()))
    assert isinstance(both, Classified) and both.scores is not None and len(both.scores) == 300
    assert isinstance(half, Classified) and half.scores is None


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(2, 400))
def test_metrics_of_values_are_those_of_scikit_learn(seed: int, rows: int) -> None:
    side = regressor(seed, rows)
    for metric in OF_VALUES:
        found = measure(metric, side)
        assert found is not None
        assert found.value == pytest.approx(of_sklearn(metric, side), rel=1e-9, abs=1e-9), metric


@pytest.mark.parametrize("metric", [*OF_CLASSES, *OF_VALUES])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_standard_error_of_a_metric_is_the_deviation_of_repeated_samples(metric: Metric, classes: int) -> None:
    make = scored if classes > 2 else classifier
    sides: list[Side] = [
        regressor(seed, 400) if metric in OF_VALUES else make(seed, 400, classes) for seed in range(300)
    ]
    found = [measure(metric, side) for side in sides]
    values = [each.value for each in found if each is not None]
    errors = [each.influence.std() / np.sqrt(each.rows) for each in found if each is not None]
    assert len(values) == 300
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


@pytest.mark.parametrize("classes", [2, 3])
def test_influences_have_the_mean_0(classes: int) -> None:
    for metric in OF_CLASSES:
        found = measure(metric, classifier(1, 200, classes))
        assert found is None or abs(found.influence.mean()) < 1e-9, metric


def test_what_has_no_meaning_is_not_measured() -> None:
    one_class = Classified(np.zeros(9, int), np.zeros(9, int), np.full(9, 0.8), 2, 1)
    assert measure("roc_auc", one_class) is None
    assert measure("r2", Valued(np.ones(9), np.arange(9.0))) is None
    assert measure("accuracy", one_class.where(np.zeros(9, bool))) is None
    assert measure("mae", one_class) is None
    assert measure("roc_auc", classifier(1, 100, 3)) is None, "the other classes' scores are not known"


def test_the_scores_of_some_rows_may_be_missing() -> None:
    side = classifier(1, 200, 2)
    score = side.score.copy()
    score[::2] = np.nan
    gaps = Classified(side.truth, side.predicted, score, 2, 1)
    found = measure("roc_auc", gaps)
    assert found is not None and found.rows == 100
    odd = side.where(np.arange(200) % 2 == 1)
    assert found.value == pytest.approx(of_sklearn("roc_auc", odd))


def test_both_sides_together_have_all_rows() -> None:
    both = together(classifier(1, 30, 2), classifier(2, 40, 2))
    assert len(both) == 70
    assert len(together(regressor(1, 30), regressor(2, 40))) == 70
