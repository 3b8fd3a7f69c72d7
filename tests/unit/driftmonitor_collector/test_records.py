import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from driftmonitor_api import records as api
from driftmonitor_api.limits import MAX_RECORD_BYTES
from driftmonitor_collector import tables
from driftmonitor_collector.records import Record, decode_body, decode_stored, stored_keys

Make = Callable[..., dict[str, Any]]


def test_the_record_has_the_fields_of_the_api_and_the_store_its_column_names() -> None:
    assert set(Record.__struct_fields__) == set(api.PredictionRecord.model_fields)
    assert set(Record.__struct_fields__) - {"features", "prediction", "outlier"} < set(tables.SCHEMA.names)
    assert tables.FEATURE_COLUMN_PREFIX == api.FEATURE_COLUMN_PREFIX
    assert tables.CLASS_SCORE_COLUMN_PREFIX == api.CLASS_SCORE_COLUMN_PREFIX
    parts = {api.PREDICTION_LABEL_COLUMN, api.PREDICTION_SCORE_COLUMN, api.PREDICTION_VALUE_COLUMN}
    parts |= {api.OUTLIER_FLAG_COLUMN, api.OUTLIER_SCORE_COLUMN}
    assert parts < set(tables.SCHEMA.names)


def test_a_record_of_the_api_is_read_as_it_is(record: Make) -> None:
    sent = api.PredictionRecord.model_validate(record(7))
    decoded = decode_body(sent.model_dump_json().encode())
    assert decoded.rejected == []
    (read,) = decode_stored(decoded.lines[0].data)
    assert read.timestamp == sent.timestamp == datetime(2026, 1, 1, 22, 59, 7, tzinfo=UTC)
    assert (read.writer, read.seq, read.features) == (sent.writer, sent.seq, sent.features)
    assert read.prediction.score == sent.prediction.score
    assert list(stored_keys(decoded.lines[0].data)) == [(sent.writer, sent.seq)]


BAD = {
    "not UTF-8": (b'{"request_id": "\xff"}', "utf-8"),
    "not JSON": (b"nonsense", "malformed"),
    "cut off": (b'{"request_id": "a', "truncated"),
    "NaN": (b'{"latency_ms": NaN}', "malformed"),
    "no object": (b"5", "Expected `object`"),
    "nested too deep": (b"[" * 100_000, ""),
    "foreign": (b'{"features": {"a": 1}}', "missing required field"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_set_apart_with_its_reason_and_spoils_no_other(name: str, lines: Callable[..., bytes]) -> None:
    bad, reason = BAD[name]
    decoded = decode_body(lines([1]) + bad + b"\n" + lines([2]))
    assert [line.seq for line in decoded.lines] == [1, 2]
    assert [line.data for line in decoded.rejected] == [bad]
    assert reason in decoded.rejected[0].reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seq": 0}, "$.seq"),
        ({"seq": 2**63}, "$.seq"),
        ({"seq": "1"}, "$.seq"),
        ({"seq": True}, "$.seq"),
        ({"row": -1}, "$.row"),
        ({"row": 2**31}, "$.row"),
        ({"writer": ""}, "$.writer"),
        ({"timestamp": "2026-01-01T00:00:00"}, "$.timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+05:00"}, "$.timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-05:00"}, "$.timestamp"),
        ({"features": {"a": [1]}}, "$.features"),
        ({"features": {"a": "\ud800"}}, "surrogate"),
        ({"features": {"a" * 257: 1}}, "$.features"),
        ({"prediction": {"score": "high"}}, "$.prediction.score"),
        ({"prediction": {"scores": {"a": "high"}}}, "$.prediction.scores"),
        ({"prediction": {"scores": {"a": None}}}, "$.prediction.scores"),
        ({"prediction": {"scores": [0.5, 0.5]}}, "$.prediction.scores"),
        ({"prediction": {"scores": {"a" * 129: 1}}}, "$.prediction.scores"),
        ({"prediction": {"scores": {str(place): 0 for place in range(1001)}}}, "$.prediction.scores"),
        ({"latency_ms": -1}, "$.latency_ms"),
        ({"outlier": {"flag": 1, "score": 0.5}}, "$.outlier.flag"),
        ({"outlier": {"flag": True}}, "$.outlier"),
    ],
)
def test_a_field_that_does_not_fit_is_named(changes: dict[str, Any], reason: str, record: Make) -> None:
    decoded = decode_body(json.dumps({**record(1), **changes}).encode())
    assert decoded.lines == []
    assert reason in decoded.rejected[0].reason


