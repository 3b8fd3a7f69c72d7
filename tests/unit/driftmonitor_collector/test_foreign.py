import gzip
import io
import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftmonitor_collector.foreign import MAX_ROWS, ForeignOptions, ForeignReader
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import Outcome, plan
from driftmonitor_collector.records import (
    Decoded,
    Record,
    as_stored,
    decode_body,
    decode_stored,
    stored_identities,
    stored_keys,
)

Make = Callable[..., dict[str, Any]]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BENTOML = {
    "sepal length": 5.1,
    "color": "red",
    "pred": "setosa",
    "timestamp": "2025-12-31T23:59:59.906199",
    "request_id": "10994024433838338386",
    "trace_id": "7",
}


def read(body: object, options: ForeignOptions | None = None) -> Decoded:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_body(content, ForeignReader(NOW, lambda: "made", options))


def stored(decoded: Decoded) -> list[Record]:
    """As the log would have them."""
    assert decoded.rejected == []
    return decode_stored(b"\n".join(as_stored(row, "foreign/1", seq) for seq, row in enumerate(decoded.foreign, 1)))


@pytest.mark.parametrize(
    "form",
    [
        BENTOML,
        [BENTOML],
        {"level": "INFO", "payload": BENTOML},
        {"level": "INFO", "payload": json.dumps(BENTOML)},
        ["monitor.iris", 1767225600, BENTOML],
        ["monitor.iris", [[1767225600, BENTOML]]],
        [["monitor.iris", 1767225600, BENTOML]],
    ],
)
def test_a_monitoring_record_of_bentoml_is_read_in_every_form_in_which_it_comes(form: object) -> None:
    (row,) = stored(read(form))
    assert row.features == {"sepal length": 5.1, "color": "red"}
    assert (row.prediction.label, row.prediction.value) == ("setosa", None)
    assert row.timestamp == datetime(2025, 12, 31, 23, 59, 59, 906199, tzinfo=UTC)
    assert (row.request_id, row.row, row.trace_id) == (BENTOML["request_id"], 0, "7")
    assert (row.writer, row.seq) == ("foreign/1", 1)


@pytest.mark.parametrize(
    "array", [[[1, 2.5], [3, None]], "[[1, 2.5], [3, null]]", "[[1.  2.5]\n [3.  nan]]", "[[1, 2.5], [3, NaN]]"]
)
def test_an_input_array_in_a_payload_is_a_row_for_each_of_its_rows(array: object) -> None:
    payload = {"input_array": array, "prediction": "[0, 1]", "request_id": "r", "row": 10, "timestamp": 1767225600.5}
    rows = stored(read({"payload": payload}, ForeignOptions(("a", "b"))))
    assert [row.features for row in rows] == [{"a": 1, "b": 2.5}, {"a": 3, "b": None}]
    assert [row.prediction.value for row in rows] == [0, 1]
    assert [(row.request_id, row.row) for row in rows] == [("r", 10), ("r", 11)]
    assert {row.timestamp for row in rows} == {datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)}
    unnamed = stored(read({"payload": payload}))
    assert list(unnamed[0].features) == ["0", "1"]


def test_a_plain_record_gets_the_time_at_which_it_came_and_an_id() -> None:
    (row,) = stored(read({"features": {"a": 1, "b": True, "c": None}}))
    assert (row.timestamp, row.request_id, row.prediction.label) == (NOW, "made", None)
    assert row.features == {"a": 1, "b": True, "c": None}


@pytest.mark.parametrize("time", [1767225600, 1767225600e3, 1767225600e6, 1767225600e9, "2026-01-01 01:00:00+01:00"])
def test_times_are_understood_in_the_units_that_loggers_use(time: object) -> None:
    (row,) = stored(read({"features": {"a": 1}, "timestamp": time}))
    assert row.timestamp == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("prediction", "label", "value", "score"),
    [
        ("a", "a", None, None),
        (3, None, 3, None),
        (True, "true", None, None),
        (["a"], "a", None, None),
        ([["a"]], "a", None, None),
        ({"label": "a", "score": 0.5}, "a", None, 0.5),
        (None, None, None, None),
    ],
)
def test_a_prediction_is_a_class_or_a_number_or_says_which(
    prediction: object, label: str | None, value: float | None, score: float | None
) -> None:
    (row,) = stored(read({"features": {"a": 1}, "prediction": prediction}))
    assert (row.prediction.label, row.prediction.value, row.prediction.score) == (label, value, score)


