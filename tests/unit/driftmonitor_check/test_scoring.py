"""Scores are Evidently's where the method is, and those of the textbook where it is not."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftmonitor_api.v1alpha1 import P_VALUE_METHODS, FeatureType, Method
from driftmonitor_check import scoring
from driftmonitor_check.cleaning import Pair
from driftmonitor_check.methods import APPLICABLE, BEYOND_CHANCE
from driftmonitor_check.statistics import contingency, divergences
from driftmonitor_check.statistics.bins import quantile_counts, quantile_cuts
from tests.support.evidently_scores import METHODS, evidently_score

Counts = tuple[Any, Any]
SEEDS = range(50)
TYPES: tuple[FeatureType, ...] = ("Numerical", "Categorical")
EVERY_TEST: list[tuple[FeatureType, Method]] = [(type_, method) for type_ in TYPES for method in APPLICABLE[type_]]


def numbers(random: np.random.Generator) -> list[float | None]:
    """One side of a column of numbers, of a kind and with as many rows as chance has it."""
    rows = int(random.choice([1, 2, 7, 40, 300]))
    values = random.choice(
        [
            random.normal(random.normal(), 1 + random.random(), rows),
            random.normal(size=rows).round(),
            random.standard_cauchy(rows),
            np.full(rows, 3.0),
            random.integers(0, 12, rows) / 4,
        ]
    )
    holes = random.random(rows) < random.choice([0, 0.3])
    return [None if hole else float(value) for value, hole in zip(values, holes, strict=True)] + [float(values[0])]


def words(random: np.random.Generator, kinds: int) -> list[str | None]:
    """One side of a column of categories."""
    rows = int(random.choice([1, 2, 7, 40, 300]))
    names = [f"n{place}" for place in range(kinds)]
    values = random.choice(names, rows, p=random.dirichlet(np.ones(kinds)))
    holes = random.random(rows) < random.choice([0, 0.3])
    return [None if hole else str(value) for value, hole in zip(values, holes, strict=True)] + [names[0]]


def pair_of(type_: FeatureType, seed: int, kinds: int = 5) -> Pair:
    random = np.random.default_rng(seed)
    if type_ == "Numerical":
        return Pair(pa.array(numbers(random), pa.float64()), pa.array(numbers(random), pa.float64()))
    return Pair(pa.array(words(random, kinds), pa.string()), pa.array(words(random, kinds), pa.string()))


def told(score: Callable[[], float]) -> float | str:
    try:
        return score()
    except Exception:  # what it raises does not matter: a column without a score is a violation
        return "raised"


@pytest.mark.parametrize(("type_", "method"), [each for each in EVERY_TEST if each[1] in METHODS - {"TVD"}])
def test_the_score_is_evidentlys_with_nulls_ties_constants_and_single_rows(type_: FeatureType, method: Method) -> None:
    kinds = 2 if method in ("z", "fisher_exact") else 5
    compared = 0
    for seed in SEEDS:
        pair = pair_of(type_, seed, kinds)
        sides = [side.drop_null().to_numpy(zero_copy_only=False) for side in (pair.reference, pair.current)]
        theirs = told(lambda sides=sides: evidently_score(method, type_, *sides))
        ours = told(lambda pair=pair: scoring.score(method, type_, pair).value)
        if theirs == "raised":  # ours may know an answer: fisher_exact takes sides of different lengths
            continue
        # The square root in hellinger and jensenshannon makes 1e-8 of the last digit of a sum that should be 1;
        # Evidently counts the divisions of up to 20 rows in numbers of half precision.
        relative = 1e-3 if method == "cramer_von_mises" and max(map(len, sides)) <= 20 else 1e-9
        assert ours == pytest.approx(theirs, rel=relative, abs=3e-8, nan_ok=True), seed
        compared += 1
    assert compared >= (3 if method == "fisher_exact" else 35)  # anderson raises for constants


@pytest.mark.parametrize("seed", range(3))
def test_random_divisions_say_what_evidentlys_say_but_for_chance(seed: int) -> None:
    """Both are means of 1,000 draws. Of 37 and 53 rows few divisions are equally far apart, which Evidently rounds."""
    random = np.random.default_rng(seed)
    sides = [random.choice(["a", "b", "c", "d"], rows).astype(object) for rows in (37, 53)]
    theirs = evidently_score("TVD", "Categorical", *sides)
    assert scoring.of_series("TVD", "Categorical", *sides).value == pytest.approx(theirs, abs=0.1)


@pytest.mark.parametrize(("type_", "method"), EVERY_TEST)
def test_a_score_that_is_no_number_is_never_stable(type_: FeatureType, method: Method) -> None:
    """Whatever the data: a number with what belongs beside it, or an error, or NaN, which is not checked."""
    from driftmonitor_check.methods import DEFAULT_THRESHOLDS, DriftTest

    test = DriftTest(method, *DEFAULT_THRESHOLDS[method], 0.1 if method in P_VALUE_METHODS else 0.0)
    for seed in range(200, 230):
        try:
            score = scoring.score(method, type_, pair_of(type_, seed, 2))
        except ValueError:
            continue
        assert (score.effect is not None) == (method in P_VALUE_METHODS)
        assert (score.p_value is not None) == (method in BEYOND_CHANCE)
        said = test.severity(score.value, effect=score.effect, p_value=score.p_value)
        assert (said == "NotChecked") == (not math.isfinite(score.value))


def test_a_test_of_two_categories_refuses_three_and_says_how_many_there_are() -> None:
    three = Pair(pa.array(["a", "b"]), pa.array(["a", "c"]))
    for method in ("z", "fisher_exact"):
        with pytest.raises(ValueError, match="two categories, and there are 3"):
            scoring.score(method, "Categorical", three)


def test_quantile_bins_hold_equally_many_rows_of_the_reference() -> None:
    values = np.random.default_rng(1).lognormal(size=5000)
    counts, same = quantile_counts(values, values)
    assert len(counts) == 10
    assert set(counts.tolist()) == {500}
    assert (counts == same).all()


def test_a_number_that_fills_bins_has_one_of_its_own() -> None:
    """A sum that is mostly zero, of either sign: 30 % below zero, 40 % zero, 30 % above."""
    values = np.concatenate([-np.arange(1.0, 31), np.zeros(40), np.arange(1.0, 31)])
    cuts = quantile_cuts(values)
    counts, moved = quantile_counts(values, np.where(values == 0, -1e-9, values))
    place = int(np.searchsorted(cuts, 0.0))
    assert counts[place] == 40
    assert moved[place] == 0
    assert counts.sum() == moved.sum() == 100


def test_psi_on_quantiles_stays_with_the_rows_where_one_outlier_blinds_equal_widths() -> None:
    random = np.random.default_rng(3)
    reference, current = random.normal(size=5000), random.normal(1, 1, 5000)
    current[0] = 1e9
    assert scoring.of_numbers("psi", reference, current).value < 0.01
    assert scoring.of_numbers("psi_quantile", reference, current).value > 0.8


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=30), st.randoms())
def test_the_order_of_categories_does_not_matter(rows: list[tuple[int, int]], random: Any) -> None:
    rows = [*rows, (1, 1)]
    shuffled = random.sample(rows, len(rows))
    for function in (
        divergences.psi, divergences.kl_div, divergences.jensenshannon, divergences.hellinger, divergences.linfinity,
        divergences.total_variation, contingency.chisquare,
    ):  # fmt: skip
        before, after = (function(*np.array(each, np.int64).T) for each in (rows, shuffled))
        assert before == pytest.approx(after, rel=1e-6, abs=1e-7, nan_ok=True)


@given(st.lists(st.tuples(st.integers(20, 400), st.integers(20, 400)), min_size=2, max_size=20))
def test_distances_are_those_of_the_textbook(rows: list[tuple[int, int]]) -> None:
    reference, current = np.array(rows, np.int64).T
    r, c = reference / reference.sum(), current / current.sum()
    assert divergences.linfinity(reference, current) == pytest.approx(np.abs(r - c).max())
    assert divergences.total_variation(reference, current) == pytest.approx(np.abs(r - c).sum() / 2)
    assert divergences.psi(reference, current) == pytest.approx(stats.entropy(r, c) + stats.entropy(c, r), abs=1e-9)
    expected = stats.chi2_contingency(np.array([reference, current]), correction=False).pvalue
    if (reference + current).min() * min(reference.sum(), current.sum()) / (reference + current).sum() >= 5:
        assert contingency.chi2_contingency(reference, current) == pytest.approx(expected)


def test_rare_categories_are_put_together_before_the_contingency_test() -> None:
    reference, current = np.array([500, 400, 5, 2, 1]), np.array([450, 430, 2, 1, 3])
    expected = stats.chi2_contingency([[500, 400, 8], [450, 430, 6]], correction=False).pvalue
    assert contingency.chi2_contingency(reference, current) == pytest.approx(expected)


def test_the_contingency_test_alarms_as_rarely_as_it_says_where_evidentlys_alarms_half_the_time() -> None:
    random = np.random.default_rng(5)
    shares = random.dirichlet(np.ones(50))
    alarms = {"chisquare": 0, "chi2_contingency": 0}
    for _ in range(400):
        sides = random.multinomial(500, shares), random.multinomial(500, shares)
        alarms["chisquare"] += contingency.chisquare(*sides) < 0.05
        alarms["chi2_contingency"] += contingency.chi2_contingency(*sides) < 0.05
    assert alarms["chisquare"] > 180
    assert alarms["chi2_contingency"] < 45  # 20 are expected


def test_cohens_d_is_the_shift_in_standard_deviations() -> None:
    random = np.random.default_rng(5)
    score = scoring.of_numbers("t_test", random.normal(3, 2, 200_000), random.normal(4, 2, 200_000))
    assert score.effect == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("constants", [(1.0, 1.0), (1.0, 2.0)])
def test_two_constants_have_an_effect_of_nothing_or_without_bound(constants: tuple[float, float]) -> None:
    reference, current = (np.full(50, value) for value in constants)
    assert scoring.of_numbers("t_test", reference, current).effect == (0.0 if constants == (1.0, 1.0) else math.inf)
