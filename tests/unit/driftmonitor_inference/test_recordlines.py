import json
from typing import Any

import pytest

from driftmonitor_api.limits import MAX_RECORD_BYTES
from driftmonitor_api.records import PredictionRecord
from driftmonitor_inference.decoding import decoder
from driftmonitor_inference.predictions import Outlier, RowPrediction
from driftmonitor_inference.recordlines import (
    Logged,
    RecordLines,
    RecordTooLongError,
    Text,
    compact_bytes,
    encoded,
    text_of,
)
from driftmonitor_inference.rows import Rows, row_builder
from driftmonitor_inference.signature import Column

COLUMNS = [
    Column("flavour, 1", "Numerical", "float64", "a", 2),
    Column("b", "Categorical", "string", "b", 2),
    Column("c", "Categorical", "bool", "c", 2),
]
ROWS = [{"flavour, 1": 13.25 + place, "b": f"naïve {place}", "c": True} for place in range(3)]
decode = decoder(COLUMNS, max_rows=5000)
COMPACT = compact_bytes(COLUMNS)
LINES = RecordLines("default/wine", 'w"ine', "3", "pod/0/start")
MOMENT = "2026-01-02T03:04:05.000067Z"
CLASSIFIED = RowPrediction("late", 0.98, {"late": 0.98, "on time": 0.02})
VALUED = RowPrediction(value=-1.5)
OUTLYING = RowPrediction("late", 0.98, outlier=Outlier(flag=True, score=0.75))


def _encode(
    features: Text | list[Text], count: int, prediction: RowPrediction, trace_id: str | None = None, seq: int = 41
) -> bytes:
    return LINES.encode(seq, MOMENT, [('r"1\n %s', features, [prediction] * count, trace_id)], 0.41)


def _each(features: Text | list[Text]) -> list[bytes]:
    if isinstance(features, list):
        return [b"{" + body[begin:end] for body, begin, end in features]
    body, begin, end = features
    texts = body[begin:end].split(b"{")
    return [b"{" + text.rstrip().removesuffix(b",").rstrip() for text in texts]


@pytest.mark.parametrize("trace_id", ["ab" * 16, None])
@pytest.mark.parametrize("prediction", [CLASSIFIED, VALUED, OUTLYING, RowPrediction("late")])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_lines_are_what_the_contracts_record_reads_and_writes(
    count: int, prediction: RowPrediction, trace_id: str | None
) -> None:
    rows = decode(json.dumps({"instances": ROWS[:count]}).encode())
    lines = _encode(text_of(rows, COMPACT), count, prediction, trace_id).split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == count
    for place, line in enumerate(lines):
        read = PredictionRecord.model_validate_json(line)
        said: dict[str, Any] = {
            "request_id": 'r"1\n %s',
            "row": place,
            "timestamp": MOMENT,
            "monitor": "default/wine",
            "model": 'w"ine',
            "model_version": "3",
            "writer": "pod/0/start",
            "seq": 41 + place,
            "features": ROWS[place],
            "prediction": {
                "label": prediction.label,
                "score": prediction.score,
                "scores": None,
                "value": prediction.value,
            },
            "latency_ms": 0.41,
            "trace_id": trace_id,
            "outlier": {"flag": True, "score": 0.75} if prediction is OUTLYING else None,
        }
        assert read.model_dump(mode="json") == said
        assert read.model_dump(mode="json", exclude_none=True) == json.loads(line), "what is not there is left out"
        assert list(json.loads(line)) == [name for name in PredictionRecord.model_fields if said[name] is not None]


@pytest.mark.parametrize(
    ("row", "as_sent"),
    [
        ('{"c": false,"b": "x","flavour, 1": 1.50}', True),
        ('{"flavour, 1": 5, "b": "\\u007b ", "c": true}', False),
        ('{"flavour, 1": 1, "b": "{}", "c": true}', False),
        ('{"flavour, 1": 1, "b": "}, {", "c": true}', False),
        ('{"flavour, 1": 1, "b": "}", "c": true}', False),
        ('{"flavour, 1": 1, "b": "{", "c": true}', False),
        ('{"flavour, 1": 1, "b": "two  spaces", "c": true}', True),
        ('{"flavour, 1": 1,\n"b": "x", "c": true}', False),
        ('{"flavour, 1": 1,\r"b": "x", "c": true}', False),
        ('{"flavour, 1": 1,' + " " * 5000 + '"b": "x", "c": true}', False),
    ],
)
@pytest.mark.parametrize("form", ["%s", " %s ", '{"instances": [%s]}', '{"instances":[%s,%s, %s]}', "[%s]"])
def test_a_row_is_logged_as_it_was_sent_where_its_text_is_one_compact_line(row: str, as_sent: bool, form: str) -> None:
    if form == "[%s]":
        rows = row_builder(COLUMNS)([[1.0, 2.0], ["{", "}"], [True, False]])
        assert [json.loads(text)["b"] for text in _each(text_of(rows, COMPACT))] == ["{", "}"], "there was no JSON"
        return
    count = form.count("%s")
    texts = _each(text_of(decode((form % ((row,) * count)).encode()), COMPACT))
    assert [json.loads(text) for text in texts] == [json.loads(row)] * count
    assert not any(b"\n" in text or len(text) > 100 for text in texts)
    assert (texts == [row.encode()] * count) == as_sent


