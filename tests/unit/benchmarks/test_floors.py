"""What the labelled suite must show, by tallies made up here."""

from collections import Counter
from functools import partial

import numpy as np
import pytest

from benchmarks.verdicts import bench, floors, real, synthetic, tables
from benchmarks.verdicts.tally import Count, Tallies, Tally, empty

FEW, ALL = Count(0, 9), Count(9, 9)


def counted() -> Tallies:
    """Of a check that is always right."""
    tallies = empty()
    for kind in floors.STILL:
        tallies[floors.OURS][kind] = Tally(Count(0, 1000), Count(0, 12_000), Count(), Count(1000, 1000))
    for kind in (*floors.FOUND, *(floors.LARGE + kind for kind in floors.FOUND_LARGE), *floors.FOUND_REAL):
        tallies[floors.OURS][kind] = Tally(windows=Count(100, 100))
    for judge, (kind, _) in floors.FOUND_ON_REQUEST.items():
        tallies[judge][kind] = Tally(windows=Count(20, 20))
        for kind in floors.STILL:
            tallies[judge][kind] = Tally(Count(0, 260), Count(0, 3000), Count(), Count(260, 260))
    return tallies


def test_a_check_that_is_always_right_meets_all_bounds() -> None:
    assert floors.missed(counted()) == []


@pytest.mark.parametrize(
    ("kind", "tally", "missed"),
    [
        (synthetic.NO_DRIFT, Tally(Count(11, 1000), FEW, Count(), ALL), "none: false alarms of windows"),
        (synthetic.SMALL, Tally(FEW, Count(2, 99), Count(), ALL), f"{synthetic.SMALL}: false alarms of columns"),
        (real.SAME, Tally(FEW, FEW, Count(), Count(8, 9)), "real: none: windows with a verdict"),
        ("abrupt, half a standard deviation", Tally(Count(989, 1000)), "abrupt, half a standard deviation: found"),
        (real.SEASON, Tally(), "real: flights of another season: found"),
    ],
)  # fmt: skip
def test_each_bound_is_missed_by_itself(kind: str, tally: Tally, missed: str) -> None:
    tallies = counted()
    tallies[floors.OURS][kind] = tally
    assert [bound.what for bound in floors.missed(tallies)] == [missed]
    assert "**" in floors.table(tallies)


@pytest.mark.parametrize("judge", [floors.TOGETHER, floors.IN_TIME])
def test_checks_on_request_may_not_raise_false_alarms_either(judge: str) -> None:
    tallies = counted()
    tallies[judge][real.SAME] = Tally(Count(3, 260))
    assert [bound.what for bound in floors.missed(tallies)] == [f"{real.SAME}: false alarms {judge}"]
    for kind in floors.STILL:
        tallies[judge][kind] = Tally(Count(3, 260))
    assert f"no drift of any kind: false alarms {judge}" in [bound.what for bound in floors.missed(tallies)]
    del tallies[judge][real.SAME]
    assert f"{real.SAME}: false alarms {judge}" in [bound.what for bound in floors.missed(tallies)]


def test_checks_on_request_see_enough_windows_without_drift_of_each_data_set_to_tell_one_percent() -> None:
    seen = [plan for plan in bench.suite(1.0)[:: bench.METHODS_SEE] if isinstance(plan, partial)]
    still = Counter(plan.keywords["name"] for plan in seen if plan.keywords.get("kind") == real.SAME)
    assert still == dict.fromkeys(real.NAMES, 20)


def test_the_page_says_what_made_it() -> None:
    page = tables.page(counted(), "python -m benchmarks.verdicts --scale 0.35 --write", 0.35, "| tuned |")
    assert "Made by `python -m benchmarks.verdicts --scale 0.35 --write`" in page
    assert "The scale is 0.35;" in page
    assert page.index("## Each method by itself") < page.index("## What the thresholds were chosen by")
    assert page.endswith("| tuned |\n")


def test_every_kind_of_drift_has_a_floor() -> None:
    on_request = {kind for kind, _ in floors.FOUND_ON_REQUEST.values()}
    assert set(synthetic.KINDS) == {*floors.FOUND, *on_request}
    assert set(floors.FOUND) == set(floors.FOUND_LARGE)


def test_one_that_needs_history_is_shown_ten_times_the_rows_before() -> None:
    plans = [
        plan for plan in bench.suite(0.05) if isinstance(plan, partial) and plan.keywords.get("name") != real.FLIGHTS
    ]
    for plan in {(plan.func, plan.keywords.get("kind")): plan for plan in plans}.values():
        if plan.func is synthetic.of_any_size:
            plan = partial(plan, largest=200)
        longer = bench.with_history(plan)(np.random.default_rng(1))
        assert longer.kind == plan(np.random.default_rng(1)).kind
        assert longer.reference.num_rows >= 10 * longer.window.num_rows
