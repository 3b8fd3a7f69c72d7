"""Faults of the data are named with value, threshold and severity; clean data has none."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, Shifts, Violation
from driftmonitor_check.columns import resolve
from driftmonitor_check.driftfindings import of_shifts
from driftmonitor_check.evidence import Window
from driftmonitor_check.methods import ConfigurationError
from driftmonitor_check.quality import chance
from driftmonitor_check.quality.assessment import ROWS, assess, count
from driftmonitor_check.quality.levels import judged, verify

Assess = Callable[..., list[Violation]]
ROW_COUNT = 1000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def numbers(seed: int = 1, rows: int = ROW_COUNT) -> np.ndarray:
    return np.random.default_rng(seed).random(rows)


def with_some(values: Any, share: float, fault: Any) -> list[Any]:
    """The values with a fault in so many rows."""
    faulty = round(len(values) * share)
    return [*[fault] * faulty, *list(values)[faulty:]]


@pytest.fixture
def spec_with() -> Callable[..., DriftMonitorSpec]:
    def build(quality: dict[str, Any] | None = None, window: dict[str, Any] | None = None, **types: str) -> Any:
        return DriftMonitorSpec.model_validate(
            {
                "model": {
                    "storageUri": "configmap://models/model.onnx",
                    "features": [{"name": name, "type": kind} for name, kind in types.items()] or None,
                },
                "reference": {"storageUri": "configmap://models/reference.csv"},
                "checks": {"schedule": "* * * * *", "quality": quality or {}, "window": window or {}},
            }
        )

    return build


@pytest.fixture
def assessed(spec_with: Any) -> Assess:
    def run(type_: str, reference: Any, window: Any, **quality: Any) -> list[Violation]:
        spec = spec_with(quality, a=type_, row="Numerical")
        # A second column, so that no two rows are the same.
        tables = [
            pa.table({"a": side, "row": numbers(seed, len(side))}) for seed, side in ((2, reference), (3, window))
        ]
        return assess(spec, resolve(spec, tables[1].schema, tables[0].schema), of(tables[1]), tables[0])

    return run


def of(table: pa.Table, outputs: pa.Table | None = None) -> Window:
    return Window(table, NOW, NOW, outputs=outputs)


def said(violations: list[Violation]) -> list[tuple[str, str, str | None]]:
    return [(each.column, each.check, each.severity) for each in violations]


def clean(random: np.random.Generator, rows: int) -> pa.Table:
    """Columns of many distributions, some with gaps, rare values or very many categories."""
    gaps = random.random(rows)
    return pa.table(
        {
            "normal": random.normal(5, 1, rows),
            "cauchy": random.standard_cauchy(rows),
            "count": random.poisson(2, rows).astype(float),
            "nearly_constant": (random.random(rows) < 0.004).astype(float),
            "gaps": pa.array(random.normal(0, 1, rows), mask=gaps < 0.3),
            "few_gaps": pa.array(random.lognormal(0, 2, rows), mask=gaps > 0.98),
            "flag": random.random(rows) < 0.3,
            "zipf": pa.array([f"c{value}" for value in random.zipf(1.5, rows)]),
            "fifty": pa.array([f"c{value}" for value in random.integers(0, 50, rows)]),
            "geometric": pa.array([f"c{value}" for value in random.geometric(0.1, rows)]),
            "unique": pa.array([f"c{value}" for value in random.integers(0, 1 << 60, rows)]),
            "rare": pa.array(random.choice(["a", "b", "c"], rows, p=[0.99, 0.007, 0.003])),
            "text_with_gaps": pa.array([None if gap < 0.2 else "x" if gap < 0.6 else "y" for gap in gaps]),
        }
    )


@pytest.mark.parametrize(("before", "after", "windows"), [(100, 100, 150), (500, 500, 150), (500, 4000, 50)])
def test_clean_windows_have_no_violation(before: int, after: int, windows: int, spec_with: Any) -> None:
    alarms = []
    for seed in range(windows):
        random = np.random.default_rng([seed, before, after])
        reference, window = clean(random, before), clean(random, after)
        spec = spec_with()
        found = assess(spec, resolve(spec, window.schema, reference.schema), of(window), reference)
        alarms += [(seed, said(found))] if found else []
    assert len(alarms) <= windows // 100, alarms


def test_a_larger_window_of_the_same_data_has_more_copies_and_no_violation(spec_with: Any) -> None:
    random, spec = np.random.default_rng(1), spec_with()
    reference, window = (pa.table({"a": random.integers(0, 4000, rows).astype(float)}) for rows in (500, 20_000))
    assert assess(spec, resolve(spec, window.schema, reference.schema), of(window), reference) == []


def test_clean_rows_of_few_values_are_no_duplicates(spec_with: Any) -> None:
    random, spec = np.random.default_rng(1), spec_with()
    for rows in ((1000, 1000), (500, 20_000), (20_000, 500)):
        reference, window = (pa.table({"a": random.integers(0, 2, n), "b": random.integers(0, 3, n)}) for n in rows)
        assert assess(spec, resolve(spec, window.schema, reference.schema), of(window), reference) == []


FAULTS: dict[str, tuple[str, Any, Any, str, float, float, str]] = {
    "missing": ("Numerical", numbers(1), with_some(numbers(2), 0.2, None), "completeness_check", 0.2, 0.1, "Critical"),
    "not a number": (
        "Numerical",
        numbers(1),
        with_some(numbers(2), 0.07, float("nan")),
        "completeness_check",
        0.07,
        0.05,
        "Warning",
    ),
    "more missing than before": (
        "Categorical",
        with_some(["x", "y"] * 500, 0.3, None),
        with_some(["x", "y"] * 500, 0.5, None),
        "completeness_check",
        0.5,
        0.4,
        "Critical",
    ),
    "one infinity": (
        "Numerical",
        numbers(1),
        with_some(numbers(2), 0.001, float("-inf")),
        "infinity_check",
        0.001,
        0.0,
        "Warning",
    ),
    "infinities": (
        "Numerical",
        numbers(1),
        with_some(numbers(2), 0.02, float("inf")),
        "infinity_check",
        0.02,
        0.01,
        "Critical",
    ),
    "out of range": ("Numerical", numbers(1), with_some(numbers(2), 0.2, -5.0), "range_check", 0.2, 0.1, "Critical"),
    "text": (
        "Numerical",
        numbers(1),
        [str(value) for value in with_some(numbers(2), 0.2, "much")],
        "data_type_check",
        0.2,
        0.01,
        "Critical",
    ),
    "words for digits": (
        "Categorical",
        [1.0, 2.0] * 500,
        with_some(["1", "2"] * 500, 0.005, "true story"),
        "data_type_check",
        0.005,
        0.0,
        "Warning",
    ),
    "new category": (
        "Categorical",
        ["x", "y"] * 500,
        with_some(["x", "y"] * 500, 0.2, "z"),
        "categorical_values_check",
        0.2,
        0.05,
        "Critical",
    ),
    "vanished category": (
        "Categorical",
        with_some(["x", "y"] * 500, 0.2, "z"),
        ["x", "y"] * 500,
        "vanished_categories_check",
        0.2,
        0.1,
        "Warning",
    ),
    "stuck number": ("Numerical", numbers(1), [0.5] * 1000, "constant_value_check", 1.0, 1.0, "Warning"),
    "stuck flag": (
        "Categorical",
        with_some([True] * 1000, 0.05, False),
        [True] * 1000,
        "constant_value_check",
        1.0,
        1.0,
        "Warning",
    ),
}


@pytest.mark.parametrize("kind", list(FAULTS))
def test_each_fault_has_its_name_its_value_its_threshold_and_its_severity(kind: str, assessed: Assess) -> None:
    type_, reference, window, check, value, threshold, severity = FAULTS[kind]
    (found,) = [each for each in assessed(type_, reference, window) if each.check == check]
    assert (found.column, found.severity) == ("a", severity)
    assert found.value == pytest.approx(value, abs=0.005 if check == "range_check" else 1e-9)  # some lie outside anyway
    assert found.threshold == pytest.approx(threshold)


@pytest.mark.parametrize("kind", list(FAULTS))
def test_a_fault_that_the_reference_has_as_well_is_none(kind: str, assessed: Assess) -> None:
    type_, _, window, *_ = FAULTS[kind]
    assert assessed(type_, window, window) == []


def test_only_the_fault_that_is_there_is_told(assessed: Assess) -> None:
    for kind in ("missing", "infinities", "out of range", "text", "new category", "vanished category"):
        type_, reference, window, check, *_ = FAULTS[kind]
        assert [each.check for each in assessed(type_, reference, window)] == [check]


def test_thresholds_are_those_of_the_object(assessed: Assess) -> None:
    type_, reference, window, *_ = FAULTS["missing"]
    (found,) = assessed(type_, reference, window, missing={"warning": 0.15, "critical": 0.3})
    assert (found.severity, found.threshold) == ("Warning", 0.15)
    assert assessed(type_, reference, window, missing={"warning": 0.21, "critical": 0.3}) == []


def test_what_is_named_in_a_message_is_the_most_frequent(assessed: Assess) -> None:
    window = [*["x"] * 500, *["v1"] * 250, *["v2"] * 150, *["v3"] * 60, *["v4"] * 40]
    (found,) = [
        each for each in assessed("Categorical", ["x"] * 1000, window) if each.check == "categorical_values_check"
    ]
    assert found.message.endswith("that the reference has not: 'v1', 'v2', 'v3' and 1 more")


def test_copies_of_rows_are_told_once_for_all_columns(spec_with: Any) -> None:
    spec = spec_with()
    reference = pa.table({"a": numbers(1), "b": pa.array(["x", None] * 500)})
    distinct = pa.table({"a": numbers(2), "b": pa.array([None, "x"] * 500)})
    window = pa.concat_tables([distinct.slice(0, 400), distinct.slice(0, 400), distinct.slice(0, 200)])
    (found,) = assess(spec, resolve(spec, window.schema, reference.schema), of(window), reference)
    assert (found.column, found.check, found.severity, found.value) == (ROWS, "duplicate_rows_check", "Critical", 0.6)
    assert found.message == "600 of the window's 1000 rows are copies of others, 0 of the reference's 1000"


def test_missing_and_equal_values_make_rows_copies(spec_with: Any) -> None:
    nan = float("nan")
    rows = pa.table({"a": [nan, nan, 0.0, -0.0] + [1.0 + place for place in range(96)]})
    spec, reference = spec_with({"duplicates": {"warning": 0.01, "critical": 0.02}}), pa.table({"a": numbers(1)})
    found = assess(spec, resolve(spec, rows.schema, reference.schema), of(rows), reference)
    (copies,) = [each for each in found if each.check == "duplicate_rows_check"]
    assert copies.value == 0.02


def test_the_number_of_rows_is_held_against_its_bounds(spec_with: Any) -> None:
    spec = spec_with({"rowCount": {"minimum": 100, "maximum": 200}})
    assert count(spec, 100) == count(spec, 200) == []
    (few,), (many,) = count(spec, 99), count(spec, 201)
    assert (few.column, few.check, few.value, few.threshold, few.severity) == (
        ROWS,
        "row_count_check",
        99,
        100,
        "Critical",
    )
    assert (many.value, many.threshold) == (201, 200)


def test_a_column_that_is_not_declared_is_extra_unless_it_is_redacted(spec_with: Any) -> None:
    spec = spec_with(a="Numerical")
    table = pa.table({"a": numbers(1), "b": numbers(2)})
    columns = resolve(spec, table.schema, table.schema)
    assert said(assess(spec, columns, of(table), table)) == [("b", "extra_column_check", "Warning")]


def test_what_is_ignored_is_not_told(assessed: Assess) -> None:
    type_, reference, _, *_ = FAULTS["new category"]
    new = ["z"] * 1000
    every = assessed(type_, reference, new)
    assert len(every) == 3
    less = assessed(type_, reference, new, ignore=[{"column": "a", "check": "constant_value_check"}])
    assert [each.check for each in less] == ["categorical_values_check", "vanished_categories_check"]
    assert assessed(type_, reference, new, ignore=[{"column": "a"}]) == []
    assert assessed(type_, reference, new, ignore=[{"column": "b"}]) == every


def test_a_column_that_cannot_be_compared_has_that_fault_alone_with_its_numbers(spec_with: Any) -> None:
    spec = spec_with()
    reference, window = pa.table({"a": numbers(1)}), pa.table({"a": with_some(numbers(2), 0.9, None)})
    fault = Violation(column="a", check="completeness_check", message="too few", severity="Critical")
    found = assess(spec, resolve(spec, window.schema, reference.schema), of(window), reference, [fault])
    (told,) = [each for each in found if each.column == "a"]
    assert (told.check, told.message, told.value, told.threshold) == ("completeness_check", "too few", 0.9, 0.1)
    assert told.severity == "Critical"


def test_critical_violations_come_first(spec_with: Any) -> None:
    spec = spec_with()
    reference = pa.table({"a": numbers(1), "b": numbers(2)})
    window = pa.table({"a": with_some(numbers(3), 0.07, None), "b": with_some(numbers(4), 0.5, None)})
    found = assess(spec, resolve(spec, window.schema, reference.schema), of(window), reference)
    assert [each.column for each in found] == ["b", "a"]


@pytest.mark.parametrize(
    ("quality", "message"),
    [
        ({"missing": {"warning": 0.1}}, "spec.checks.quality.missing: set warning and critical together, or neither"),
        (
            {"outOfRange": {"warning": 0.2, "critical": 0.1}},
            "spec.checks.quality.outOfRange: warning 0.2 must not be more than critical 0.1",
        ),
        (
            {"rowCount": {"minimum": 100, "maximum": 50}},
            "rowCount.minimum: 100 rows can never be seen, because rowCount.maximum is less; lower it",
        ),
        ({"rowCount": {"minimum": 2000}}, "because checks.window.maxRows is less"),
        ({"rowCount": {"maximum": 1000}}, "spec.checks.quality.rowCount.maximum: more than 1000 rows are never seen"),
    ],
)
def test_what_cannot_be_is_named_with_its_field(quality: dict[str, Any], message: str, spec_with: Any) -> None:
    with pytest.raises(ConfigurationError, match=message):
        verify(spec_with(quality, window={"minRows": 10, "maxRows": 1000}))


def test_a_share_beyond_chance_decides() -> None:
    assert judged(0.0, (0.0, 0.01)) is None
    assert judged(0.001, (0.0, 0.01)) == ("Warning", 0.0)
    assert judged(0.05, (0.01, 0.05)) == ("Critical", 0.05)
    assert judged(0.05, (0.01, 0.05), chance=0.06) is None
    assert judged(0.35, (0.05, 0.1), usual=0.3) == ("Warning", pytest.approx(0.35))
    assert judged(1.0, (0.1, 0.5), chance=1.5) is None
    assert judged(1.0, (1.0, 1.0), usual=0.3) == ("Critical", 1.0)


def test_the_smaller_the_sample_the_more_chance_may_do() -> None:
    assert chance.of_share(0, 500, 25, 500) < 0.05 < chance.of_share(0, 50, 3, 50)
    assert chance.of_range(500, 500) < 0.06 < chance.of_range(100, 500)
    assert chance.of_unseen(0, 0, 10_000, 10_000) < 0.01 < chance.of_unseen(100, 50, 1000, 1000)
    assert chance.constant(13, 500, 500) and not chance.constant(14, 500, 500)


_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
KINDS: dict[str, Any] = {
    "nothing": pa.nulls(50),
    "bool": pa.array([True, None] * 25),
    "half": pa.array(np.arange(50, dtype=np.float16)),
    "huge": pa.array([1.7e308, -1.7e308] * 25),
    "decimal": pa.array([Decimal("1.5"), None] * 25),
    "unsigned": pa.array([2**64 - 1, 0] * 25, pa.uint64()),
    "text": pa.array(["x", "2", "", None, "NaN"] * 10),
    "large text": pa.array(["x", "y"] * 25, pa.large_string()),
    "encoded": pa.array(["x", None] * 25).dictionary_encode(),
    "chunked": pa.chunked_array([[1.0] * 20, [], [None] * 30], pa.float64()),
    "binary": pa.array([b"x", None] * 25),
    "fixed binary": pa.array([b"xy", None] * 25, pa.binary(2)),
    "list": pa.array([[1.0], None] * 25),
    "struct": pa.array([{"a": 1}] * 50),
    "map": pa.array([[("a", 1)]] * 50, pa.map_(pa.string(), pa.int64())),
    "timestamp": pa.array([_MOMENT, None] * 25),
    "date": pa.array([_MOMENT.date()] * 50),
    "time": pa.array([_MOMENT.time()] * 50),
    "duration": pa.array([_MOMENT - _MOMENT] * 50),
    "interval": pa.array([(1, 2, 3)] * 50, pa.month_day_nano_interval()),
}


@pytest.mark.parametrize("type_", ["Numerical", "Categorical"])
def test_no_kind_of_column_on_any_side_fails_the_check(type_: str, spec_with: Any) -> None:
    spec = spec_with(a=type_, b="Numerical")
    shifts = Shifts.model_validate({"mean": {}, "quantiles": {}, "correlation": {}})
    for one, other in product(KINDS.values(), KINDS.values()):
        reference, window = (pa.table({"a": side, "b": numbers(1, len(side))}) for side in (one, other))
        columns = resolve(spec, window.schema, reference.schema)
        found = assess(spec, columns, of(window), reference) + list(of_shifts(columns, window, reference, shifts))
        assert all(each.value is not None and math.isfinite(each.value) for each in found if each.threshold is not None)
