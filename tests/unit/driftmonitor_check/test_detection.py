"""The report is Evidently's, and shows what the verdict says; every method tells drift from none."""

import math
import re
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chisquare, ks_2samp, wasserstein_distance

from driftmonitor_api.v1alpha1 import FeatureType, Method, Severity
from driftmonitor_check import detection, scoring
from driftmonitor_check.cleaning import MAX_CATEGORIES, Pair, clean
from driftmonitor_check.columns import Column
from driftmonitor_check.methods import APPLICABLE, DEFAULT_MIN_EFFECT, DEFAULT_THRESHOLDS, DriftTest

Flights = Callable[..., pa.Table]
TYPES: tuple[FeatureType, ...] = ("Numerical", "Categorical")
EVERY_TEST: list[tuple[FeatureType, Method]] = [(type_, method) for type_ in TYPES for method in APPLICABLE[type_]]
COLUMN_OF: dict[FeatureType, str] = {"Numerical": "distance", "Categorical": "origin"}
OF_TWO_CATEGORIES = ("z", "fisher_exact")


def column_of(type_: FeatureType, method: Method) -> str:
    return "weekend" if method in OF_TWO_CATEGORIES else COLUMN_OF[type_]


def default_test(method: Method) -> DriftTest:
    return DriftTest(method, *DEFAULT_THRESHOLDS[method], DEFAULT_MIN_EFFECT.get(method, 0.0))


def column(name: str, type_: FeatureType, method: Method) -> Column:
    return Column(name, type_, default_test(method))


def score(method: Method, type_: FeatureType, pair: Pair) -> float:
    return scoring.score(method, type_, pair).value


def severity(method: Method, type_: FeatureType, pair: Pair) -> Severity:
    found = scoring.score(method, type_, pair)
    return default_test(method).severity(found.value, effect=found.effect, p_value=found.p_value)


def numbers(values: Sequence[float | None]) -> pa.Array:
    return pa.array(values, pa.float64())


@pytest.mark.parametrize(("type_", "method"), EVERY_TEST)
def test_every_method_of_every_type_tells_drift_from_none(type_: FeatureType, method: Method, flights: Flights) -> None:
    name = column_of(type_, method)
    reference = flights(100_000, seed=1)  # large, because Evidently's chi-square takes it for the truth without noise
    same = clean(name, type_, reference, flights(3000, seed=4), min_values=1)
    other = clean(name, type_, reference, flights(3000, seed=2, shift=3.0), min_values=1)
    assert severity(method, type_, same) == "NoDrift"
    assert severity(method, type_, other) == "DriftDetected"