def test_lines_of_many_classes_say_each_its_own() -> None:
    lines = RecordLines("m", "m", "1", "w")
    for labels in (["a"], ["b", "a"], ["a", 'c"', "b", "a"]):
        predictions = [RowPrediction(label, place / 7) for place, label in enumerate(labels)]
        rows = encoded([{"a": 1}] * len(labels))
        made = lines.encode(1, "t", [("r", rows, predictions, None)], 0.1)
        found = [json.loads(line) for line in made.splitlines()]
        assert [line["prediction"] for line in found] == [
            {"label": label, "score": place / 7} for place, label in enumerate(labels)
        ]


@pytest.mark.parametrize("first", [1, 99, 9_998, 10_000, 29_990, 12_345_678, 12_349_999])
def test_seqs_go_on_from_the_first(first: int) -> None:
    for count in (1, 3, 1200, 7):
        lines = _encode(encoded([{"a": 1}] * count), count, OUTLYING, seq=first).splitlines()
        assert [json.loads(line)["seq"] for line in lines] == list(range(first, first + count))
        assert [json.loads(line)["row"] for line in lines] == list(range(count))


@pytest.mark.parametrize("other", [CLASSIFIED, VALUED, OUTLYING, RowPrediction("late"), RowPrediction("new %b", 0.5)])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("trace_id", ["ab" * 16, None])
@pytest.mark.parametrize("value", ["100 %", "{"])
def test_requests_that_are_served_together_have_the_lines_that_each_has_alone(
    other: RowPrediction, count: int, trace_id: str | None, value: str
) -> None:
    texts = [encoded([{"a": place, "b": value}] * count) for place in range(3)]
    requests: list[Logged] = [
        ("first", encoded([{"a": "x"}]), [CLASSIFIED], None),
        ("r %d", texts[1], [other] * count, trace_id),
        ('"last"', texts[2], [CLASSIFIED] * count, None),
    ]
    each, seq = [], 41
    for request in requests:
        each.append(LINES.encode(seq, MOMENT, [request], 0.41))
        seq += len(request[2])
    together = LINES.encode(41, MOMENT, requests, 0.41)
    assert together == b"".join(each)
    lines = [json.loads(line) for line in together.splitlines()]
    assert [line["seq"] for line in lines] == list(range(41, seq))
    assert [line["request_id"] for line in lines] == ["first", *["r %d"] * count, *['"last"'] * count]


@pytest.mark.parametrize("value", ["100 %", "%b", "%%", "{%d}", "%(a)s"])
def test_a_row_with_the_signs_of_a_form_is_logged_as_it_is(value: str) -> None:
    row = {"flavour, 1": 1.5, "b": value, "c": False}
    for features in (text_of(decode(json.dumps({"instances": [row] * 2}).encode()), COMPACT), encoded([row] * 2)):
        for prediction in (CLASSIFIED, RowPrediction("5 %b")):
            lines = _encode(features, 2, prediction).splitlines()
            assert [json.loads(line)["features"] for line in lines] == [row] * 2
            assert [json.loads(line)["prediction"]["label"] for line in lines] == [prediction.label] * 2


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("braces", [False, True])
def test_a_record_that_no_reader_takes_is_refused_by_its_row(place: int, braces: bool) -> None:
    rows = [
        {"b": "x" * (MAX_RECORD_BYTES if row == place else MAX_RECORD_BYTES // 2) + "{}" * braces} for row in range(3)
    ]
    with pytest.raises(RecordTooLongError, match=f"row {place} has [0-9]+ bytes; at most {MAX_RECORD_BYTES}") as caught:
        _encode(encoded(rows), 3, CLASSIFIED)
    assert caught.value.row == place
    rows[place] = {}
    assert len(_encode(encoded(rows), 3, CLASSIFIED)) > MAX_RECORD_BYTES, "many rows may be longer than one"


def test_rows_that_were_not_decoded_from_json_are_encoded() -> None:
    rows = Rows([(1.5, "x", True)], row_builder(COLUMNS)([[1.5], ["x"], [True]]).features)
    assert _each(text_of(rows, COMPACT)) == [b'{"flavour, 1":1.5,"b":"x","c":true}']


def test_rows_without_a_feature_are_rows_all_the_same() -> None:
    for count in (1, 3):  # where redaction drops all
        lines = _encode(encoded([{}] * count), count, VALUED).splitlines()
        assert [json.loads(line)["features"] for line in lines] == [{}] * count
