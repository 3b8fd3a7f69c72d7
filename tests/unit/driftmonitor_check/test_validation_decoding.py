"""Records as a window."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_check.evidence import Window
from driftmonitor_check.validation import decoding
from driftmonitor_check.validation.messages import RequestError

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
Decode = Callable[..., Window]


@pytest.fixture
def window() -> Decode:
    def decode(*records: Any, **options: Any) -> Window:
        given: dict[str, Any] = {"order": None, "known": None, "kept": None, "max_rows": 100, "now": NOW}
        return decoding.window(records, **given | options)

    return decode


def features(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"features": row} for row in rows]


def test_rows_become_columns_in_the_order_in_which_they_are_seen(window: Decode) -> None:
    table = window(*features({"a": 1, "b": "x"}, {"b": None, "c": True}, {"a": 2.5})).table
    assert table.to_pydict() == {"a": [1.0, None, 2.5], "b": ["x", None, None], "c": [None, 1.0, None]}
    assert [field.type for field in table.schema] == [pa.float64(), pa.string(), pa.float64()]


def test_what_the_model_said_goes_with_the_rows_that_tell_it(window: Decode) -> None:
    row = {"features": {"a": 1}}
    found = window(
        row,
        row | {"prediction": {"label": "x", "score": 0.5}, "outlier": {"flag": True, "score": 2.0}},
        {"input_array": [[1], [2]], "prediction": "y"},
        row | {"prediction": "y"},
        row | {"prediction": {"label": 3, "score": None, "value": None}},
        order=["a"],
    )
    assert found.table.num_rows == 6
    assert found.outputs is not None and found.outputs.to_pydict() == {
        "prediction.label": [None, "x", None, None, "y", "3"],
        "prediction.score": [None, 0.5, None, None, None, None],
        "outlier.flag": [None, True, None, None, None, None],
    }
    values = window(row | {"prediction": 2}, row | {"prediction": {"value": 0.5}}).outputs
    assert values is not None and values.to_pydict() == {"prediction.value": [2.0, 0.5]}
    assert window(row, row | {"prediction": None}).outputs is None


def test_a_flat_record_whose_feature_is_called_prediction_has_no_other(window: Decode) -> None:
    found = window({"prediction": 0.5, "a": 1.0})
    assert found.outputs is None and found.table.column_names == ["prediction", "a"]
    declared = window({"prediction": 0.5, "a": 1.0}, known=["a"])
    assert declared.outputs is not None and declared.table.column_names == ["a"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"prediction": True}, "prediction"),
        ({"prediction": []}, "prediction"),
        ({"prediction": {"label": 1.5}}, "prediction.label"),
        ({"prediction": {"score": "high"}}, "prediction.score"),
        ({"prediction": {"value": 10**400}}, "prediction.value"),
        ({"outlier": {"flag": 1}}, "outlier.flag"),
    ],
)
def test_a_prediction_that_cannot_be_read_is_named(said: dict[str, Any], field: str, window: Decode) -> None:
    with pytest.raises(RequestError) as refused:
        window({"features": {"a": 1}}, {"features": {"a": 1}} | said)
    assert (refused.value.status, refused.value.row, refused.value.field) == (422, 1, field)


def test_a_column_of_numbers_and_texts_holds_texts(window: Decode) -> None:
    table = window(*features({"a": 1}, {"a": "x"}, {"a": None}, {"a": True}, {"a": 2.5})).table
    assert table["a"].to_pylist() == ["1", "x", None, "1", "2.5"]


def test_rows_without_any_wanted_feature_count_as_rows(window: Decode) -> None:
    table = window(*features({"a": 1}, {"a": 2}), kept=["b"]).table
    assert (table.num_rows, table.column_names) == (2, [])
    assert window().table.num_rows == 0


def test_only_what_is_kept_is_held(window: Decode) -> None:
    assert window(*features({"a": 1, "b": 2}), kept=["b"]).table.to_pydict() == {"b": [2.0]}


def test_a_record_of_several_rows_gives_them_all(window: Decode) -> None:
    record = {"payload": {"input_array": "[[1 2] [3 4]]"}}
    assert window(record, record, order=["a", "b"]).table["a"].to_pylist() == [1.0, 3.0, 1.0, 3.0]


@pytest.mark.parametrize(
    ("times", "span"),
    [
        (["2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z", "2025-12-31T23:00:00Z"], (-3600, 2)),
        (["2026-01-01T01:00:00+01:00"], (0, 0)),
        (["2026-01-01T00:00:05"], (5, 5)),
        ([1767225600, 1767225601.5], (0, 1.5)),
        (["yesterday", True, -5, 10**30, None, "2026-01-01T00:00:07Z"], (7, 7)),
    ],
)
def test_a_window_lasts_from_its_first_row_to_its_last(
    times: list[Any], span: tuple[float, float], window: Decode
) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    found = window(*({"features": {"a": 1}, "timestamp": time} for time in times))
    assert tuple((moment - begin).total_seconds() for moment in (found.start, found.end)) == span
    assert found.start.tzinfo == found.end.tzinfo == UTC


def test_rows_without_a_time_are_of_now(window: Decode) -> None:
    found = window(*features({"a": 1}))
    assert (found.start, found.end) == (NOW, NOW)


def test_a_bad_record_is_named_with_its_field(window: Decode) -> None:
    with pytest.raises(RequestError) as refused:
        window(*features({"a": 1}, {"a": {}}))
    error = refused.value
    assert (error.status, error.row, error.field) == (422, 1, "features.a")
    assert error.problem.startswith("record 1: features.a: must be a number")


def test_rows_and_values_are_bounded(window: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"payload": {"input_array": [[1]] * 101}}
    with pytest.raises(RequestError, match=r"more than 100 rows, which is spec\.checks\.window\.maxRows") as refused:
        window(many, order=["a"])
    assert refused.value.status == 413
    monkeypatch.setattr(decoding, "MAX_CELLS", 10)
    assert window(*features(*[{"a": 1, "b": 2}] * 5)).table.num_rows == 5
    with pytest.raises(RequestError, match="6 rows of 2 features") as refused:
        window(*features(*[{"a": 1, "b": 2}] * 6))
    assert refused.value.status == 413
    # Each record has few features, and all together too many to pad.
    monkeypatch.setattr(decoding, "MAX_FEATURES", 4)
    with pytest.raises(RequestError, match="more than 4 features in all") as refused:
        window(*features({"a": 1, "b": 2}, {"c": 1, "d": 2}, {"e": 1}))
    assert (refused.value.status, refused.value.row) == (422, 2)
