import itertools
import json
from typing import Any

import msgspec
import pytest

from driftmonitor_api.limits import MAX_RECORD_BYTES
from driftmonitor_api.records import PredictionRecord
from driftmonitor_inference.decoding import decoder
from driftmonitor_inference.predictions import Outlier, RowPrediction
from driftmonitor_inference.recordlines import (
    Logged,
    RecordLines,
    RecordTooLongError,
    compact_bytes,
    ends_of_lines,
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
NAMES = ("default/wine", 'w"ine', "3", "pod/0/start")
LINES = RecordLines(*NAMES, COMPACT)
MOMENT = "2026-01-02T03:04:05.000067Z"
CLASSIFIED = RowPrediction("late", 0.98, {"late": 0.98, "on time": 0.02})
VALUED = RowPrediction(value=-1.5)
OUTLYING = RowPrediction("late", 0.98, outlier=Outlier(flag=True, score=0.75))


def _encode(rows: Rows, prediction: RowPrediction, trace_id: str | None = None, seq: int = 41) -> bytes:
    return LINES.encode(seq, MOMENT, [('r"1\n %s', rows, [prediction] * len(rows.features), trace_id)], 0.41)


def _not_sent(rows: list[Any]) -> Rows:
    """Rows that no client wrote."""
    return Rows([], rows)


def _sent(*rows: dict[str, Any]) -> Rows:
    return decode(json.dumps({"instances": rows}).encode())


def _texts(rows: Rows) -> list[bytes]:
    """What stands in the lines for the features of each row."""
    ends = ends_of_lines(rows, COMPACT)
    assert all(end.endswith(b"}}\n") and end.count(b"\n") == 1 for end in ends)
    return [end[end.index(b"{") : -2] for end in ends]


@pytest.mark.parametrize("trace_id", ["ab" * 16, None])
@pytest.mark.parametrize("prediction", [CLASSIFIED, VALUED, OUTLYING, RowPrediction("late")])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_lines_are_what_the_contracts_record_reads_and_writes(
    count: int, prediction: RowPrediction, trace_id: str | None
) -> None:
    lines = _encode(_sent(*ROWS[:count]), prediction, trace_id).split(b"\n")
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
@pytest.mark.parametrize(
    "form",
    ["%s", " %s ", '{"instances": [%s]}', '{"instances":[%s,%s, %s]}', "[%s]", '{"instances":[%s\n,%s]}\n', "\n%s\n"],
)
def test_a_row_is_logged_as_it_was_sent_where_its_text_is_one_compact_line(row: str, as_sent: bool, form: str) -> None:
    if form == "[%s]":
        rows = row_builder(COLUMNS)([[1.0, 2.0], ["{", "}"], [True, False]])
        assert [json.loads(text)["b"] for text in _texts(rows)] == ["{", "}"], "there was no JSON"
        return
    count = form.count("%s")
    texts = _texts(decode((form % ((row,) * count)).encode()))
    assert [json.loads(text) for text in texts] == [json.loads(row)] * count
    assert not any(b"\n" in text or b"\r" in text or len(text) > 100 for text in texts)
    assert (texts == [row.encode()] * count) == (as_sent and (count == 1 or "\n" not in form))


def test_lines_of_many_classes_say_each_its_own() -> None:
    lines = RecordLines("m", "m", "1", "w", COMPACT)
    for labels in (["a"], ["b", "a"], ["a", 'c"', "b", "a"]):
        predictions = [RowPrediction(label, place / 7) for place, label in enumerate(labels)]
        rows = _not_sent([{"a": 1}] * len(labels))
        made = lines.encode(1, "t", [("r", rows, predictions, None)], 0.1)
        found = [json.loads(line) for line in made.splitlines()]
        assert [line["prediction"] for line in found] == [
            {"label": label, "score": place / 7} for place, label in enumerate(labels)
        ]


@pytest.mark.parametrize("first", [1, 99, 9_998, 10_000, 29_990, 12_345_678, 12_349_999])
def test_seqs_go_on_from_the_first(first: int) -> None:
    for count in (1, 3, 1200, 7):
        lines = _encode(_not_sent([{"a": 1}] * count), OUTLYING, seq=first).splitlines()
        assert [json.loads(line)["seq"] for line in lines] == list(range(first, first + count))
        assert [json.loads(line)["row"] for line in lines] == list(range(count))


@pytest.mark.parametrize("prediction", [CLASSIFIED, VALUED, OUTLYING, RowPrediction("late")])
@pytest.mark.parametrize("other", ["late", "new %b"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("trace_id", ["ab" * 16, None])
@pytest.mark.parametrize("value", ["100 %", "{"])
@pytest.mark.parametrize("all_scores", [True, False])
def test_requests_that_are_served_together_have_the_lines_that_each_has_alone(
    prediction: RowPrediction, other: str, count: int, trace_id: str | None, value: str, all_scores: bool
) -> None:
    lines = RecordLines(*NAMES, COMPACT, all_scores=all_scores)
    new = msgspec.structs.replace(prediction, label=prediction.label and other)
    texts = [_sent(*[row | {"b": value + str(place)} for row in ROWS[:count]]) for place in range(3)]
    requests: list[Logged] = [
        ("first", _sent(ROWS[0]), [prediction], None),
        ("r %d", texts[1], [new] * count, trace_id),
        ("not sent", _not_sent(ROWS[1:]), [prediction] * 2, None),
        ('"last"', texts[2], [prediction] * count, None),
    ]
    each, seq = [], 41
    for request in requests:
        each.append(json.loads(line) for line in lines.encode(seq, MOMENT, [request], 0.41).splitlines())
        seq += len(request[2])
    found = [json.loads(line) for line in lines.encode(41, MOMENT, requests, 0.41).splitlines()]
    assert found == list(itertools.chain.from_iterable(each))
    assert [line["seq"] for line in found] == list(range(41, seq))
    ids = ["first", *["r %d"] * count, *["not sent"] * 2, *['"last"'] * count]
    assert [line["request_id"] for line in found] == ids
    assert [line["features"] for line in found][-1] == ROWS[count - 1] | {"b": value + "2"}
    assert [line["prediction"].get("label") for line in found][1] == new.label


@pytest.mark.parametrize("value", ["100 %", "%b", "%%", "{%d}", "%(a)s"])
def test_a_row_with_the_signs_of_a_form_is_logged_as_it_is(value: str) -> None:
    row = {"flavour, 1": 1.5, "b": value, "c": False}
    for count in (1, 2):
        for rows in (_sent(*[row] * count), _not_sent([row] * count)):
            for prediction in (CLASSIFIED, RowPrediction("5 %b", 0.5), RowPrediction("5 %b")):
                lines = _encode(rows, prediction).splitlines()
                assert [json.loads(line)["features"] for line in lines] == [row] * count
                assert [json.loads(line)["prediction"]["label"] for line in lines] == [prediction.label] * count


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("braces", [False, True])
def test_a_record_that_no_reader_takes_is_refused_by_its_row(place: int, braces: bool) -> None:
    rows = [
        {"b": "x" * (MAX_RECORD_BYTES if row == place else MAX_RECORD_BYTES // 2) + "{}" * braces} for row in range(3)
    ]
    with pytest.raises(RecordTooLongError, match=f"row {place} has [0-9]+ bytes; at most {MAX_RECORD_BYTES}") as caught:
        _encode(_not_sent(rows), CLASSIFIED)
    assert caught.value.row == place
    rows[place] = {}
    assert len(_encode(_not_sent(rows), CLASSIFIED)) > MAX_RECORD_BYTES, "many rows may be longer than one"


def test_rows_that_were_not_decoded_from_json_are_encoded() -> None:
    rows = Rows([(1.5, "x", True)], row_builder(COLUMNS)([[1.5], ["x"], [True]]).features)
    assert _texts(rows) == [b'{"flavour, 1":1.5,"b":"x","c":true}']


def test_rows_without_a_feature_are_rows_all_the_same() -> None:
    for count in (1, 3):  # where redaction drops all
        lines = _encode(_not_sent([{}] * count), VALUED).splitlines()
        assert [json.loads(line)["features"] for line in lines] == [{}] * count
