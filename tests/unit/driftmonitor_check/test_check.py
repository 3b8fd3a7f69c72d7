"""Evidence becomes one outcome; the first reason found ends the check."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.evidence import Coverage, Reference, ReferenceProblem, Window

SpecOf = Callable[..., DriftMonitorSpec]
Flights = Callable[..., pa.Table]
FEATURES = {"distance": "Numerical", "delay": "Numerical", "origin": "Categorical", "weekend": "Categorical"}
PROBLEM = ReferenceProblem("spec.reference.storageUri: it cannot be reached")


@pytest.fixture
def outcome_of(now: datetime) -> Callable[[DriftMonitorSpec, pa.Table, pa.Table | ReferenceProblem], Outcome]:
    def build(spec: DriftMonitorSpec, current: pa.Table, reference: pa.Table | ReferenceProblem) -> Outcome:
        against: Reference | ReferenceProblem
        if isinstance(reference, ReferenceProblem):
            against = reference
        else:
            status = ReferenceStatus(
                storage_uri=spec.reference.storage_uri, sha256="0", rows=reference.num_rows, time=now
            )
            against = Reference(reference, status, f"spec.reference.storageUri: {spec.reference.storage_uri}")
        window = Window(current, now - timedelta(hours=1), now, Coverage(written=2000, stored=1500, lost=3))
        return check(spec, window, against, title="ns/name", now=now)

    return build


def test_like_data_is_no_drift(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    outcome = outcome_of(spec_of(FEATURES), flights(1000, seed=1), flights(2000, seed=2))
    assert (outcome.conclusion.verdict, outcome.conclusion.drifted) == ("NoDrift", "0/4")
    assert not outcome.violations
    assert "NoDrift" in outcome.html
    assert (outcome.rows, outcome.reference.rows, outcome.coverage, outcome.rows_lost) == (1000, 2000, 0.75, 3)


def test_other_data_is_drift(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    outcome = outcome_of(spec_of(FEATURES), flights(1000, seed=1, shift=2.0), flights(2000, seed=2))
    assert outcome.conclusion.verdict == "DriftDetected"
    assert outcome.conclusion.drift_share >= 0.5
    assert outcome.columns[0].severity == "DriftDetected"


def test_the_thresholds_of_the_object_decide(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    shifted, reference = flights(1000, seed=1, shift=0.4), flights(2000, seed=2)
    blind = {"method": "psi", "warning": 100, "critical": 100}
    low = {"method": "psi", "warning": 0.0001, "critical": 100}
    for test, verdict in ((blind, "NoDrift"), (low, "DriftSuspected")):
        spec = spec_of(FEATURES, numerical=test, categorical=test)
        assert outcome_of(spec, shifted, reference).conclusion.verdict == verdict


def test_the_same_evidence_gives_the_same_outcome(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    once, again = (outcome_of(spec_of(FEATURES), flights(500, seed=1), flights(500, seed=2)) for _ in range(2))
    assert (once.conclusion, once.columns) == (again.conclusion, again.columns)


def test_columns_without_declaration_get_their_types_from_the_reference(
    outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    stored = flights(500, seed=1)
    stored = stored.set_column(3, "weekend", stored["weekend"].cast(pa.int8()).cast(pa.float64()))
    outcome = outcome_of(spec_of(), stored, flights(500, seed=2).append_column("late", pa.nulls(500)))
    assert {column.name: column.type for column in outcome.columns} == {**FEATURES, "weekend": "Boolean"}
    assert outcome.conclusion.verdict == "NoDrift"


def test_columns_of_all_types_are_compared_and_those_without_a_drawing_are_named_on_the_page(
    outcome_of: Any, spec_of: SpecOf, now: datetime
) -> None:
    def rows(seed: int, words: int) -> pa.Table:
        random = np.random.default_rng(seed)
        return pa.table(
            {
                "age": random.normal(size=1000),
                "loyal": random.random(1000) < 0.5,
                "born": [now - timedelta(days=float(days)) for days in random.exponential(1000, 1000)],
                "review": [" ".join(map(str, random.integers(0, words, 6))) for _ in range(1000)],
                "vector": random.normal(size=(1000, 4)).tolist(),
            }
        )

    reference = rows(seed=2, words=100)
    like, other = (outcome_of(spec_of(), rows(seed=1, words=words), reference) for words in (100, 40))
    assert {column.name: column.type for column in like.columns} == {
        "age": "Numerical", "loyal": "Boolean", "born": "Datetime", "review": "Text", "vector": "Embedding"
    }  # fmt: skip
    assert (like.conclusion.verdict, like.conclusion.drifted) == ("NoDrift", "0/5")
    assert not like.violations
    for told in ("Not shown: review", "Not shown: vector", "Shown in days from the median of each side: born."):
        assert told in like.html
    assert (other.conclusion.verdict, other.columns[0].name) == ("DriftDetected", "review")
    assert re.search(r"Critical: review \(domain_classifier 0\.\d+, p \S+\)\.", other.conclusion.message)


REDACT = {"drop": ["delay"], "hash": ["origin"], "keySecret": {"name": "redaction"}}


def _redacted(rows: pa.Table) -> pa.Table:
    """As the store has them."""
    hashes = pa.array([f"hash of {value}" for value in rows["origin"].to_pylist()])
    return rows.drop_columns(["delay", "origin"]).append_column("origin", hashes)


@pytest.mark.parametrize("features", [None, FEATURES])
def test_redacted_features_are_left_out_by_name_and_raise_no_alarm(
    features: dict[str, str] | None, outcome_of: Any, rolling_outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    window = _redacted(flights(1000, seed=1))
    training, unredacted, redacted = flights(2000, seed=2), flights(1000, seed=3), _redacted(flights(1000, seed=4))
    rolling = spec_of(features, reference={"window": {}}, redact=REDACT)
    for outcome in (
        outcome_of(spec_of(features, redact=REDACT), window, training),
        rolling_outcome_of(rolling, window, unredacted),  # from before the redaction
        rolling_outcome_of(rolling, window, redacted),
    ):
        assert (outcome.conclusion.verdict, outcome.conclusion.drifted) == ("NoDrift", "0/2")
        assert sorted(column.name for column in outcome.columns) == ["distance", "weekend"]
        assert outcome.violations == []
        assert "Not compared, by spec.logging.redact: delay, origin." in outcome.conclusion.message
        assert "Not compared, by spec.logging.redact: delay, origin." in outcome.html


def test_without_redaction_the_same_rows_raise_alarms(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    outcome = outcome_of(spec_of(FEATURES), _redacted(flights(1000, seed=1)), flights(2000, seed=2))
    faults = [(violation.column, violation.check) for violation in outcome.violations]
    assert faults == [
        ("delay", "missing_column_check"),
        ("origin", "categorical_values_check"),
        ("origin", "vanished_categories_check"),
    ]
    assert outcome.columns[0].name == "origin" and outcome.columns[0].severity == "DriftDetected"


def test_where_all_features_are_redacted_nothing_is_said_of_drift(
    outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    outcome = outcome_of(spec_of(FEATURES, redact={"drop": list(FEATURES)}), flights(500, seed=1), flights(500, seed=2))
    assert outcome.conclusion.verdict == "CheckFailed"
    assert outcome.conclusion.message.endswith("by spec.logging.redact: delay, distance, origin, weekend.")


@pytest.mark.parametrize("rows", [0, 99])
def test_too_few_rows_in_the_window_are_insufficient(
    rows: int, outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    outcome = outcome_of(spec_of(FEATURES), flights(rows, seed=1), flights(500, seed=2))
    assert outcome.conclusion.verdict == "InsufficientData"
    assert outcome.conclusion.message.startswith(f"The window has {rows} of the 100 rows")
    assert (outcome.html, outcome.columns, outcome.conclusion.drift_share) == (None, (), None)


def test_too_few_rows_in_the_reference_are_insufficient(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    outcome = outcome_of(spec_of(FEATURES), flights(500, seed=1), flights(99, seed=2))
    assert outcome.conclusion.verdict == "InsufficientData"
    assert outcome.conclusion.message.startswith("The reference has 99 of the 100 rows")


@pytest.fixture
def rolling_outcome_of(now: datetime) -> Callable[..., Outcome]:
    """As `outcome_of`, with a reference from 14 days to 7 days ago."""

    def build(spec: DriftMonitorSpec, current: pa.Table, earlier: pa.Table, *, cut: bool = False) -> Outcome:
        start, end = now - timedelta(days=14), now - timedelta(days=7)
        status = ReferenceStatus(window_start=start, window_end=end, rows=earlier.num_rows, time=now)
        reference = Reference(earlier, status, "spec.reference.window: then", cut=cut)
        return check(spec, Window(current, now, now), reference, title="ns/name", now=now)

    return build


def test_an_earlier_window_is_a_reference(rolling_outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    spec = spec_of(FEATURES, reference={"window": {}})
    for shift, verdict in ((0.0, "NoDrift"), (2.0, "DriftDetected")):
        outcome = rolling_outcome_of(spec, flights(1000, seed=1, shift=shift), flights(1000, seed=2))
        assert outcome.conclusion.verdict == verdict
        assert outcome.reference.window_end - outcome.reference.window_start == timedelta(days=7)
        assert "newest" not in outcome.conclusion.message


def test_an_earlier_window_that_was_cut_says_so(rolling_outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    spec = spec_of(FEATURES, reference={"window": {}})
    outcome = rolling_outcome_of(spec, flights(500, seed=1), flights(400, seed=2), cut=True)
    assert outcome.conclusion.message.endswith(
        "The reference is the newest 400 rows of its window (checks.window.maxRows)."
    )


@pytest.mark.parametrize("rows", [0, 99])
def test_an_earlier_window_with_too_few_rows_is_insufficient_and_named(
    rows: int, rolling_outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    spec = spec_of(reference={"window": {}})
    earlier = flights(rows, seed=2) if rows else pa.table({})
    outcome = rolling_outcome_of(spec, flights(500, seed=1), earlier)
    assert outcome.conclusion.verdict == "InsufficientData"
    asked = "of the 100 rows that spec.checks.window.minRows asks for"
    assert outcome.conclusion.message == f"The reference has {rows} {asked} (spec.reference.window: then)."
    both = rolling_outcome_of(spec, flights(10, seed=1), earlier).conclusion.message
    assert both.startswith(f"The window has 10 {asked}. The reference has {rows} {asked} (")


def test_a_retention_that_is_too_short_for_the_reference_is_named(
    rolling_outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    spec = spec_of(reference={"window": {}})
    short = spec.model_copy(update={"collector": spec.collector.model_copy(update={"retention": "10d"})})
    message = rolling_outcome_of(short, flights(500, seed=1), flights(0, seed=2)).conclusion.message
    assert message.endswith("What is older than spec.collector.retention (10d) is deleted.")


def test_an_earlier_window_of_something_else_is_a_missing_reference(
    rolling_outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    spec = spec_of(FEATURES, reference={"window": {}})
    outcome = rolling_outcome_of(spec, flights(500, seed=1), pa.table({"x": [1.0] * 500}))
    assert outcome.conclusion.verdict == "ReferenceMissing"
    assert outcome.conclusion.message.startswith("spec.reference.window: then has none of the features")


def test_two_of_forty_columns_are_never_no_drift(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    names = [f"gone{place}" for place in range(38)]
    spec = spec_of({"distance": "Numerical", "delay": "Numerical"} | dict.fromkeys(names, "Numerical"))
    outcome = outcome_of(spec, flights(500, seed=1), flights(500, seed=2))
    assert outcome.conclusion.verdict == "CheckFailed"
    assert outcome.conclusion.message.startswith("Only 2 of 40 columns could be checked")
    assert len([fault for fault in outcome.violations if fault.check == "missing_column_check"]) == 38
    assert "CheckFailed" in outcome.html


def test_exactly_as_many_rows_as_asked_for_are_enough(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    lenient = {"method": "psi", "warning": 100, "critical": 100}
    spec = spec_of(FEATURES, numerical=lenient, categorical=lenient)
    assert outcome_of(spec, flights(100, seed=1), flights(100, seed=2)).conclusion.verdict == "NoDrift"


def test_a_reference_that_cannot_be_read_goes_before_too_few_rows(
    outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    outcome = outcome_of(spec_of(FEATURES), flights(0, seed=1), PROBLEM)
    assert (outcome.conclusion.verdict, outcome.conclusion.message) == ("ReferenceMissing", PROBLEM.message)
    assert outcome.reference is None


def test_a_reference_without_rows_is_missing(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    outcome = outcome_of(spec_of(FEATURES), flights(500, seed=1), flights(0, seed=2))
    assert outcome.conclusion.verdict == "ReferenceMissing"
    assert "has no rows" in outcome.conclusion.message


def test_a_reference_of_something_else_is_missing(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    outcome = outcome_of(spec_of(FEATURES), flights(500, seed=1), pa.table({"x": [1.0] * 500, "y": [2.0] * 500}))
    assert outcome.conclusion.verdict == "ReferenceMissing"
    assert "none of the features (distance, delay, origin, weekend); its columns are x, y" in outcome.conclusion.message


def test_an_object_that_cannot_be_goes_before_all_else(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    spec = spec_of(FEATURES, columns={"origin": {"method": "ks"}})
    outcome = outcome_of(spec, flights(0, seed=1), PROBLEM)
    assert outcome.conclusion.verdict == "CheckFailed"
    assert outcome.conclusion.message.startswith("spec.checks.drift.columns.origin.method: ks does not apply")


BROKEN: dict[str, tuple[Any, str]] = {
    "null": (pa.nulls(500, pa.float64()), "completeness_check"),
    "nan": (pa.array([float("nan")] * 500), "completeness_check"),
    "infinite": (pa.array([float("inf")] * 500), "completeness_check"),
    "interval": (pa.array([(1, 2, 3)] * 500, pa.month_day_nano_interval()), "data_type_check"),
    "text": (pa.array(["x"] * 500), "data_type_check"),
    "nested": (pa.array([[1.0]] * 500), "data_type_check"),
    "sparse": (pa.array([1.0] * 49 + [None] * 451), "completeness_check"),
    "overflowing": (pa.array([1.7e308 * (row / 250 - 1) for row in range(500)]), "statistic_check"),
}


@pytest.mark.parametrize("side", ["window", "reference"])
@pytest.mark.parametrize("kind", list(BROKEN))
def test_a_broken_column_is_a_violation_and_the_others_are_checked(
    kind: str, side: str, outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    values, fault = BROKEN[kind]
    window, reference = flights(500, seed=1), flights(500, seed=2)
    if side == "window":
        window = window.set_column(1, "delay", values)
    else:
        reference = reference.set_column(1, "delay", values)
    outcome = outcome_of(spec_of(FEATURES, numerical={"method": "psi"}), window, reference)
    told = [(each.column, each.check) for each in outcome.violations if each.check != "range_check"]
    assert told == [("delay", fault)]
    assert outcome.conclusion.verdict == "NoDrift"
    assert outcome.conclusion.drifted == "0/3"
    assert f"Not checked: delay ({fault}: " in outcome.conclusion.message
    unchecked = [column for column in outcome.columns if column.severity == "NotChecked"]
    assert [(column.name, column.score) for column in unchecked] == [("delay", None)]
    assert outcome.html is not None


def test_a_new_feature_is_a_violation_until_the_reference_has_it(
    outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    window = flights(500, seed=1).append_column("new", pa.array([1.0] * 500))
    outcome = outcome_of(spec_of(), window, flights(500, seed=2))
    assert [(each.column, each.check) for each in outcome.violations] == [("new", "missing_column_check")]


def test_a_declared_feature_that_is_never_sent_is_a_violation(
    outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    outcome = outcome_of(spec_of(FEATURES), flights(500, seed=1).drop_columns("origin"), flights(500, seed=2))
    assert [(each.column, each.check) for each in outcome.violations] == [("origin", "missing_column_check")]


def test_a_score_that_is_not_a_number_is_a_violation_not_stability(outcome_of: Any, spec_of: SpecOf) -> None:
    constant = pa.table({"a": ["x"] * 500})
    spec = spec_of({"a": "Categorical"}, categorical={"method": "chisquare"})
    outcome = outcome_of(spec, constant, constant)
    assert outcome.conclusion.verdict == "CheckFailed"
    assert [each.check for each in outcome.violations] == ["statistic_check"]


def test_only_broken_columns_are_never_no_drift(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    spec = spec_of({"origin": "Numerical", "weekend": "Numerical", "gone": "Numerical"})
    window = flights(500, seed=1).set_column(3, "weekend", pa.nulls(500))
    outcome = outcome_of(spec, window, flights(500, seed=2))
    assert outcome.conclusion.verdict == "CheckFailed"
    assert outcome.conclusion.message.startswith("No column could be checked. Not checked: origin (data_type_check: ")
    assert outcome.html is None
    assert len([fault for fault in outcome.violations if fault.severity == "Critical"]) == 3


def test_a_score_beyond_the_bound_of_the_api_is_cut_and_is_drift(outcome_of: Any, spec_of: SpecOf) -> None:
    spec = spec_of({"a": "Numerical"}, numerical={"method": "wasserstein"})
    reference = pa.table({"a": np.random.default_rng(1).normal(0, 1e-9, 500)})
    outcome = outcome_of(spec, pa.table({"a": [1e14] * 500}), reference)
    assert [(each.score, each.severity) for each in outcome.columns] == [(1e15, "DriftDetected")]


def test_a_sampled_report_says_so_in_the_verdict(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    outcome = outcome_of(spec_of({"distance": "Numerical"}), flights(21_000, seed=1), flights(500, seed=2))
    assert outcome.conclusion.message.endswith("The report shows a sample of 20000 rows.")


def test_a_type_that_arrow_cannot_convert_is_a_violation(outcome_of: Any, spec_of: SpecOf, flights: Flights) -> None:
    odd = pa.array([(1, 2, 3)] * 500, pa.month_day_nano_interval())
    outcome = outcome_of(spec_of(FEATURES), flights(500, seed=1).set_column(2, "origin", odd), flights(500, seed=2))
    assert [(each.column, each.check) for each in outcome.violations] == [("origin", "data_type_check")]


def test_a_name_beyond_the_bound_of_the_api_is_cut_and_the_check_goes_on(
    outcome_of: Any, spec_of: SpecOf, flights: Flights
) -> None:
    long = "n" * 300
    window = flights(500, seed=1).rename_columns([long, "delay", "origin", "weekend"])
    outcome = outcome_of(spec_of(), window, flights(500, seed=2))
    assert [each.column for each in outcome.violations] == [long[:128]]
    assert outcome.conclusion.drifted == "0/3"
