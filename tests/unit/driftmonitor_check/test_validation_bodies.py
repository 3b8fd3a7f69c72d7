"""Bodies of requests as records, within bounds."""

import gzip
import json
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftmonitor_check.validation import bodies
from driftmonitor_check.validation.bodies import decompressed, records
from driftmonitor_check.validation.messages import RequestError

SOME: list[Any] = [{"features": {"a": 1.5}}, {"b": "ü"}, ["tag", 1, {"c": None}]]
FORMS = {
    "array": json.dumps(SOME),
    "spread array": json.dumps(SOME, indent=2),
    "lines": "\n".join(map(json.dumps, SOME)),
    "lines with a line end, blank ones and carriage returns": "\r\n".join(map(json.dumps, [*SOME[:2]]))
    + "\n\n  \n"
    + json.dumps(SOME[2])
    + "\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_records_come_as_an_array_or_as_lines(form: str) -> None:
    assert list(records(FORMS[form].encode())) == SOME


def test_one_record_in_fluentds_form_is_no_list_of_three() -> None:
    line = ["tag", 1, {"features": {"a": 1}}]
    assert list(records(json.dumps(line).encode())) == [line]
    assert list(records(json.dumps([line, line]).encode())) == [line, line]


@pytest.mark.parametrize("empty", [b"", b" \n ", b"[]", b" [ ] "])
def test_an_empty_body_has_no_records(empty: bytes) -> None:
    assert list(records(empty)) == []


def test_nan_and_infinity_are_missing_values() -> None:
    assert list(records(b'[{"a": NaN, "b": -Infinity}]')) == [{"a": None, "b": None}]


@pytest.mark.parametrize(
    ("body", "row", "problem"),
    [
        (b'[{"a": 1}, {"a": }]', 1, "record 1 is not valid JSON"),
        (b'{"a": 1}\n{"a"', 1, "record 1 is not valid JSON"),
        (b'[{"a": 1} {"a": 2}]', 0, "must follow record 0"),
        (b'[{"a": 1}', 0, "must follow record 0"),
        (b'[{"a": 1},', 1, "record 1 is not valid JSON"),
        (b'{"a": 1} {"a": 2}', 0, "followed by something else on its line"),
        (b'[{"a": 1}] x', None, "something follows the array of 1 records"),
        (b"[" * 100_000, 0, "record 0 is not valid JSON"),
        (b'{"a": "\xff"}', None, "not UTF-8"),
        (b"wine", 0, "record 0 is not valid JSON"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(body: bytes, row: int | None, problem: str) -> None:
    with pytest.raises(RequestError) as refused:
        list(records(body))
    assert (refused.value.status, refused.value.row) == (422, row)
    assert problem in refused.value.problem


def test_records_that_nobody_asks_for_are_not_parsed() -> None:
    assert len(list(islice(records(b'[{"a": 1}, {"a": 2}, nonsense'), 2))) == 2


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_refused(body: bytes) -> None:
    try:
        list(records(body))
    except RequestError as error:
        assert error.status == 422


def test_gzip_is_taken_in_several_members_too() -> None:
    assert decompressed(gzip.compress(b"ab") + gzip.compress(b"cd"), "gzip") == b"abcd"
    assert decompressed(b"ab", "") == decompressed(b"ab", "identity") == b"ab"


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [(b"ab", "br", 415), (b"ab", "gzip", 400), (gzip.compress(b"ab" * 1000)[:-9], "gzip", 400)],
)
def test_a_body_that_cannot_be_decompressed_is_refused(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(RequestError) as refused:
        decompressed(body, encoding)
    assert refused.value.status == status


def test_a_small_body_cannot_become_a_huge_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_TEXT_BYTES", 1000)
    assert len(decompressed(gzip.compress(b"a" * 1000), "gzip")) == 1000
    for body in (gzip.compress(b"a" * 1001), gzip.compress(b"a" * 600) * 2, gzip.compress(b"a" * 10_000_000)):
        with pytest.raises(RequestError, match="more than 1000 bytes when decompressed") as refused:
            decompressed(body, "gzip")
        assert refused.value.status == 413
