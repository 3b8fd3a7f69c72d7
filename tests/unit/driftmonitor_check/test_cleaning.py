"""Two raw columns become comparable, or their fault gets its name."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_check.cleaning import MAX_CATEGORIES, OTHER_VALUES, ColumnFaultError, Pair, clean

NAN, INFINITY = float("nan"), float("inf")


def pair_of(type_: Any, reference: Any, current: Any, min_values: int = 1) -> Pair:
    return clean("a", type_, pa.table({"a": reference}), pa.table({"a": current}), min_values=min_values)


def fault_of(type_: Any, reference: pa.Table, current: pa.Table, min_values: int = 1) -> tuple[str, str]:
    with pytest.raises(ColumnFaultError) as fault:
        clean("a", type_, reference, current, min_values=min_values)
    return fault.value.check, str(fault.value)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2], pa.uint8()),
        pa.array([1, 2], pa.int64()),
        pa.array([1, 2], pa.float32()),
        pa.array([1, 2], pa.float16()),
        pa.array([Decimal("1.00"), Decimal("2.00")]),
        pa.array([1, 2]).dictionary_encode(),
        pa.chunked_array([[1], [2]]),
    ],
)
def test_every_kind_of_number_becomes_a_double(values: Any) -> None:
    pair = pair_of("Numerical", values, [1.0, 2.0])
    assert pair.reference.type == pa.float64()
    assert pair.reference.to_pylist() == [1.0, 2.0]


def test_booleans_count_as_zero_and_one() -> None:
    assert pair_of("Numerical", [True, False], [1.0, 0.0]).reference.to_pylist() == [1.0, 0.0]


def test_integers_beyond_a_doubles_precision_do_not_fail_the_column() -> None:
    assert pair_of("Numerical", [2**53 + 1], [1.0]).reference.to_pylist() == [float(2**53)]


def test_what_is_not_a_finite_number_is_left_out_and_the_rows_stay_in_place() -> None:
    pair = pair_of("Numerical", [1.0, NAN, INFINITY, -INFINITY, None, 6.0], [1.0])
    assert pair.reference.to_pylist() == [1.0, None, None, None, None, 6.0]


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        ([True, False], [1.0, 0.0]),
        ([1, 0], [1.0, 0.0]),
        (["1", "0"], [1.0, 0.0]),
        (["1.0", " 0"], [1, 0]),
        (["true", "False"], [1.0, 0.0]),
        ([1.0, 0.0], ["1", "0"]),
        ([1.0, -0.0], [1.0, 0.0]),
    ],
)
def test_one_category_written_in_two_ways_is_one(reference: list[Any], current: list[Any]) -> None:
    pair = pair_of("Categorical", reference, current)
    assert pair.reference.to_pylist() == pair.current.to_pylist() == ["1", "0"]


def test_texts_on_both_sides_stay_as_they_are() -> None:
    pair = pair_of("Categorical", ["01", "1"], ["1", "true"])
    assert (pair.reference.to_pylist(), pair.current.to_pylist()) == (["01", "1"], ["1", "true"])


def test_numbers_against_words_are_compared_as_texts() -> None:
    pair = pair_of("Categorical", [1.0, 2.0, NAN], ["1", "unknown", None])
    assert (pair.reference.to_pylist(), pair.current.to_pylist()) == (["1", "2", None], ["1", "unknown", None])


def test_dictionary_encoded_and_large_texts_are_texts() -> None:
    encoded = pa.array(["x", "y"]).dictionary_encode()
    pair = pair_of("Categorical", encoded, pa.array(["x", "y"], pa.large_string()))
    assert pair.reference.equals(pair.current)


def test_the_rarest_of_too_many_categories_are_compared_as_one() -> None:
    common = [f"common{number:04}" for number in range(MAX_CATEGORIES)]
    pair = pair_of("Categorical", common * 2 + [f"rare{number}" for number in range(500)], [*common, None, "new"])
    assert set(pair.reference.to_pylist()) == {*common, OTHER_VALUES}
    assert pair.current.to_pylist()[-2:] == [None, OTHER_VALUES]


def test_as_many_categories_as_allowed_are_kept() -> None:
    names = [f"{number}x" for number in range(MAX_CATEGORIES)]
    assert OTHER_VALUES not in pair_of("Categorical", names, names).reference.to_pylist()


def test_a_column_missing_on_a_side_is_named_with_the_side() -> None:
    here, gone = pa.table({"a": [1.0]}), pa.table({"b": [1.0]})
    assert fault_of("Numerical", gone, here) == ("missing_column_check", "the reference has no such column")
    assert fault_of("Numerical", here, gone) == ("missing_column_check", "the window has no such column")


def test_a_name_that_two_columns_have_is_a_fault() -> None:
    twice = pa.table([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    assert fault_of("Numerical", twice, pa.table({"a": [1.0]}))[0] == "missing_column_check"


@pytest.mark.parametrize("values", [["x"], [b"x"], [[1.0]], [{"k": 1.0}]])
def test_what_is_no_number_is_no_numerical_column(values: list[Any]) -> None:
    check, message = fault_of("Numerical", pa.table({"a": [1.0]}), pa.table({"a": values}))
    assert check == "data_type_check"
    assert "the window holds" in message


@pytest.mark.parametrize("values", [[b"x"], [[1.0]], [{"k": 1.0}]])
def test_what_is_no_single_value_is_no_categorical_column(values: list[Any]) -> None:
    check, message = fault_of("Categorical", pa.table({"a": values}), pa.table({"a": ["x"]}))
    assert check == "data_type_check"
    assert "the reference holds" in message


@pytest.mark.parametrize("type_", ["Numerical", "Categorical"])
@pytest.mark.parametrize("values", [pa.nulls(3), pa.nulls(3, pa.float64()), [NAN, NAN, NAN], [INFINITY, None, NAN]])
def test_a_column_without_values_is_incomplete(type_: str, values: Any) -> None:
    check, message = fault_of(type_, pa.table({"a": [1.0]}), pa.table({"a": values}))
    assert check == "completeness_check"
    assert message.startswith("only 0 of the window's 3 rows have")


def test_a_column_with_few_values_is_not_compared() -> None:
    reference, current = pa.table({"a": [1.0, 2.0, None]}), pa.table({"a": [1.0, 2.0, 3.0]})
    check, message = fault_of("Numerical", reference, current, min_values=3)
    assert check == "completeness_check"
    assert message == "only 2 of the reference's 3 rows have finite numbers in it; 3 are needed"
