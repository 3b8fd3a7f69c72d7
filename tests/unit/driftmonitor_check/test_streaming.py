"""Batches of a column, in whatever order and however cut, have the scores of the column in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from driftmonitor_api.v1alpha1 import FeatureType, Method
from driftmonitor_check.cleaning import MAX_CATEGORIES, ColumnFaultError, clean
from driftmonitor_check.columns import Column
from driftmonitor_check.methods import DriftTest
from driftmonitor_check.scoring import OF_COUNTS, score
from driftmonitor_check.statistics.bins import Values
from driftmonitor_check.streaming import comparing
from driftmonitor_check.streaming.comparing import compare
from driftmonitor_check.streaming.numbers import BinCounts, Extent, doubles
from driftmonitor_check.streaming.ordering import Bounded, Ranks, Sample, earth_movers_distance, ks_statistic, points
from driftmonitor_check.streaming.scripts import SCRIPTS, StreamedScore
from driftmonitor_check.streaming.sources import ParquetSource, TableSource
from driftmonitor_check.streaming.tally import Tally, TooManyValuesError

EXACT: Sequence[Method] = ("psi", "jensenshannon", "kl_div", "psi_quantile", "chi2_contingency", "t_test")
BOUNDED: Sequence[Method] = ("ks_statistic", "wasserstein", "ks")
SHAPES = ("normal", "ties", "heavy", "constant", "few", "outlier", "whole", "holes", "atoms", "texts")


def column(name: str, type_: FeatureType, method: Method) -> Column:
    return Column(name, type_, DriftTest(method, 0.1, 0.2))


def sample(shape: str, rows: int, random: np.random.Generator) -> pa.Array:
    values = random.normal(random.normal(), 1 + random.random(), rows)
    match shape:
        case "ties":
            values = values.round(1)
        case "heavy":
            values = random.standard_cauchy(rows)
        case "constant":
            values[:] = 3.5
        case "few":
            values = random.integers(0, 12, rows).astype(float)
        case "outlier":
            values[0] = 1e9
        case "whole":
            return pa.array(random.integers(-500, 500, rows))
        case "holes":
            values[::7], values[1::11] = np.nan, np.inf
            return pa.array([None if row % 5 == 0 else value for row, value in enumerate(values.tolist())])
        case "texts":
            return pa.array([str(value) if row % 9 else "none" for row, value in enumerate(values.tolist())])
        case "atoms":
            values[: rows // 2] = 0.0
            random.shuffle(values)
    return pa.array(values)


@st.composite
def tables(draw: Any) -> tuple[pa.Table, pa.Table]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shapes = draw(st.tuples(st.sampled_from(SHAPES), st.sampled_from(SHAPES)))
    rows = draw(st.tuples(st.integers(20, 3000), st.integers(20, 3000)))
    first, second = (pa.table({"x": sample(*each, random)}) for each in zip(shapes, rows, strict=True))
    return first, second


def streamed(
    reference: pa.Table, current: pa.Table, type_: FeatureType, method: Method, batch: int = 97
) -> StreamedScore | ColumnFaultError:
    sides = TableSource(reference, batch), TableSource(current, batch)
    return compare(*sides, [column("x", type_, method)], memory=0)["x"]


def in_memory(reference: pa.Table, current: pa.Table, type_: FeatureType, method: Method) -> Any:
    return score(method, type_, clean("x", type_, reference, current, min_values=1))


@pytest.mark.parametrize("method", EXACT)
@settings(deadline=None, max_examples=50)
@given(both=tables())
def test_batches_of_numbers_have_the_score_of_all_rows(method: Method, both: tuple[pa.Table, pa.Table]) -> None:
    found = streamed(*both, "Numerical", method)
    assert isinstance(found, StreamedScore), found
    whole = in_memory(*both, "Numerical", method)
    assert found.score.value == pytest.approx(whole.value, rel=1e-9, abs=1e-12, nan_ok=True)
    assert found.lower == found.upper or np.isnan(found.lower)
    if whole.effect is not None:
        assert found.score.effect == pytest.approx(whole.effect, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shape", ["normal", "ties", "heavy", "atoms", "constant"])
@pytest.mark.parametrize("method", ["psi_quantile", "chi2_contingency"])
def test_quantiles_of_more_rows_than_a_sample_has_points_are_found_exactly(method: Method, shape: str) -> None:
    random = np.random.default_rng(11)
    sides = [pa.table({"x": sample(shape, rows, random)}) for rows in (30_001, 20_000)]
    found = streamed(sides[0], sides[1], "Numerical", method, batch=4096)
    assert isinstance(found, StreamedScore), found
    assert found.score == in_memory(*sides, "Numerical", method)


@pytest.mark.parametrize("method", BOUNDED)
@settings(deadline=None, max_examples=50)
@given(both=tables())
def test_few_rows_are_known_exactly_in_batches_too(method: Method, both: tuple[pa.Table, pa.Table]) -> None:
    found = streamed(*both, "Numerical", method)
    assert isinstance(found, StreamedScore), found
    if method != "ks":  # whose p-value is exact in memory, and that of many rows in batches
        whole = in_memory(*both, "Numerical", method).value
        assert found.score.value == pytest.approx(whole, rel=1e-9, abs=1e-9)
        assert found.upper == pytest.approx(found.lower, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("method", BOUNDED)
@pytest.mark.parametrize("shape", ["normal", "ties", "heavy", "outlier", "atoms"])
@pytest.mark.parametrize("moved", [0.0, 0.02, 1.0])
def test_the_bounds_hold_the_score_of_all_rows_and_are_narrow(method: Method, shape: str, moved: float) -> None:
    random = np.random.default_rng(7)
    reference = pa.table({"x": sample(shape, 40_000, random)})
    other = sample(shape, 30_000, random).to_numpy() + moved
    current = pa.table({"x": other})
    found = streamed(reference, current, "Numerical", method, batch=4096)
    assert isinstance(found, StreamedScore), found
    whole = in_memory(reference, current, "Numerical", method).value
    slack = 1e-9 * max(1.0, abs(whole))
    assert found.lower - slack <= whole <= found.upper + slack
    if method == "ks_statistic":
        assert found.upper - found.lower <= 2 / 2048  # of a side's rows in one bin, with the chance of its sample
    if method == "wasserstein":
        assert found.upper - found.lower <= 0.01 * max(whole, 0.01)


def test_numbers_far_from_zero_keep_their_distances() -> None:
    random = np.random.default_rng(1)
    sides = [1e12 + random.normal(size=20_000) for _ in range(2)]
    at = points(list(map(sample_of, sides)), number=256)
    ranks = Ranks(at), Ranks(at)
    for side, values in zip(ranks, sides, strict=True):
        side.add(values)
    found = earth_movers_distance(*ranks)
    whole = float(np.abs(np.sort(sides[0]) - np.sort(sides[1])).mean())
    assert found.lower - 1e-3 <= whole <= found.upper + 1e-3  # 1e12 has steps of 1e-4


def sample_of(values: Values) -> Sample:
    drawn = Sample(seed=2, rows=3000)
    drawn.add(values)
    return drawn


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 400), st.integers(1, 20))
def test_bounds_hold_with_any_points(seed: int, rows: int, number: int) -> None:
    random = np.random.default_rng(seed)
    sides = random.normal(size=rows).round(2), random.normal(0.2, 1.5, rows + 3).round(2)
    both = np.concatenate(sides)
    at = np.unique([both.min(), both.max(), *random.uniform(both.min(), both.max(), number)])
    ranks = Ranks(at), Ranks(at)
    for side, values in zip(ranks, sides, strict=True):
        side.add(values)
    tables = [pa.table({"x": side}) for side in sides]
    statistic, area = ks_statistic(*ranks), earth_movers_distance(*ranks)
    whole = in_memory(*tables, "Numerical", "ks_statistic").value
    assert statistic.lower - 1e-9 <= whole <= statistic.upper + 1e-9
    assert statistic.upper - statistic.lower <= widest(ranks) + 1e-9
    unit = max(float(np.std(sides[0])), 0.001)
    whole = in_memory(*tables, "Numerical", "wasserstein").value * unit
    assert area.lower - 1e-9 <= whole <= area.upper + 1e-9


def widest(ranks: Sequence[Ranks]) -> float:
    """The largest share of a side's rows strictly between two points."""
    return max(float(((each.below[1:] - each.up_to[:-1]) / each.count).max(initial=0)) for each in ranks)


