"""Bins, counts and ordered tests are those that Evidently computes, on whatever data."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftmonitor_check.statistics import ranks
from driftmonitor_check.statistics.bins import Values, counts_between, equal_width_edges, evidently_counts
from driftmonitor_check.statistics.samples import ks, ks_statistic, wasserstein
from tests.support.evidently_scores import evidently_score

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Evidently uses names that numpy and litestar have deprecated
    from evidently.legacy.calculations.stattests.utils import get_binned_data
    from evidently.legacy.core import ColumnType

SHAPES = ("normal", "ties", "heavy", "constant", "few values", "outlier", "one row", "whole")


def sample(shape: str, rows: int, random: np.random.Generator) -> Values:
    match shape:
        case "ties":
            return random.normal(size=rows).round(1)
        case "heavy":
            return random.standard_cauchy(rows)
        case "constant":
            return np.full(rows, random.choice([0.0, -3.5, 1e9]))
        case "few values":
            return random.integers(0, random.integers(2, 24), rows).astype(float)
        case "outlier":
            return np.append(random.normal(size=rows), 1e9)
        case "one row":
            return random.normal(size=1)
        case "whole":
            return random.integers(-500, 500, rows).astype(float)
        case _:
            return random.normal(random.normal(), 1 + random.random(), rows)


@st.composite
def sides(draw: Any) -> tuple[Values, Values]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shapes = draw(st.tuples(st.sampled_from(SHAPES), st.sampled_from(SHAPES)))
    rows = draw(st.tuples(st.integers(1, 3000), st.integers(1, 3000)))
    return sample(shapes[0], rows[0], random), sample(shapes[1], rows[1], random)


def evidently(method: Any, reference: Values, current: Values) -> float:
    return evidently_score(method, "Numerical", reference, current)


@settings(deadline=None, max_examples=50)
@given(sides())
def test_numbers_are_counted_in_the_bins_of_evidently(both: tuple[Values, Values]) -> None:
    reference, current = both
    shares = get_binned_data(pd.Series(reference), pd.Series(current), ColumnType.Numerical, 30, feel_zeroes=False)
    counts = evidently_counts(reference, current)
    assert counts[0].sum() == len(reference)
    assert counts[1].sum() == len(current)
    theirs = np.array(shares) * [[len(reference)], [len(current)]]  # of plain values in the order of a set
    assert sorted(zip(*np.rint(theirs).astype(int).tolist(), strict=True)) == sorted(
        zip(*(side.tolist() for side in counts), strict=True)
    )


@settings(deadline=None, max_examples=50)
@given(sides())
def test_ordered_tests_score_as_evidently_does(both: tuple[Values, Values]) -> None:
    reference, current = both
    assert ks(reference, current) == pytest.approx(evidently("ks", reference, current), rel=1e-9, abs=1e-12)
    assert wasserstein(reference, current) == pytest.approx(
        evidently("wasserstein", reference, current), rel=1e-9, abs=1e-9
    )


@settings(deadline=None, max_examples=50)
@given(sides())
def test_the_statistic_is_the_largest_distance_of_the_shares_at_any_value(both: tuple[Values, Values]) -> None:
    shares = [np.searchsorted(np.sort(side), np.concatenate(both), "right") / len(side) for side in both]
    assert ks_statistic(*both) == pytest.approx(np.abs(shares[0] - shares[1]).max(), abs=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        lambda random, rows: random.normal(size=rows),
        lambda random, rows: random.normal(0.3 * (rows > 30_000), 1, rows),
        lambda random, rows: random.normal(size=rows).round(2),
        lambda random, rows: random.standard_cauchy(rows),
        lambda random, rows: np.append(random.normal(size=rows - 2), [1e308, -1e308]),
        lambda random, rows: np.where(random.random(rows) < 0.9, 0.0, random.exponential(size=rows)),
        lambda random, rows: np.full(rows, 3.0),
        lambda random, rows: random.integers(0, 2, rows).astype(float),
        lambda random, rows: 1e300 * random.normal(size=rows) + rows,
    ],
)
def test_the_statistic_in_bins_is_that_of_all_values_in_order(values: Any) -> None:
    random = np.random.default_rng(4)
    for rows in ((40_000, 30_000), (500, 25_000), (3, 2), (1, 1)):
        both = tuple(values(random, max(count, 1) if count > 2 else 3)[:count] for count in rows)
        assert ks_statistic(*both) == ranks.ks_statistic(*(np.sort(side) for side in both))


@pytest.mark.parametrize("rows", [(10_001, 7), (20_000, 12_000)])
def test_many_rows_score_as_evidently_does(rows: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    reference, current = random.normal(size=rows[0]), random.normal(0.02, 1, rows[1]).round(2)
    assert ks(reference, current) == pytest.approx(evidently("ks", reference, current), rel=1e-9)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50))
def test_the_edges_are_those_of_numpy_from_three_numbers(values: list[float]) -> None:
    array = np.array(values)
    try:
        edges = np.histogram_bin_edges(array, "sturges")
    except ValueError:
        with pytest.raises(ValueError, match="for bins"):
            equal_width_edges(array.min(), array.max(), len(array))
        return
    assert equal_width_edges(array.min(), array.max(), len(array)).tolist() == edges.tolist()
    assert counts_between(edges, array).tolist() == np.histogram(array, edges)[0].tolist()