def test_the_sender_may_say_which_field_holds_the_prediction() -> None:
    (row,) = stored(read({"a": 1, "species": "x", "pred": 2}, ForeignOptions(prediction="species")))
    assert (row.prediction.label, row.features) == ("x", {"a": 1, "pred": 2})


def test_a_record_in_an_event_is_the_inference_servers_own_all_the_same(record: Make) -> None:
    decoded = read(["predictions", 1767225600, record(7)])
    assert [(line.writer, line.seq) for line in decoded.lines] == [("pod/0/1", 7)]
    assert decode_stored(decoded.lines[0].data)[0].features == record(7)["features"]
    bad = read(["predictions", 1767225600, record(0)])
    assert (bad.lines, bad.foreign, len(bad.rejected)) == ([], [], 1)


BAD = {
    "no row": ({}, "has neither features, payload nor input_array"),
    "number": (5, "must be an object"),
    "time": ({"a": 1, "timestamp": "noon"}, "timestamp: must be a time such as"),
    "far time": ({"a": 1, "timestamp": 1e30}, "timestamp: must be a time such as"),
    "prediction": ({"features": {"a": 1}, "prediction": {"label": 5}}, "prediction: must be a class"),
    "huge prediction": ({"features": {"a": 1}, "prediction": 10**400}, "prediction: must be a class"),
    "huge number": ({"features": {"a": 10**400}}, "larger than any number"),
    "huge score": ({"features": {"a": 1}, "prediction": {"score": 10**400}}, "prediction: must be a class"),
    "predictions": ({"input_array": [[1], [2]], "prediction": [1]}, "prediction: has 1 values for 2 rows"),
    "row": ({"features": {"a": 1}, "row": -1}, "row: must be a number from 0"),
    "rows": ({"input_array": [[1]] * (MAX_ROWS + 1)}, f"has {MAX_ROWS + 1} rows"),
    "nested": ({"features": {"a": {"b": 1}}}, "features.a"),
    "text": ({"payload": '{"a": "\\ud800"}'}, "surrogates"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_foreign_record_that_cannot_be_read_is_set_apart_with_its_reason(name: str) -> None:
    record, reason = BAD[name]
    decoded = read(record)
    assert (decoded.lines, decoded.foreign) == ([], [])
    assert reason in decoded.rejected[0].reason


def commit(known: set[int], *bodies: object) -> list[Outcome]:
    made = plan(Ledger(), [read(body) for body in bodies], identities=known)
    known.update(made.identities)
    return list(made.outcomes)


def test_a_record_that_comes_again_is_a_duplicate_by_its_id() -> None:
    known: set[int] = set()
    numbered = {"features": {"a": 1}, "request_id": "r", "row": 1}
    assert commit(known, numbered, BENTOML, numbered) == [Outcome(1), Outcome(1), Outcome(duplicates=1)]
    assert commit(known, {**numbered, "features": {"a": 2}}) == [Outcome(duplicates=1)]
    assert commit(known, {**numbered, "row": 2}, {**numbered, "request_id": "q"}) == [Outcome(1), Outcome(1)]
    assert commit(known, BENTOML, {**BENTOML, "color": "blue"}) == [Outcome(duplicates=1), Outcome(1)]


def test_rows_of_one_request_that_are_the_same_are_each_stored_and_each_recognised() -> None:
    known: set[int] = set()
    batch = b"\n".join([json.dumps(BENTOML).encode()] * 3)
    assert commit(known, batch) == [Outcome(3)]
    assert commit(known, batch) == [Outcome(duplicates=3)]


def test_what_has_neither_an_id_nor_a_time_is_never_a_duplicate() -> None:
    known: set[int] = set()
    assert commit(known, {"a": 1}, {"a": 1}, {"a": 1, "request_id": "None"}) == [Outcome(1), Outcome(1), Outcome(1)]
    assert known == set()


def test_foreign_rows_get_the_numbers_of_a_writer_without_gaps_and_their_ids_are_read_back() -> None:
    ledger, known = Ledger(), set[int]()
    for _ in range(3):
        made = plan(
            ledger, [read([BENTOML, {"a": 1}]), read({"a": 2})], identities=known, foreign_writer="foreign/start"
        )
        ledger.merge(made.change)
        known.update(made.identities)
    account = ledger.accounts["foreign/start"]
    assert list(account.stored) == [(1, 7)]
    assert ledger.duplicates == 2
    (row, *_) = read(BENTOML).foreign
    assert list(stored_identities(as_stored(row, "w", 1) + b"\n" + as_stored(read({"a": 1}).foreign[0], "w", 2))) == [
        row.identity
    ]


def test_no_name_may_be_longer_than_a_column_takes() -> None:
    with pytest.raises(ValueError, match="256 characters at most"):
        ForeignOptions(("a" * 257,))


def test_foreign_records_are_stored_once_over_restarts_and_read_as_rows(
    start: Callable[..., Any], tmp_path: Path, record: Make
) -> None:
    collector = start(tmp_path / "data", COMPACTION_SECONDS="3600")
    address = "/v1/records?features=a,b&prediction=out"
    rows = {"input_array": "[[1, 2], [3, 4]]", "out": [0.5, 0.25], "request_id": "r", "timestamp": 1767225600}
    bodies = [
        json.dumps([BENTOML, record(1)]).encode(),
        json.dumps({"payload": rows}).encode(),
        json.dumps(["tag", 1767225600, {"features": {"a": 5}, "id": "q", "row": 2}]).encode(),
    ]

    def send(body: bytes) -> dict[str, int]:
        response = collector.client.post(address, content=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        outcome: dict[str, int] = response.json()
        return outcome

    stored = [2, 2, 1]
    assert [send(body)["stored"] for body in bodies] == stored
    for end in (signal.SIGKILL, signal.SIGTERM):  # once out of the log, once out of files
        collector.end(end)
        collector = start(tmp_path / "data")
        collector.wait_until_compacted()
        assert [send(body)["duplicates"] for body in bodies] == stored
    parameters = {"start": "2025-12-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}
    content = collector.client.get("/v1/window", params=parameters).content
    table = pa.ipc.open_stream(io.BytesIO(content)).read_all()
    found = {(row["request_id"], row["row"]): row for row in table.to_pylist()}
    assert len(found) == table.num_rows == 5
    assert [found["r", row]["prediction_value"] for row in (0, 1)] == [0.5, 0.25]
    assert [found["r", row]["feature_b"] for row in (0, 1)] == [2, 4]
    assert found["q", 2]["feature_a"] == 5
    assert found[BENTOML["request_id"], 0]["feature_color"] == "red"
    assert collector.coverage()["missing"] == 0
    response = collector.client.post("/v1/records?features=a,a", content=b"{}")
    assert (response.status_code, response.json()["parameter"]) == (400, "features")
    assert collector.client.post("/v1/records?typo=a", content=b"{}").json()["parameter"] == "typo"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["[1, 2]", "[[1. 2.]]", "{}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "features",
    "payload",
    "input_array",
    "prediction",
    "timestamp",
    "request_id",
    "row",
    "id",
    "trace_id",
    "model",
    "a",
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(VALUES | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6), max_size=4))
def test_whatever_json_comes_is_stored_so_that_it_can_be_read_back_or_set_apart(records: list[Any]) -> None:
    """A row that the log takes and compaction cannot read would stop all that come after it."""
    body = "\n".join(map(json.dumps, records)).encode(errors="replace")
    decoded = read(body)
    rows = [as_stored(row, "foreign/1", seq) for seq, row in enumerate(decoded.foreign, 1)]
    if rows:
        kept = decode_stored(b"\n".join(rows))
        assert [item.seq for item in kept] == list(range(1, len(rows) + 1))
        assert all(1970 <= item.timestamp.year <= 9998 for item in kept)
        assert list(stored_keys(b"\n".join(rows))) == [("foreign/1", seq) for seq in range(1, len(rows) + 1)]
    for line in decoded.rejected:
        assert line.reason
