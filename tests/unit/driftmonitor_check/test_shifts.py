"""Means, quantiles and correlations that move are told; those of clean samples stay below their thresholds."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from driftmonitor_api.v1alpha1 import ShiftLevels
from driftmonitor_check.quality import shifts

MEAN, QUANTILES, CORRELATION = shifts.DEFAULT_MEAN, shifts.DEFAULT_QUANTILES, shifts.DEFAULT_CORRELATION
Random = np.random.Generator


def normal(seed: int, mean: float = 0.0, deviation: float = 1.0, rows: int = 5000) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, rows)


def test_a_mean_far_from_zero_is_its_own_scale() -> None:
    (found,) = shifts.mean(normal(1, 100, 5), normal(2, 120, 5), MEAN)
    assert (found.check, found.severity, found.threshold) == ("mean_shift_check", "Critical", 0.1)
    assert found.value == pytest.approx(0.2, abs=0.01)
    (found,) = shifts.mean(normal(1, 100, 5), normal(2, 107, 5), MEAN)
    assert (found.severity, found.threshold) == ("Warning", 0.05)
    assert list(shifts.mean(normal(1, 100, 5), normal(2, 102, 5), MEAN)) == []


def test_a_mean_near_zero_is_measured_by_the_standard_deviation() -> None:
    assert list(shifts.mean(normal(1, 0.001), normal(2, 0.02), MEAN)) == []
    (found,) = shifts.mean(normal(1, 0.001), normal(2, 0.5), MEAN)
    assert found.value == pytest.approx(0.5, abs=0.05)


def test_a_mean_of_nothing_but_zeros_has_a_scale_as_well() -> None:
    zeros = np.zeros(500)
    assert list(shifts.mean(zeros, zeros, MEAN)) == []
    (found,) = shifts.mean(zeros, zeros + 3.0, MEAN)
    assert (found.value, found.severity) == (1.0, "Critical")


def test_a_quantile_is_measured_by_the_middle_of_the_reference() -> None:
    reference = np.random.default_rng(1).uniform(0, 10, 5000)
    (median, tail) = shifts.quantiles(reference, reference + 2.7, QUANTILES)
    assert [found.check for found in (median, tail)] == ["quantile_shift_check"] * 2
    assert [found.value for found in (median, tail)] == [pytest.approx(0.3, abs=0.01)] * 2
    assert median.message.startswith("its 50% quantile was 4.96")
    assert tail.message.startswith("its 95% quantile was 9.")


def test_only_the_quantile_that_moved_is_told() -> None:
    reference, window = normal(1), normal(2)
    window[:500] += 6.0  # a tenth of the rows
    (found,) = shifts.quantiles(reference, window, QUANTILES)
    assert found.message.startswith("its 95% quantile") and found.severity == "Critical"


def correlated(seed: int, correlation: float, rows: int = 5000) -> dict[str, np.ndarray]:
    first, second, third = (normal(10 * seed + number, rows=rows) for number in range(3))
    both = correlation * first + math.sqrt(1 - correlation**2) * second
    return {"first": first, "both": both, "third": third}


def test_a_correlation_that_is_lost_is_told_once_for_its_two_columns() -> None:
    ((column, found),) = shifts.correlations(correlated(1, 0.9), correlated(2, 0.0), CORRELATION)
    assert (column, found.check, found.severity) == ("first", "correlation_check", "Critical")
    assert found.value == pytest.approx(0.89, abs=0.05)
    assert found.message.startswith("its rank correlation with both was 0.8")
    assert list(shifts.correlations(correlated(1, 0.9), correlated(2, 0.9), CORRELATION)) == []


def test_rank_correlations_are_those_of_spearman_with_ties_and_gaps() -> None:
    random = np.random.default_rng(4)
    one = random.poisson(2, 800).astype(float)
    other = one + random.poisson(2, 800)
    mine, rows = shifts._rank_correlations([one, other])
    assert mine[0, 1] == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)
    gaps = np.where(random.random(800) < 0.3, np.nan, other)
    there = ~np.isnan(gaps)
    mine, rows = shifts._rank_correlations([one, gaps])
    assert rows[0, 1] == there.sum()
    assert mine[0, 1] == pytest.approx(spearmanr(one[there], gaps[there]).statistic, abs=0.02)


def test_more_rows_and_columns_than_are_looked_at_are_no_fault() -> None:
    long = {name: shifts.sample(values) for name, values in correlated(1, 0.9, rows=shifts.MAX_ROWS + 1).items()}
    assert {len(values) for values in long.values()} == {shifts.MAX_ROWS // 2 + 1}
    many = {f"c{number}": normal(number, rows=300) for number in range(shifts.MAX_COLUMNS + 20)}
    assert list(shifts.correlations(long, long, CORRELATION)) == []
    assert list(shifts.correlations(many, many, CORRELATION)) == []


def clean(random: Random, rows: int) -> dict[str, np.ndarray]:
    base = random.normal(0, 1, rows)
    return {
        "normal": random.normal(5, 1, rows),
        "exponential": random.exponential(1, rows),
        "heavy": random.standard_cauchy(rows),
        "heavy too": random.lognormal(0, 2, rows),
        "binary": (random.random(rows) < 0.5).astype(float),
        "rare": (random.random(rows) < 0.05).astype(float),
        "count": random.poisson(1, rows).astype(float),
        "base": base,
        "like base": base + random.normal(0, 0.5, rows),
        "gaps": np.where(random.random(rows) < 0.3, np.nan, base**2),
    }


@pytest.mark.parametrize(("before", "after"), [(500, 500), (100, 2000), (5000, 500)])
def test_clean_windows_have_no_shift(before: int, after: int) -> None:
    windows, alarms = 200, set()
    for seed in range(windows):
        random = np.random.default_rng([seed, before, after])
        reference, window = clean(random, before), clean(random, after)
        for name in reference:
            found: list[Any] = list(shifts.mean(reference[name], window[name], MEAN))
            found += shifts.quantiles(reference[name], window[name], QUANTILES)
            alarms |= {(seed, name, each.check) for each in found}
        alarms |= {(seed, name, "correlation") for name, _ in shifts.correlations(reference, window, CORRELATION)}
    assert len({seed for seed, *_ in alarms}) <= windows // 100, alarms


@pytest.mark.parametrize(
    "window", [np.full(500, np.nan), np.array([]), np.array([1.0]), np.full(500, 1e308), np.tile([1e308, -1e308], 250)]
)
def test_no_column_fails_and_what_is_no_number_says_nothing(window: np.ndarray) -> None:
    reference = normal(1, rows=500)
    for one, other in ((reference, window), (window, reference), (window, window)):
        for found in (*shifts.mean(one, other, MEAN), *shifts.quantiles(one, other, QUANTILES)):
            assert math.isfinite(found.value) and math.isfinite(found.threshold)
    if len(window) == 500:
        sides = {"a": reference, "b": normal(2, rows=500)}, {"a": reference, "b": window}
        assert all(math.isfinite(found.value) for _, found in shifts.correlations(*sides, CORRELATION))


def test_levels_are_those_of_the_object_or_the_defaults() -> None:
    assert shifts.levels(ShiftLevels(), MEAN) == (0.05, 0.1)
    assert shifts.levels(ShiftLevels(warning=1, critical=2), MEAN) == (1, 2)


def test_one_wild_value_is_no_shift_of_the_mean() -> None:
    window = normal(2, rows=500)
    window[7] = 1e6
    assert list(shifts.mean(normal(1, rows=100_000), window, MEAN)) == []
    assert len(list(shifts.mean(normal(1, rows=100_000), window[8:] + 0.5, MEAN))) == 1
