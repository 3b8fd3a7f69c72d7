"""Which messages of a topic are records of this monitor, and what becomes of the others."""

import json
from datetime import UTC, datetime

from driftmonitor_collector.consuming import Batch, sort_out
from driftmonitor_collector.kafka_client import Message
from driftmonitor_collector.records import INT32_MAX

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MONITOR = "cellar/wine"
KEY = MONITOR.encode()
SENT = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def record(seq: int) -> bytes:
    return json.dumps(
        {
            "request_id": "r", "row": seq, "timestamp": "2026-01-01T00:00:00Z", "monitor": MONITOR, "model": "wine",
            "model_version": "3", "writer": "pod", "seq": seq, "features": {}, "prediction": {},
        }
    ).encode()  # fmt: skip


def sorted_out(*messages: Message) -> Batch:
    return sort_out(messages, MONITOR, NOW)


def test_messages_of_this_monitor_are_records_and_those_of_others_are_passed_over() -> None:
    batch = sorted_out(
        Message(0, 1, KEY, record(1)), Message(0, 2, b"cellar/port", record(2)), Message(1, 1, KEY, record(3))
    )
    assert [(line.writer, line.seq) for line in batch.decoded.lines] == [("pod", 1), ("pod", 3)]
    assert batch.of_others == 1
    assert not batch.decoded.rejected


def test_a_message_may_hold_several_lines_or_an_array() -> None:
    lines = record(1) + b"\n" + record(2)
    array = b"[" + record(3) + b"," + record(4) + b"]"
    batch = sorted_out(Message(0, 1, KEY, lines), Message(0, 2, KEY, array))
    assert [line.seq for line in batch.decoded.lines] == [1, 2, 3, 4]


def test_what_is_no_record_is_kept_with_its_reason_and_its_place() -> None:
    batch = sorted_out(
        Message(2, 7, None, record(1)),
        Message(2, 8, KEY, None),
        Message(2, 9, KEY, b" \n"),
        Message(2, 10, KEY, b"no JSON"),
        Message(2, 11, KEY, record(INT32_MAX + 1)),
    )
    assert not batch.decoded.lines
    reasons = [line.reason for line in batch.decoded.rejected]
    assert reasons[0] == "message 7 of partition 2 has no key; give it the monitor's, cellar/wine"
    assert reasons[1:3] == ["message 8 of partition 2 is empty", "message 9 of partition 2 is empty"]
    assert "malformed" in reasons[3]
    assert "$.row" in reasons[4]
    assert batch.decoded.rejected[0].data == record(1)


def test_a_record_without_id_and_time_has_those_of_its_message_and_is_known_when_it_comes_again() -> None:
    message = Message(0, 5, KEY, b'{"alcohol": 13.5}', SENT)
    (first,) = sorted_out(message).decoded.foreign
    (again,) = sorted_out(Message(0, 4, KEY, b'{"alcohol": 1}', SENT), message).decoded.foreign[1:]
    assert again == first
    assert json.loads(first.data)["timestamp"] == "2026-01-01T00:00:00.000000Z"
    (other,) = sorted_out(message._replace(offset=6)).decoded.foreign
    assert other.identity != first.identity


def test_a_message_without_a_time_of_this_age_has_that_of_its_arrival() -> None:
    for milliseconds in (None, -1, 0, 1 << 62):
        (row,) = sorted_out(Message(0, 5, KEY, b'{"alcohol": 13.5}', milliseconds)).decoded.foreign
        assert json.loads(row.data)["timestamp"] == "2026-11-21T12:00:00.000000Z"
