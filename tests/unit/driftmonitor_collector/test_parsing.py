import json
from collections.abc import Callable
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_collector import parsing, tables
from driftmonitor_collector.records import decode_body, decode_stored

Make = Callable[..., dict[str, Any]]
VALUES: dict[str, list[Any]] = {
    "request_id": ['é\u0000"\\', "a" * 256, "😀"],
    "row": [0, 2**31 - 1],
    "timestamp": [
        "2026-01-02T01:30:00+02:00",
        "2026-01-02 01:30:00.1Z",
        "2026-01-02T01:30:00.1234567Z",
        "1970-01-01T00:00:00-00:00",
        "2026-01-02t01:30:00z",
    ],
    "seq": [2**63 - 1],
    "latency_ms": [0, 1e300, 5],
    "trace_id": ["0f" * 16, ""],
    "prediction": [
        {},
        {"label": "x"},
        {"value": -1},
        {"label": None, "score": 1, "value": 2.5},
        {"label": "x", "score": 0.5, "scores": {"x": 0.5, "y": 0.5}},
        {"scores": {"y": 1, "x": 0, "z": 1e-300}},
        {"scores": None},
        {"scores": {}},
        {"label": "x", "scores": {"x": 1}},
    ],
    "outlier": [None, {"flag": True, "score": 0.75}],
    "features": [
        {},
        {"alcohol": None, "origin": None},
        {"alcohol": True, "origin": "x"},
        {"alcohol": "7", "origin": "x"},
        {"origin": "x", "alcohol": 1},
        {"alcohol": 123456789012345678901234567890, "origin": ""},
        {"alcohol": 1, "origin": "x", "another": 0.1},
        {"alcohol": 1, "origin": 7},
        {"a.b": 1},
    ],
    "identity": ["0f" * 8],
    "something_else": [{"a": [1]}],
}


def one_by_one(lines: bytes) -> pa.Table:
    return tables.from_records(decode_stored(lines))


@pytest.mark.parametrize("first", [True, False])
def test_scores_of_classes_that_only_some_rows_have_are_the_same_on_both_ways(first: bool, record: Make) -> None:
    scored = record(1, prediction={"label": "x", "score": 0.5, "scores": {"x": 0.5, "y": 0.5}})
    rows = [scored, record(2), record(3, prediction={"scores": {"y": 1}}), record(4, prediction={"scores": None})]
    for chosen in (rows, [*rows, record(5, prediction={"scores": {"z": 0.25}})]):
        lines = "\n".join(map(json.dumps, chosen if first else chosen[::-1])).encode()
        made = parsing.from_lines(lines)
        assert made.equals(one_by_one(lines))
        assert sorted(filter(None, made["prediction_score_y"].to_pylist())) == [0.5, 1.0]


@pytest.mark.parametrize("seed", range(60))
def test_the_fast_way_gives_the_table_that_the_slow_way_gives(seed: int, record: Make) -> None:
    random = Random(seed)
    rows = [record(seq) for seq in range(1, random.randint(2, 12))]
    for _ in range(random.randint(0, 3)):
        name = random.choice(list(VALUES))
        value = random.choice(VALUES[name])
        for row in rows if random.random() < 0.3 else random.choices(rows, k=2):
            row[name] = value
    for name in ("trace_id", "latency_ms", "outlier"):
        for row in rows:
            if random.random() < 0.1:
                row.pop(name, None)
    lines = "\n".join(json.dumps(row, ensure_ascii=random.random() < 0.5) for row in rows).encode()
    assert len(decode_body(lines).lines) == len(rows)
    made, expected = parsing.from_lines(lines), one_by_one(lines)
    assert made.schema == expected.schema
    assert made.equals(expected)


def test_rows_of_one_model_go_the_fast_way_and_others_need_not(record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(lines: bytes) -> None:
        raise NotImplementedError(lines)

    monkeypatch.setattr(parsing, "decode_stored", refuse)
    rows = [record(1), record(2, features={"alcohol": None, "origin": "x"}, outlier={"flag": True, "score": 1})]
    assert parsing.from_lines("\n".join(map(json.dumps, rows)).encode()).num_rows == 2
    scored = [row | {"prediction": {"label": "a", "score": 0.5, "scores": {"b": 0.5, "a": 0.5}}} for row in rows]
    assert parsing.from_lines("\n".join(map(json.dumps, scored)).encode())["prediction_score_b"].to_pylist() == [
        0.5,
        0.5,
    ]
    rows.append(record(3, features={"alcohol": "text", "origin": "x"}))
    with pytest.raises(NotImplementedError):
        parsing.from_lines("\n".join(map(json.dumps, rows)).encode())


def test_payloads_become_tables_of_a_bounded_size(record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "CHUNK_BYTES", 3000)
    payloads = [json.dumps(record(seq)).encode() for seq in range(1, 51)]
    found = list(parsing.record_tables(payloads))
    assert pa.concat_tables(found)["seq"].to_pylist() == list(range(1, 51))
    assert {table.num_rows for table in found[:-1]} == {-(-3000 // len(payloads[10]))}
    assert list(parsing.record_tables([])) == []


@pytest.mark.parametrize("seed", range(10))
def test_the_keys_of_a_table_are_entered_as_one_by_one(seed: int, record: Make) -> None:
    from driftmonitor_collector.ledger import Ledger

    random = Random(seed)
    keys = {(random.choice("abc"), random.randint(1, 60)) for _ in range(random.randint(0, 90))}
    rows = [record(seq, writer) for writer, seq in keys]
    ledger, expected = Ledger(), Ledger()
    if rows:
        tables.enter_keys(parsing.from_lines("\n".join(map(json.dumps, rows)).encode()), ledger)
    for writer, seq in keys:
        expected.account(writer).stored.add(seq)
    assert ledger.coverage() == expected.coverage()
