"""Booleans, times, texts and vectors are read whatever they are stored as, and what is none of them is told."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import FeatureType, Quality
from driftmonitor_check.cleaning import ColumnFaultError, Pair, clean, numbers, raw_column, seconds
from driftmonitor_check.quality import others
from driftmonitor_check.reading import booleans, datetimes, embeddings, texts
from driftmonitor_check.reading.values import Read

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pair_of(type_: FeatureType, reference: Any, current: Any) -> Pair:
    return clean("a", type_, pa.table({"a": reference}), pa.table({"a": current}), min_values=1)


def fault_of(type_: FeatureType, reference: Any, current: Any) -> tuple[str, str]:
    with pytest.raises(ColumnFaultError) as fault:
        pair_of(type_, reference, current)
    return fault.value.check, str(fault.value)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([True, False, None]),
        pa.array([1.0, 0.0, None]),
        pa.array([1.0, -0.0, float("nan")]),
        pa.array([1, 0, None], pa.int8()),
        pa.array([Decimal("1.00"), Decimal("0.00"), None]),
        pa.array(["True", " false", ""]),
        pa.array(["yes", "no", "NA"]),
        pa.array(["1.0", "0", None], pa.large_string()),
        pa.array(["t", "f", None], pa.string_view()),
    ],
)
def test_truth_is_read_from_every_way_of_storing_it(values: pa.Array) -> None:
    read = booleans.read(values, "window")
    assert (read.values.to_pylist(), read.missing, read.unreadable) == (["true", "false", None], 1, 0)


@pytest.mark.parametrize("values", [pa.array([1.0, 2.0, None]), pa.array(["yes", "maybe", None])])
def test_what_is_neither_true_nor_false_is_counted(values: pa.Array) -> None:
    read = booleans.read(values, "window")
    assert (read.values.to_pylist(), read.missing, read.unreadable) == (["true", None, None], 1, 1)


def test_a_stored_one_is_the_true_of_a_file() -> None:
    pair = pair_of("Boolean", [True, False], [1.0, 0.0])
    assert pair.reference.equals(pair.current)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([NOON, None], pa.timestamp("ns", "UTC")),
        pa.array([NOON, None], pa.timestamp("us", "America/New_York")),
        pa.array([NOON.replace(tzinfo=None), None], pa.timestamp("s")),
        pa.array(["2026-01-01T12:00:00Z", None]),
        pa.array(["2026-01-01 14:00:00.000+02:00", ""]),
        pa.array(["2026-01-01T12:00", "NaN"]),
        pa.array(["2026-01-01T07:00:00-0500", None]),
    ],
)
def test_a_time_is_read_from_every_way_of_storing_it(values: pa.Array) -> None:
    read = datetimes.read(values, "window")
    assert (read.values.to_pylist(), read.missing, read.unreadable) == ([NOON.timestamp() * 1e6, None], 1, 0)


@pytest.mark.parametrize("type_", [pa.date32(), pa.date64()])
def test_a_date_is_its_midnight(type_: pa.DataType) -> None:
    read = datetimes.read(pa.array([date(1970, 1, 2)], type_), "window")
    assert read.values.to_pylist() == datetimes.read(pa.array(["1970-01-02"]), "window").values.to_pylist() == [864e8]


def test_texts_that_only_look_like_times_are_counted_one_by_one() -> None:
    read = datetimes.read(pa.array(["2026-02-30", "2026-02-03", "soon", "2026-02-03T00:00:00Z", None]), "window")
    assert [value is None for value in read.values.to_pylist()] == [True, False, True, False, True]
    assert read.values[1] == read.values[3]
    assert (read.missing, read.unreadable) == (1, 2)


def test_times_are_compared_by_how_they_lie_to_each_other_for_time_passes() -> None:
    times = [NOON + timedelta(days=number) for number in (-1, 0, 0, 3)]
    later = [time + timedelta(days=400) for time in times]
    pair = pair_of("Datetime", times, later)
    assert pair.reference.to_pylist() == pair.current.to_pylist() == [-1.0, 0.0, 0.0, 3.0]


def test_numbers_are_no_times_for_nobody_knows_their_unit() -> None:
    check, message = fault_of("Datetime", [NOON], [1767268800.0])
    assert check == "data_type_check"
    assert message.endswith("the window holds double values; give times as timestamps, dates or texts by ISO 8601")


@pytest.mark.parametrize(
    "type_", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_a_text_without_a_letter_is_none(type_: pa.DataType) -> None:
    read = texts.read(raw_column(pa.table({"a": pa.array(["a b", " ", None]).cast(type_)}), "a", "window"), "window")
    assert (read.values.to_pylist(), read.missing) == (["a b", None, None], 2)


@pytest.mark.parametrize("type_", ["Boolean", "Datetime", "Text", "Embedding"])
def test_a_column_of_structures_is_of_no_type(type_: FeatureType) -> None:
    assert fault_of(type_, [{"x": 1}], [{"x": 1}])[0] == "data_type_check"


@pytest.mark.parametrize("type_", ["Boolean", "Datetime", "Text", "Embedding"])
def test_a_column_of_nothing_has_no_values(type_: FeatureType) -> None:
    assert fault_of(type_, pa.nulls(3), pa.nulls(3))[0] == "completeness_check"


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float32())),
        pa.array([[1, 2], None, [3, 4]], pa.large_list(pa.int16())),
        pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float64(), 2)),
        pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float16(), 2)),
        pa.array(["[1, 2]", None, "[3.0, 4]"]),
    ],
)
def test_a_vector_is_read_from_every_way_of_storing_it(values: pa.Array) -> None:
    read = embeddings.read(values, "window")
    assert (read.values.to_pylist(), read.missing, read.unreadable) == ([[1.0, 2.0], None, [3.0, 4.0]], 1, 0)
    assert embeddings.matrix(read.values.drop_null()).tolist() == [[1, 2], [3, 4]]


def test_vectors_of_other_lengths_or_with_holes_are_counted() -> None:
    values = pa.array([[1.0, 2.0], [1.0], [None, 2.0], [float("nan"), 1.0], [], None, [3.0, 4.0], [5.0, 6.0]])
    read = embeddings.read(values, "window")
    assert (len(read.values.drop_null()), read.missing, read.unreadable) == (3, 1, 4)


def test_vectors_of_two_models_cannot_be_compared() -> None:
    assert fault_of("Embedding", [[1.0, 2.0]], [[1.0, 2.0, 3.0]]) == (
        "data_type_check", "the reference has vectors of 2 numbers, the window of 3: they are of two models",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([timedelta(minutes=1), timedelta(milliseconds=5)], pa.duration("ms")), [60, 0.005]),
        (pa.array([90, 1], pa.duration("ns")), [9e-8, 1e-9]),
        (pa.array([3600, 1], pa.time32("s")), [3600, 1]),
        (pa.array([3600, 1], pa.time64("ns")), [3.6e-6, 1e-9]),
    ],
)
def test_lengths_of_time_are_numbers_of_seconds(values: pa.Array, expected: list[float]) -> None:
    assert seconds(values).to_pylist() == pytest.approx(expected)
    assert pair_of("Numerical", values, expected).reference.to_pylist() == pytest.approx(expected)


@pytest.mark.parametrize(
    "type_",
    [
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float16(), pa.float32(), pa.float64(), pa.decimal128(38, 4), pa.decimal256(60, 4)),
        *(pa.decimal32(9, 2), pa.decimal64(18, 2)),
    ],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_every_width_of_number_with_nulls_is_the_same_numbers(type_: pa.DataType, encoded: bool) -> None:
    values = pa.array([1, None, 3]).cast(pa.float64()).cast(type_)
    if encoded and not pa.types.is_decimal(type_) and type_ != pa.float16():  # Arrow has no dictionary of these
        values = values.dictionary_encode()
    read = numbers(raw_column(pa.table({"a": values}), "a", "window"), "window")
    assert (read.finite.to_pylist(), read.missing) == ([1.0, None, 3.0], 1)


def findings(type_: FeatureType, reference: Read, window: Read) -> list[tuple[str, str]]:
    return [(each.check, each.severity) for each in others.findings(type_, reference, window, Quality())]


def test_what_is_missing_unreadable_or_the_same_in_all_rows_is_a_fault() -> None:
    usual = booleans.read(pa.array([True, False] * 500), "reference")
    assert findings("Boolean", usual, usual) == []
    assert findings("Boolean", usual, booleans.read(pa.array([1.0, None] * 500), "window")) == [
        ("completeness_check", "Critical"), ("constant_value_check", "Warning"),
    ]  # fmt: skip
    assert ("data_type_check", "Critical") in findings("Boolean", usual, booleans.read(pa.array([1.0, 5] * 99), "w"))
    times = datetimes.read(pa.array([NOON + timedelta(hours=hour) for hour in range(1000)]), "reference")
    assert findings("Datetime", times, datetimes.read(pa.array([date(1970, 1, 1)] * 1000), "window")) == [
        ("constant_value_check", "Warning")
    ]
    vectors = embeddings.read(pa.array(np.ones((100, 3)).tolist()), "reference")
    assert findings("Embedding", vectors, vectors) == []
