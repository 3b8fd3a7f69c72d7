import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import pytest

from driftmonitor_collector.foreign import ForeignReader
from driftmonitor_collector.records import Decoded, decode_body, decode_stored

Make = Callable[..., dict[str, Any]]


def _sealed(record: dict[str, Any]) -> bytes:
    body = json.dumps(record, separators=(",", ":")).encode()[:-1]
    return b'%b,"crc32":%d}' % (body, crc32(body))


def _decode(body: bytes) -> Decoded:
    return decode_body(body, ForeignReader(datetime(2026, 1, 1, tzinfo=UTC), lambda: "made"))


def test_a_line_is_stored_without_its_checksum(record: Make) -> None:
    decoded = _decode(_sealed(record(1)) + b"\r\n" + _sealed(record(2)))
    assert decoded.rejected == []
    assert [json.loads(line.data) for line in decoded.lines] == [record(1), record(2)]


def test_no_bit_of_a_line_can_change_and_the_line_be_stored_with_another_value(record: Make) -> None:
    body = _sealed(record(1)) + b"\n" + _sealed(record(2))
    written = [decode_stored(line.data)[0] for line in _decode(body).lines]
    refused = 0
    for place in range(len(body)):
        for bit in range(8):
            changed = bytearray(body)
            changed[place] ^= 1 << bit
            decoded = _decode(bytes(changed))
            assert decoded.foreign == [], changed
            assert all(decode_stored(line.data)[0] in written for line in decoded.lines), changed
            refused += bool(decoded.rejected)
    assert refused > 7.9 * (len(body) - 2 * len(',"crc32":')), "all but those that make the checksum's name another"


def test_a_changed_line_says_why_it_is_refused_and_is_kept_as_it_came(record: Make) -> None:
    changed = _sealed(record(1)).replace(b'"alcohol":10.125', b'"alcohol":10.525')
    (rejected,) = _decode(changed).rejected
    assert rejected.data == changed
    assert rejected.reason.startswith("crc32 is not that of the bytes before it")


def test_a_record_that_was_taken_apart_on_the_way_is_taken_without_its_checksum(record: Make) -> None:
    rewritten = json.dumps({**record(1), "crc32": 5}, separators=(",", ":")).encode()
    decoded = _decode(b'["predictions",1767225604,%b]' % rewritten)
    assert decoded.rejected == []
    assert [json.loads(line.data) for line in decoded.lines] == [record(1)]


@pytest.mark.parametrize("crc32", ["a text", None, -5, 0.5, 12345678901])
def test_a_member_of_that_name_with_another_value_is_no_checksum(crc32: Any, record: Make) -> None:
    line = json.dumps({**record(1), "crc32": crc32}, separators=(",", ":")).encode()
    assert [found.data for found in _decode(line).lines] == [line]