@settings(deadline=None, max_examples=50)
@given(tables(), st.integers(1, 50))
def test_parts_add_up_to_the_whole(both: tuple[pa.Table, pa.Table], cut: int) -> None:
    values = np.concatenate([doubles(each) for each in both[0]["x"].chunks])
    parts = [values[: len(values) // cut], values[len(values) // cut :]]
    whole, first, second = Extent(), Extent(), Extent()
    whole.add(values)
    first.add(parts[0])
    second.add(parts[1])
    first.merge(second)
    assert (first.count, first.minimum, first.maximum, first.few) == (
        whole.count,
        whole.minimum,
        whole.maximum,
        whole.few,
    )
    assert first.deviation == pytest.approx(float(np.std(values)), rel=1e-9, abs=1e-9)
    edges = np.linspace(whole.minimum, whole.maximum + 1, 9)
    for new in (lambda: BinCounts(edges), lambda: Ranks(np.unique([*edges, whole.maximum]))):
        one, other, together = new(), new(), new()
        one.add(parts[0])
        other.add(parts[1])
        together.add(values)
        one.merge(other)
        for name, attribute in vars(together).items():
            assert np.allclose(getattr(one, name), attribute, rtol=1e-9), name


@pytest.mark.parametrize("method", [name for name in OF_COUNTS if name not in ("psi_quantile", "z", "fisher_exact")])
@pytest.mark.parametrize("kind", ["texts", "digits", "truth", "dictionary", "many"])
def test_batches_of_categories_have_the_score_of_all_rows(method: Method, kind: str) -> None:
    random = np.random.default_rng(3)
    made = {
        "texts": lambda rows, p: pa.array([None if n == 0 else f"c{n}" for n in random.binomial(9, p, rows)]),
        "digits": lambda rows, p: pa.array(random.choice([0.0, 1.0, np.nan], rows, p=[p, 0.9 - p, 0.1])),
        "truth": lambda rows, p: pa.array(random.random(rows) < p),
        "dictionary": lambda rows, p: pa.array(random.binomial(1, p, rows).astype(str)).dictionary_encode(),
        "many": lambda rows, p: pa.array((random.exponential(2000 * p, rows) // 1).astype(int).astype(str)),
    }
    reference, current = pa.table({"x": made[kind](9000, 0.5)}), pa.table({"x": made[kind](5000, 0.53)})
    if kind == "truth":
        current = pa.table({"x": current["x"].cast(pa.float64())})
    if kind == "many":
        assert len(current["x"].unique()) > MAX_CATEGORIES
    whole = in_memory(reference, current, "Categorical", method)
    found = streamed(reference, current, "Categorical", method)
    assert isinstance(found, StreamedScore), found
    chance = 0.03 if method == "TVD" else 1e-12  # the order of its counts decides what it draws
    assert found.score.value == pytest.approx(whole.value, rel=1e-9, abs=chance, nan_ok=True)
    assert found.score.effect == (None if whole.effect is None else pytest.approx(whole.effect, rel=1e-9))


@pytest.mark.parametrize("method", ["z", "fisher_exact"])
def test_tests_of_two_categories_score_batches_and_refuse_three(method: Method) -> None:
    random = np.random.default_rng(3)
    two = [pa.table({"x": random.binomial(1, p, 700).astype(str)}) for p in (0.5, 0.6)]
    found = streamed(*two, "Categorical", method)
    assert isinstance(found, StreamedScore), found
    assert found.score.value == pytest.approx(in_memory(*two, "Categorical", method).value, rel=1e-9)
    three = pa.table({"x": ["a", "b", "c"] * 9})
    assert isinstance(streamed(three, three, "Categorical", method), ColumnFaultError)


def test_what_fits_into_memory_is_scored_whole_with_every_method() -> None:
    random = np.random.default_rng(3)
    reference, current = (pa.table({"x": random.normal(size=500)}) for _ in range(2))
    for method in ("hellinger", "anderson", "ks", "cramer_von_mises"):
        sides = TableSource(reference, 64), TableSource(current, 64)
        found = compare(*sides, [column("x", "Numerical", method)])["x"]
        assert isinstance(found, StreamedScore), found
        assert found.score == in_memory(reference, current, "Numerical", method)


def test_a_method_that_needs_all_values_is_refused_where_they_do_not_fit() -> None:
    table = pa.table({"x": [1.0, 2.0, 3.0]})
    fault = streamed(table, table, "Numerical", "hellinger")
    assert isinstance(fault, ColumnFaultError)
    assert "hellinger needs all values in memory at once" in str(fault)


def test_every_method_is_streamed_or_refused() -> None:
    assert set(SCRIPTS) == {*EXACT, *BOUNDED}
    assert set(SCRIPTS) <= set(get_args(Method.__value__ if hasattr(Method, "__value__") else Method))


def test_a_fault_of_one_column_concerns_no_other() -> None:
    good, empty = pa.array([1.0, 2.0, 3.0] * 50), pa.array([None] * 150, pa.float64())
    reference = pa.table({"good": good, "empty": empty, "text": ["a"] * 150, "gone": good, "far": good})
    current = pa.table({"good": good, "empty": empty, "text": ["a"] * 150, "far": [-1.7e308, *([1.7e308] * 149)]})
    names: list[tuple[str, Method]] = [
        ("good", "psi"),
        ("empty", "psi"),
        ("text", "psi"),
        ("gone", "psi"),
        ("far", "wasserstein"),
    ]
    columns = [column(name, "Numerical", method) for name, method in names]
    with np.errstate(all="ignore"):
        found = compare(TableSource(reference, 10), TableSource(current, 10), columns, memory=0)
    assert isinstance(found["good"], StreamedScore)
    checks = {name: fault.check for name, fault in found.items() if isinstance(fault, ColumnFaultError)}
    assert checks["empty"] == "completeness_check"
    assert checks["gone"] == "missing_column_check"
    assert "text" in checks


def test_more_different_values_than_can_be_counted_are_a_fault() -> None:
    tally = Tally(pa.string(), limit=3)
    tally.add(pa.array(["a", "b", None, "a"]))
    with pytest.raises(TooManyValuesError, match="more than 3 different values"):
        tally.add(pa.array(["c", "d"]))


def test_a_sample_is_the_same_each_time_and_takes_from_everywhere() -> None:
    def drawn() -> Values:
        sample = Sample(seed=5, rows=1000)
        for start in range(0, 100_000, 1000):
            sample.add(np.arange(start, start + 1000, dtype=float))
        return sample.values()

    first = drawn()
    assert len(first) == 1000
    assert first.tolist() == drawn().tolist()
    assert abs(float(first.mean()) - 50_000) < 6 * 100_000 / np.sqrt(12 * 1000)


def test_files_are_read_in_batches_with_no_more_than_those_in_memory(tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(8)]
    for part in range(2):  # each with all of its rows in one row group, of 12 MiB
        random = np.random.default_rng(part)
        table = pa.table({name: random.normal(size=200_000) for name in names})
        parquet.write_table(table, tmp_path / f"{part}.parquet", use_dictionary=False, compression="none")
    source = ParquetSource([tmp_path / "0.parquet", tmp_path / "1.parquet"], rows=10_000)
    assert source.num_rows == 400_000
    seen, most, before = 0, 0, pa.total_allocated_bytes()
    for batch in source.batches(names[:6]):
        seen, most = seen + batch.num_rows, max(most, pa.total_allocated_bytes() - before)
    assert seen == source.num_rows
    assert most < 10 << 20  # a megabyte is read ahead of each column
    found = compare(source, source, [column(name, "Numerical", "psi") for name in names], memory=0)
    assert {name: each.score.value for name, each in found.items() if isinstance(each, StreamedScore)} == dict.fromkeys(
        names, 0.0
    )


def test_files_of_different_columns_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        parquet.write_table(pa.table({name: [1.0]}), tmp_path / f"{name}.parquet")
    with pytest.raises(ValueError, match="files of different columns"):
        ParquetSource([tmp_path / "a.parquet", tmp_path / "b.parquet"])


def test_bounds_are_equal_where_nothing_lies_between_the_points() -> None:
    at = np.array([1.0, 2.0])
    one, other = Ranks(at), Ranks(at)
    one.add(np.array([1.0, 1.0]))
    other.add(np.array([1.0, 2.0]))
    assert ks_statistic(one, other) == Bounded(0.5, 0.5)
    assert earth_movers_distance(one, other) == Bounded(0.5, 0.5)
    assert comparing.MEMORY_BYTES < 500 << 20


@pytest.mark.parametrize("type_", ["Boolean", "Datetime", "Text", "Embedding"])
def test_columns_of_the_other_types_score_as_in_memory(type_: FeatureType) -> None:
    random = np.random.default_rng(8)
    methods: dict[FeatureType, Method] = {"Boolean": "linfinity", "Datetime": "psi"}
    rows, method = 6000, methods.get(type_, "domain_classifier")
    values = {
        "Boolean": lambda: random.random(rows) < 0.4,
        "Datetime": lambda: random.integers(0, 10**9, rows).astype("datetime64[s]"),
        "Text": lambda: [" ".join(map(str, random.integers(0, 50, 4))) for _ in range(rows)],
        "Embedding": lambda: random.normal(size=(rows, 3)).tolist(),
    }[type_]
    reference, current = (pa.table({"x": values()}) for _ in range(2))
    sides = TableSource(reference, 999), TableSource(current, 999)
    found = compare(*sides, [column("x", type_, method)])["x"]
    assert isinstance(found, StreamedScore), found
    assert found.score == in_memory(reference, current, type_, method)


def test_times_that_do_not_fit_into_memory_are_not_checked() -> None:
    table = pa.table({"x": np.arange(1000).astype("datetime64[s]")})
    found = compare(TableSource(table), TableSource(table), [column("x", "Datetime", "psi")], memory=1000)["x"]
    assert isinstance(found, ColumnFaultError)
    assert found.check == "statistic_check"
