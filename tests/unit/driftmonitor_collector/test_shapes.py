import json
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from driftmonitor_collector import records, shapes
from driftmonitor_collector.records import FeatureValue, Record, decode_body

Make = Callable[..., dict[str, Any]]
NAMES = ["alcohol", "origin", 'ä"\\\n', "", "a.b", "features", "0", "x" * 40]
VALUES = [1, -0.5, "text", None, True, 1e20, [1], {"a": 1}, "é\u0000"]


def one_by_one(body: bytes) -> tuple[list[tuple[str, int, bytes]], list[str]]:
    """Each line decoded alone, as if there were no other."""
    decoded = [decode_body(line) for line in body.split(b"\n")]
    good = [(line.writer, line.seq, line.data) for item in decoded for line in item.lines]
    return good, [line.reason for item in decoded for line in item.rejected]


@pytest.mark.parametrize("seed", range(60))
def test_what_came_before_a_line_does_not_change_whether_it_is_good_or_why_not(seed: int, record: Make) -> None:
    random = Random(seed)
    rows = []
    for seq in range(1, 30):
        names = random.choice([NAMES[:2], NAMES[:2], NAMES[:3], NAMES])
        row = record(seq, features={name: random.choice(VALUES[:6]) for name in names})
        if random.random() < 0.3:
            row["features"][random.choice(NAMES)] = random.choice(VALUES)
        if random.random() < 0.2:
            row["features"].popitem()
        if random.random() < 0.1:
            row[random.choice(list(row))] = random.choice(VALUES)
        rows.append(row)
    body = "\n".join(json.dumps(row, ensure_ascii=random.random() < 0.5) for row in rows).encode()
    decoded = decode_body(body)
    good, reasons = one_by_one(body)
    assert [(line.writer, line.seq, line.data) for line in decoded.lines] == good
    assert [line.reason for line in decoded.rejected] == reasons
    assert len(good) > 5


def test_lines_that_agree_are_decoded_once_each(record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, count = records._decode_record, []

    def counted(data: bytes) -> Record:
        count.append(data)
        return whole(data)

    monkeypatch.setattr(records, "_decode_record", counted)
    body = "\n".join(json.dumps(record(seq)) for seq in range(1, 100)).encode()
    assert len(decode_body(body).lines) == 99
    assert len(count) == 1


def test_features_are_told_apart_by_their_whole_names(record: Make) -> None:
    decode = shapes.decoder(Record, FeatureValue, ("alcohol", "a.b"))
    made = decode(json.dumps(record(7, features={"a.b": "x", "alcohol": 1})).encode())
    assert (made.seq, made.features.feature0, made.features.feature1) == (7, 1.0, "x")
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        decode(json.dumps(record(7, features={"alcohol ": 1})).encode())