def test_scores_are_those_of_the_textbook(flights: Flights) -> None:
    reference, current = flights(1000, seed=1), flights(800, seed=2, shift=0.3)
    values = clean("distance", "Numerical", reference, current, min_values=1)
    a, b = values.reference.to_numpy(), values.current.to_numpy()
    assert score("ks", "Numerical", values) == pytest.approx(ks_2samp(a, b).pvalue)
    assert score("wasserstein", "Numerical", values) == pytest.approx(wasserstein_distance(a, b) / np.std(a))
    origins = clean("origin", "Categorical", reference, current, min_values=1)
    names = ("EWR", "JFK", "LGA")
    sides = [side.to_pylist() for side in (origins.reference, origins.current)]
    counts = [np.array([side.count(name) for name in names]) for side in sides]
    shares = [count / count.sum() for count in counts]
    assert score("jensenshannon", "Categorical", origins) == pytest.approx(jensenshannon(*shares))
    psi = ((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum()
    assert score("psi", "Categorical", origins) == pytest.approx(psi)
    expected = chisquare(counts[1], shares[0] * counts[1].sum()).pvalue
    assert score("chisquare", "Categorical", origins) == pytest.approx(expected)


def test_the_report_shows_the_scores_of_the_verdict(flights: Flights) -> None:
    reference, current = flights(1500, seed=1), flights(1200, seed=2, shift=0.4)
    holes = pa.array([None if row % 7 == 0 else float("inf") if row % 11 == 0 else float(row) for row in range(1200)])
    current = current.append_column("holes", holes)
    reference = reference.append_column("holes", pa.array(np.arange(1500.0)))
    columns, pairs = [], {}
    for type_, method in EVERY_TEST:
        name = f"{column_of(type_, method)}_{method}"
        columns.append(column(name, type_, method))
        pairs[name] = clean(column_of(type_, method), type_, reference, current, min_values=1)
    columns.append(column("holes", "Numerical", "ks"))
    pairs["holes"] = clean("holes", "Numerical", reference, current, min_values=1)
    shown = detection.report(columns, pairs, drift_share=0.5, note="")
    assert not shown.sampled
    assert not shown.left_out
    assert shown.scores == {each.name: score(each.test.method, each.type, pairs[each.name]) for each in columns}
    assert shown.drifted == {
        each.name for each in columns if severity(each.test.method, each.type, pairs[each.name]) == "DriftDetected"
    }


def test_the_report_is_one_page_with_the_note_on_top_and_no_markup_from_data(flights: Flights) -> None:
    pairs = {"distance": clean("distance", "Numerical", flights(200, seed=1), flights(200, seed=2), min_values=1)}
    columns = [column("distance", "Numerical", "psi")]
    html = detection.report(columns, pairs, drift_share=0.5, note="<script>alert(1)</script>").html
    assert html.index("&lt;script&gt;alert(1)&lt;/script&gt;") < html.index("root_metric")
    assert "<script>alert(1)" not in html
    assert not re.findall(r'<(?:script|link)[^>]*(?:src|href)="http', html)
    assert len(html) < 10_000_000


def test_many_rows_are_scored_whole_and_drawn_as_a_sample_that_says_so() -> None:
    random = np.random.default_rng(5)
    values = {"a": Pair(numbers(random.normal(size=30_000)), numbers(random.normal(0.5, size=100)))}
    columns = [column("a", "Numerical", "wasserstein")]
    shown = detection.report(columns, values, drift_share=0.5, note="note")
    assert shown.sampled
    assert "a sample of 20,000 rows" in shown.html
    assert shown.scores["a"] == pytest.approx(score("wasserstein", "Numerical", values["a"]), abs=0.05)
    again = detection.report(columns, values, drift_share=0.5, note="note")
    assert again.scores == shown.scores


def test_a_column_that_cannot_be_drawn_is_left_out_and_the_others_stay() -> None:
    good = Pair(numbers(np.arange(200.0)), numbers(np.arange(200.0)))
    bad = Pair(numbers([None] * 200), numbers([None] * 200))
    columns = [column("good", "Numerical", "psi"), column("bad", "Numerical", "psi")]
    shown = detection.report(columns, {"good": good, "bad": bad}, drift_share=0.5, note="")
    assert set(shown.scores) == {"good"}
    assert "empty column" in shown.left_out["bad"]
    assert "Not shown: bad" in shown.html


def test_no_column_to_draw_is_an_error_and_no_empty_page() -> None:
    bad = Pair(numbers([None]), numbers([None]))
    with pytest.raises(ValueError, match="empty column"):
        detection.report([column("bad", "Numerical", "psi")], {"bad": bad}, drift_share=0.5, note="")


@pytest.mark.parametrize("method", APPLICABLE["Numerical"])
def test_the_same_constant_on_both_sides_is_no_drift_or_not_checked(method: Method) -> None:
    same = Pair(numbers([3.0] * 100), numbers([3.0] * 50))
    if method == "anderson":
        with pytest.raises(ValueError, match="more than one distinct"):
            severity(method, "Numerical", same)
    else:
        assert severity(method, "Numerical", same) == ("NotChecked" if method == "t_test" else "NoDrift")


@pytest.mark.parametrize("method", APPLICABLE["Numerical"])
def test_a_column_that_has_become_constant_has_drifted(method: Method) -> None:
    frozen = Pair(numbers(np.random.default_rng(1).normal(size=500)), numbers([3.0] * 500))
    assert severity(method, "Numerical", frozen) == "DriftDetected"


@pytest.mark.parametrize("method", [method for method in APPLICABLE["Categorical"] if method not in OF_TWO_CATEGORIES])
def test_a_category_that_only_the_window_has_counts_and_warns_nobody(method: Method) -> None:
    added = Pair(pa.array(["a", "b"] * 250), pa.array(["a", "b", "new", "new"] * 125))
    assert severity(method, "Categorical", added) == "DriftDetected"


@pytest.mark.parametrize("method", [method for method in APPLICABLE["Categorical"] if method not in OF_TWO_CATEGORIES])
def test_as_many_categories_as_are_kept_have_a_finite_score(method: Method) -> None:
    names = [f"n{number}" for number in range(MAX_CATEGORIES + 1)]
    assert math.isfinite(score(method, "Categorical", Pair(pa.array(names * 3), pa.array(names[::-1] * 2))))


def test_the_page_says_drift_only_where_the_effect_is_large_enough() -> None:
    random = np.random.default_rng(5)
    pair = Pair(numbers(random.normal(size=15_000)), numbers(random.normal(0.1, 1, 15_000)))
    for least, drifted in ((0.0, {"a"}), (0.3, set())):
        columns = [Column("a", "Numerical", DriftTest("ks", 0.05, 0.01, least))]
        assert detection.report(columns, {"a": pair}, drift_share=0.5, note="").drifted == drifted


@pytest.mark.parametrize("name", ["with space", "a.b", "größe", "it's", 'quote"d', "<b>", "target", "prediction", "id"])
def test_any_name_can_be_drawn(name: str, flights: Flights) -> None:
    pairs = {name: clean("distance", "Numerical", flights(200, seed=1), flights(200, seed=2), min_values=1)}
    shown = detection.report([column(name, "Numerical", "psi")], pairs, drift_share=0.5, note="")
    assert set(shown.scores) == {name}
