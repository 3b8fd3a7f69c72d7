import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from driftmonitor_collector import tables
from driftmonitor_collector.records import decode_stored

Make = Callable[..., dict[str, Any]]


def table(*records: dict[str, Any]) -> pa.Table:
    return tables.from_records(decode_stored(b"\n".join(json.dumps(record).encode() for record in records)))


def test_columns_are_flat_and_typed_and_in_order(record: Make) -> None:
    made = tables.unify([table(record(1), record(2))])
    assert made.schema.names == [*tables.SCHEMA.names, "feature_alcohol", "feature_origin"]
    assert made.schema.field("timestamp").type == pa.timestamp("us", tz="UTC")
    assert made.to_pylist()[1] == {
        "request_id": "request-2",
        "row": 0,
        "timestamp": datetime(2026, 1, 1, 22, 59, 2, tzinfo=UTC),
        "monitor": "shop/wine",
        "model": "wine",
        "model_version": "3",
        "writer": "pod/0/1",
        "seq": 2,
        "latency_ms": 0.25,
        "trace_id": None,
        "prediction_label": "a",
        "prediction_score": 0.5,
        "prediction_value": None,
        "outlier_flag": None,
        "outlier_score": None,
        "feature_alcohol": 10.25,
        "feature_origin": "o2",
    }


def test_what_the_outlier_detector_said_has_columns_of_its_own(record: Make) -> None:
    made = table(record(1, outlier={"flag": True, "score": 0.75}), record(2), record(3, outlier=None))
    assert made["outlier_flag"].to_pylist() == [True, None, None]
    assert made["outlier_score"].to_pylist() == [0.75, None, None]


def test_the_score_of_each_class_has_a_column_before_the_features(record: Make) -> None:
    made = table(
        record(1),
        record(2, prediction={"label": "b", "score": 0.75, "scores": {"b": 0.75, "a, c": 0.25}}),
        record(3, prediction={"label": "b", "score": 1, "scores": {"b": 1, "": 0}}),
    )
    scores = ["prediction_score_b", "prediction_score_a, c", "prediction_score_"]
    assert made.schema.names == [*tables.SCHEMA.names, *scores, "feature_alcohol", "feature_origin"]
    assert [made[name].to_pylist() for name in scores] == [[None, 0.75, 1.0], [None, 0.25, None], [None, None, 0.0]]
    assert {str(made.schema.field(name).type) for name in scores} == {"double"}


def test_a_file_of_before_a_column_was_added_is_read_as_one_that_has_nulls_there(record: Make) -> None:
    old = table(record(1)).drop_columns(["outlier_flag", "outlier_score"])
    made = tables.unify([old, table(record(2, outlier={"flag": False, "score": -0.5}))])
    assert made.schema.names[: len(tables.SCHEMA.names)] == tables.SCHEMA.names
    assert made["outlier_flag"].to_pylist() == [None, False]
    assert made["outlier_score"].to_pylist() == [None, -0.5]


def test_rows_of_which_every_feature_was_dropped_are_rows_all_the_same(record: Make) -> None:
    made = table(record(1, features={}), record(2, features={}))
    assert (made.num_rows, made.schema.names) == (2, tables.SCHEMA.names)
    joined = tables.unify([made, table(record(3))])
    assert features(joined, "origin") == ("string", [None, None, "o0"])


def test_a_number_that_is_hashed_from_now_on_is_stored_beside_the_numbers_of_before(record: Make) -> None:
    numbers, hashes = table(record(1, features={"a": 7})), table(record(2, features={"a": "0f" * 16}))
    assert features(tables.unify([numbers, hashes]), "a") == ("string", ["7", "0f" * 16])


def features(made: pa.Table, name: str) -> tuple[str, list[Any]]:
    column = made[f"feature_{name}"]
    return str(column.type), column.to_pylist()


def test_numbers_booleans_and_nulls_are_a_double_and_anything_else_makes_strings(record: Make) -> None:
    rows: list[dict[str, Any]] = [
        {"a": 1, "b": 0.5, "c": None, "d": "x"},
        {"a": True, "b": "y", "c": None, "d": 3},
        {"a": None, "b": None, "c": None, "d": False},
    ]
    made = table(*(record(seq, features=row) for seq, row in enumerate(rows, 1)))
    assert features(made, "a") == ("double", [1.0, 1.0, None])
    assert features(made, "b") == ("string", ["0.5", "y", None])
    assert features(made, "c") == ("double", [None, None, None])
    assert features(made, "d") == ("string", ["x", "3", "0"])


def test_a_value_reads_the_same_wherever_the_border_between_files_lies(record: Make) -> None:
    values = [1, 2.5, True, None, "text", 1e20, -0.1, "7", False, 12345678]
    rows = [record(seq, features={"a": value}) for seq, value in enumerate(values, 1)]
    whole = features(tables.unify([table(*rows)]), "a")
    for border in range(1, len(rows)):
        assert features(tables.unify([table(*rows[:border]), table(*rows[border:])]), "a") == whole


def test_a_feature_that_a_row_lacks_is_null(record: Make) -> None:
    one, two = record(1, features={"a": 1}), record(2, features={"b": "x", "a": 2})
    for made in (table(one, two), tables.unify([table(one), table(two)])):
        assert features(made, "a") == ("double", [1.0, 2.0])
        assert features(made, "b") == ("string", [None, "x"])


def test_rows_without_features_and_no_rows_at_all_are_tables_too(record: Make) -> None:
    assert table(record(1, features={})).num_rows == 1
    empty = tables.unify([])
    assert (empty.num_rows, empty.schema) == (0, tables.SCHEMA)
    assert tables.in_order(empty).num_rows == 0
    assert list(tables.split_by_hour(empty)) == []


def test_rows_are_split_by_their_hour_in_utc(record: Make) -> None:
    times = ["2026-01-01T23:59:59.999999Z", "2026-01-02T01:30:00+02:00", "2026-01-02T00:00:00Z", "1970-01-01T00:00:00Z"]
    made = table(*(record(seq, timestamp=time) for seq, time in enumerate(times, 1)))
    split = {f"{hour:%Y-%m-%d %H}": part["seq"].to_pylist() for hour, part in tables.split_by_hour(made)}
    assert split == {"1970-01-01 00": [4], "2026-01-01 23": [1, 2], "2026-01-02 00": [3]}
