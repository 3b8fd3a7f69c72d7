"""Many columns tested together alarm no more often than one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_check import correction
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.columns import Column
from driftmonitor_check.comparison import compare_columns
from driftmonitor_check.detection import report
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.methods import DriftTest
from driftmonitor_check.verdict import conclude

SpecOf = Callable[..., DriftMonitorSpec]
BENJAMINI_HOCHBERG = {"correction": "BenjaminiHochberg"}
KS = DriftTest("ks", 0.1, 0.05)


def noise(columns: int, rows: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    return pa.table({f"c{place}": random.normal(size=rows) for place in range(columns)})


def outcome(spec: DriftMonitorSpec, window: pa.Table, reference: pa.Table, now: datetime) -> Outcome:
    status = ReferenceStatus(rows=reference.num_rows, time=now)
    return check(spec, Window(window, now, now), Reference(reference, status, "reference"), title="ns/name", now=now)


def test_a_hundred_columns_of_noise_alarm_without_the_correction_and_not_with_it() -> None:
    window, reference = noise(100, 500, seed=1), noise(100, 500, seed=2)
    columns = [Column(name, "Numerical", DriftTest("ks", 0.05, 0.05)) for name in window.column_names]
    found = {}
    for correct in (False, True):
        results = compare_columns(columns, window, reference, min_values=1, correct=correct).results
        found[correct] = conclude(results, [], 0.01).verdict, [each.severity for each in results].count("DriftDetected")
    assert found[False][0] == "DriftDetected"
    assert 1 <= found[False][1] <= 12  # five are expected
    assert found[True] == ("NoDrift", 0)


def test_over_many_windows_of_noise_the_rate_of_false_alarms_stays_below_the_threshold() -> None:
    random = np.random.default_rng(3)
    alarms = {False: 0, True: 0}
    for _ in range(500):
        p_values = {f"c{place}": float(value) for place, value in enumerate(random.random(100))}
        for correct, values in ((False, p_values), (True, correction.adjusted(p_values))):
            alarms[correct] += any(KS.severity(value) == "DriftDetected" for value in values.values())
    assert alarms[False] > 480
    assert alarms[True] < 45  # 25 are expected


def test_what_has_drifted_is_found_among_many(spec_of: SpecOf, now: datetime) -> None:
    window, reference = noise(12, 500, seed=1), noise(12, 500, seed=2)
    for place in range(4):
        window = window.set_column(place, f"c{place}", pa.array(np.random.default_rng(place).normal(0.7, 1, 500)))
    spec = spec_of(policy=BENJAMINI_HOCHBERG, numerical={"method": "ks"}, driftShare=0.1)
    result = outcome(spec, window, reference, now)
    assert result.conclusion.verdict == "DriftDetected"
    assert {each.name for each in result.columns if each.severity == "DriftDetected"} == {"c0", "c1", "c2", "c3"}


def test_adjusted_values_are_those_of_scipy_and_scores_stay_as_they_are() -> None:
    window, reference = noise(30, 300, seed=1), noise(30, 300, seed=2)
    columns = [Column(name, "Numerical", KS) for name in window.column_names]
    plain = compare_columns(columns, window, reference, min_values=1)
    corrected = compare_columns(columns, window, reference, min_values=1, correct=True)
    assert [each.score for each in corrected.results] == [each.score for each in plain.results]
    expected = false_discovery_control([each.score for each in plain.results], method="bh")
    assert [each.adjusted_score for each in corrected.results] == list(expected)
    assert {each.adjusted_score for each in plain.results} == {None}


def test_distances_and_columns_that_were_not_checked_stay_out(flights: Callable[..., pa.Table]) -> None:
    window, reference = flights(500, seed=1), flights(500, seed=2)
    window = window.append_column("constant", pa.array(["x"] * 500))
    reference = reference.append_column("constant", pa.array(["x"] * 500))
    tests: list[Any] = [
        ("distance", "Numerical", "ks"), ("delay", "Numerical", "psi"), ("origin", "Categorical", "chisquare"),
        ("constant", "Categorical", "chisquare"), ("gone", "Numerical", "ks"),
    ]  # fmt: skip
    columns = [Column(name, type_, DriftTest(method, 0.05, 0.01)) for name, type_, method in tests]
    found = compare_columns(columns, window, reference, min_values=1, correct=True)
    results = {each.name: each for each in found.results}
    assert found.corrected == 2
    assert [name for name, each in results.items() if each.adjusted_score is not None] == ["distance", "origin"]
    scores = [results["distance"].score, results["origin"].score]
    assert [results["distance"].adjusted_score, results["origin"].adjusted_score] == list(
        false_discovery_control(scores, method="bh")
    )
    assert {"constant", "gone"} == {each.column for each in found.violations}


@pytest.mark.parametrize("shift", [0.0, 0.12, 0.3])
def test_the_report_shows_as_drifted_what_the_verdict_says(shift: float, flights: Callable[..., pa.Table]) -> None:
    window, reference = noise(20, 400, seed=1), noise(20, 400, seed=2)
    for place in range(8):
        random = np.random.default_rng(place)
        window = window.set_column(place, f"c{place}", pa.array(random.normal(shift * place / 4, 1, 400)))
    for name in ("origin", "weekend"):
        window = window.append_column(name, flights(400, seed=3, shift=shift)[name])
        reference = reference.append_column(name, flights(400, seed=4)[name])
    numbers = [Column(name, "Numerical", KS) for name in noise(20, 1, 0).column_names]
    words = [Column(name, "Categorical", DriftTest("chisquare", 0.05, 0.01)) for name in ("origin", "weekend")]
    found = compare_columns([*numbers, *words], window, reference, min_values=1, correct=True)
    shown = report(found.checked, found.pairs, drift_share=0.5, note="")
    assert shown.scores == {each.name: each.score for each in found.results}
    assert shown.drifted == {each.name for each in found.results if each.severity == "DriftDetected"}


def test_the_page_says_that_its_thresholds_are_corrected(spec_of: SpecOf, now: datetime) -> None:
    window, reference = noise(3, 500, seed=1), noise(3, 500, seed=2)
    ks = {"method": "ks", "warning": 0.05, "critical": 0.05}
    page = outcome(spec_of(policy=BENJAMINI_HOCHBERG, numerical=ks), window, reference, now).html
    assert page is not None
    assert "corrected for 3 columns (Benjamini-Hochberg)" in page
    page = outcome(spec_of(numerical=ks), window, reference, now).html
    assert page is not None
    assert "Benjamini" not in page


p_values = st.lists(st.floats(0, 1) | st.floats(0, 0.05), min_size=1, max_size=60)


@given(p_values, st.sampled_from(["ks", "chisquare"]), st.floats(0.001, 1))
def test_plain_p_values_against_corrected_thresholds_say_what_adjusted_ones_say(
    values: list[float], method: Any, threshold: float
) -> None:
    named = {str(place): value for place, value in enumerate(values)}
    adjusted = correction.adjusted(named)
    if any(abs(value - threshold) < 1e-9 for value in adjusted.values()):
        return  # equal but for rounding
    test = DriftTest(method, threshold, threshold)
    plain = correction.for_plain(test, adjusted.values())
    assert all(plain.severity(named[name]) == test.severity(adjusted[name]) for name in named)


def test_no_p_values_need_no_correction() -> None:
    assert correction.adjusted({}) == {}