@pytest.mark.parametrize("name", sorted(set(Record.__struct_fields__) - {"latency_ms", "trace_id", "outlier"}))
def test_a_missing_field_is_named(name: str, record: Make) -> None:
    sent = record(1)
    del sent[name]
    assert f"`{name}`" in decode_body(json.dumps(sent).encode()).rejected[0].reason


def test_a_line_too_long_is_set_apart_whole(lines: Callable[..., bytes]) -> None:
    long = b'{"a": "' + b"x" * MAX_RECORD_BYTES + b'"}'
    decoded = decode_body(long + b"\n" + lines([1]))
    assert [line.seq for line in decoded.lines] == [1]
    assert decoded.rejected[0].data == long
    assert str(MAX_RECORD_BYTES) in decoded.rejected[0].reason


def test_an_array_is_as_good_as_lines_and_is_stored_as_lines(record: Make) -> None:
    decoded = decode_body(json.dumps([record(1), {"bad": 1}, record(2)], indent=2).encode())
    assert [line.seq for line in decoded.lines] == [1, 2]
    assert len(decoded.rejected) == 1
    assert all(b"\n" not in line.data for line in decoded.lines)
    assert [item.seq for item in decode_stored(b"\n".join(line.data for line in decoded.lines))] == [1, 2]


def test_an_array_that_is_cut_off_is_one_bad_line_and_the_lines_after_it_are_kept(lines: Callable[..., bytes]) -> None:
    decoded = decode_body(b"[1, 2\n" + lines([1]))
    assert [line.seq for line in decoded.lines] == [1]
    assert [line.data for line in decoded.rejected] == [b"[1, 2"]


def test_blank_lines_and_windows_line_ends_are_no_lines(lines: Callable[..., bytes]) -> None:
    decoded = decode_body(b"\n \r\n" + lines([1]).replace(b"\n", b"\r\n") + b"\n" + lines([2]).rstrip())
    assert [line.seq for line in decoded.lines] == [1, 2]
    assert decoded.rejected == []


def test_unknown_fields_of_a_newer_writer_are_read_over(record: Make) -> None:
    assert decode_body(json.dumps(record(1, invented={"a": []})).encode()).rejected == []


def test_a_line_carried_as_text_in_an_object_is_the_line(record: Make) -> None:
    line = json.dumps(record(3) | {"request_id": "é ☃ 😀 \\"}, ensure_ascii=False)
    over_lines = json.dumps(record(4), indent=2)
    carried = [
        json.dumps({"log": text}, separators=(",", ":")) for text in (line, f"  {line}\n", over_lines, "", "odd \t")
    ]
    decoded = decode_body("\n".join(carried).encode())
    assert [(found.seq, found.data) for found in decoded.lines[:2]] == [(3, line.encode())] * 2
    assert decode_stored(decoded.lines[2].data) == decode_stored(json.dumps(record(4)).encode())
    assert b"\n" not in decoded.lines[2].data
    assert [found.data for found in decoded.rejected] == [b"odd"]


def test_a_carried_line_is_as_long_as_it_was_before_it_was_carried(record: Make) -> None:
    long = json.dumps(record(1) | {"features": {"note": '"' * (MAX_RECORD_BYTES // 2 - 1000)}})
    assert len(long) <= MAX_RECORD_BYTES < len(json.dumps({"log": long}))
    carried = json.dumps({"log": long}, separators=(",", ":")).encode()
    assert [found.seq for found in decode_body(carried).lines] == [1]


def test_an_object_that_only_begins_like_a_carried_line_stays_as_it_is() -> None:
    lines = [b'{"log":"a","more":1}', b'{"log":"a', b'{"log":"\\ud800"}']
    assert [found.data for found in decode_body(b"\n".join(lines)).rejected] == lines
