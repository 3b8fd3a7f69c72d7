import json
from typing import Any

import msgspec
import pytest

from driftmonitor_inference.decoding import decoder
from driftmonitor_inference.replies import failure
from driftmonitor_inference.rows import RequestError, row_builder
from driftmonitor_inference.signature import Column, ElementType


def _column(name: str, element_type: ElementType) -> Column:
    return Column(name, "Categorical" if element_type in ("string", "bool") else "Numerical", element_type, name, 2)


COLUMNS = [
    _column("alcohol", "float32"),
    _column("dose", "float64"),
    _column("count", "int32"),
    _column("id", "int64"),
    _column("fresh", "bool"),
    _column("origin", "string"),
    _column("rooms", "uint8"),
    _column("offset", "int16"),
]
GOOD: dict[str, Any] = {
    "alcohol": 13.2,
    "dose": 1e300,
    "count": 7,
    "id": 1 << 62,
    "fresh": True,
    "origin": "Ürzig",
    "rooms": 3,
    "offset": -1,
}
decode = decoder(COLUMNS, max_rows=3)


def _body(*rows: Any) -> bytes:
    return json.dumps({"instances": rows}).encode()


def _refused(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        decode(body)
    return caught.value


def test_rows_come_in_the_order_of_the_model_and_encode_to_what_was_sent() -> None:
    rows = decode(_body(dict(reversed(GOOD.items())), GOOD | {"origin": "", "alcohol": 5}))
    assert rows.values[0] == (13.2, 1e300, 7, 1 << 62, True, "Ürzig", 3, -1)
    assert json.loads(msgspec.json.encode(rows.features[0])) == GOOD
    assert json.loads(msgspec.json.encode(rows.features[1])) == GOOD | {"origin": "", "alcohol": 5}


def test_rows_made_of_columns_are_those_that_the_decoder_makes() -> None:
    decoded = decode(_body(GOOD, GOOD | {"alcohol": 5.5}))
    built = row_builder(COLUMNS)([list(values) for values in zip(*decoded.values, strict=True)])
    assert built.values == decoded.values
    assert [msgspec.json.encode(row) for row in built.features] == [
        msgspec.json.encode(row) for row in decoded.features
    ]


def test_names_that_are_no_python_names_are_taken() -> None:
    names = ["fixed acidity", "class", "0", "a.b[0]", "$", "é", "instances"]
    decode_names = decoder([_column(name, "float64") for name in names], max_rows=1)
    assert decode_names(_body({name: place for place, name in enumerate(names)})).values == [tuple(range(7))]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("alcohol", None, "Row 1: feature 'alcohol' takes a number, not null."),
        ("alcohol", "1.5", "Row 1: feature 'alcohol' takes a number, not the string '1.5'."),
        ("alcohol", True, "Row 1: feature 'alcohol' takes a number, not true."),
        ("alcohol", float("nan"), "Row 1: feature 'alcohol' takes a number, not NaN."),
        ("alcohol", float("inf"), "Row 1: feature 'alcohol' takes a number, and Infinity is outside of the range of"),
        ("dose", float("-inf"), "Row 1: feature 'dose' takes a number, and -Infinity is outside of the range of"),
        ("alcohol", [1.5], "Row 1: feature 'alcohol' takes a number, not an array."),
        ("alcohol", {"value": 1.5}, "Row 1: feature 'alcohol' takes a number, not an object."),
        ("alcohol", 1e39, "Row 1: feature 'alcohol' takes a number, and 1e+39 is outside of the range of float32."),
        ("dose", 10**400, "Row 1: feature 'dose' takes a number, and 1000"),
        ("count", 1 << 31, "Row 1: feature 'count' takes an integer, and 2147483648 is outside of the range of int32."),
        ("count", 1.5, "Row 1: feature 'count' takes an integer, not the number 1.5."),
        (
            "id",
            1 << 63,
            "Row 1: feature 'id' takes an integer, and 9223372036854775808 is outside of the range of int64.",
        ),
        ("id", -(1 << 63) - 1, "Row 1: feature 'id' takes an integer, and -9223372036854775809 is outside"),
        ("rooms", -1, "Row 1: feature 'rooms' takes an integer, and -1 is outside of the range of uint8."),
        ("rooms", 256, "Row 1: feature 'rooms' takes an integer, and 256 is outside of the range of uint8."),
        ("offset", 1 << 15, "Row 1: feature 'offset' takes an integer, and 32768 is outside of the range of int16."),
        ("id", False, "Row 1: feature 'id' takes an integer, not false."),
        ("fresh", 1, "Row 1: feature 'fresh' takes true or false, not the number 1."),
        ("fresh", "true", "Row 1: feature 'fresh' takes true or false, not the string 'true'."),
        ("origin", 7, "Row 1: feature 'origin' takes a string, not the number 7."),
        ("origin", None, "Row 1: feature 'origin' takes a string, not null."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_row_and_field(field: str, value: Any, sentence: str) -> None:
    error = _refused(_body(GOOD, GOOD | {field: value}))
    assert (error.status, error.row, error.field) == (422, 1, field)
    assert error.sentence.startswith(sentence)


@pytest.mark.parametrize("value", [-(1 << 31), (1 << 31) - 1])
def test_the_ends_of_an_integers_range_are_taken(value: int) -> None:
    assert decode(_body(GOOD | {"count": value})).values[0][2] == value


def test_the_largest_float32_is_taken() -> None:
    assert decode(_body(GOOD | {"alcohol": -3.4028234663852886e38})).values[0][0] == -3.4028234663852886e38


def test_a_number_beyond_float64_is_refused() -> None:
    error = _refused(_body(GOOD).replace(b"1e+300", b"1e400"))
    assert (error.status, error.row, error.field) == (422, 0, "dose")


def test_a_missing_feature_is_named() -> None:
    row = {name: value for name, value in GOOD.items() if name != "count"}
    error = _refused(_body(GOOD, GOOD, row))
    assert (error.status, error.row, error.field) == (422, 2, "count")
    assert error.sentence == "Row 2 lacks the feature 'count'."


def test_an_unknown_feature_is_named() -> None:
    error = _refused(_body(GOOD | {"price": 1}))
    assert (error.status, error.row, error.field) == (422, 0, "price")
    assert error.sentence == "Row 0 has a feature 'price', which the model does not take."


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "The body is not JSON"),
        (b"{", 400, "The body is not JSON"),
        (b'{"instances": [}', 400, "The body is not JSON"),
        (b"\xff\xfe", 400, "The body is not JSON"),
        (b'\xef\xbb\xbf{"instances": []}', 400, "The body is not JSON"),
        (b"[" * 100_000, 400, "The body is not JSON in UTF-8: it is nested too deeply"),
        (b'{"instances": ' + b"9" * 5000 + b"}", 400, "The body is not JSON"),
        (b"[]", 422, 'The body must be a row, or an object of the form {"instances": [{...}, ...]}.'),
        (b"null", 422, "The body must be a row"),
        (b"{}", 422, "The body must be a row"),
        (b'{"price": 1}', 422, "The body must be a row"),
        (b'{"alcohol": 1}', 422, "Row 0 lacks the feature 'dose'."),
        (b'{"instances": [], "id": 1}', 422, "The body has a field 'id' besides 'instances'; remove it."),
        (b'{"instances": []}', 422, "'instances' is empty; send at least one row."),
        (b'{"instances": {}}', 422, "'instances' must be an array of objects, not an object."),
        (b'{"instances": null}', 422, "'instances' must be an array of objects, not null."),
        (b'{"instances": [null]}', 422, "Row 0 must be an object of feature names and values, not null."),
        (b'{"instances": [[1, 2]]}', 422, "Row 0 must be an object of feature names and values, not an array."),
        (_body(GOOD, GOOD, GOOD, GOOD), 413, "'instances' has 4 rows; at most 3 are taken at once."),
    ],
)
def test_a_body_of_another_form_is_refused(body: bytes, status: int, sentence: str) -> None:
    error = _refused(body)
    assert error.status == status
    assert error.sentence.startswith(sentence)


def test_a_row_needs_nothing_around_it() -> None:
    rows = decode(json.dumps(GOOD).encode())
    assert rows.values == decode(_body(GOOD)).values
    error = _refused(json.dumps(GOOD | {"alcohol": "1.5"}).encode())
    assert (error.status, error.row, error.field) == (422, 0, "alcohol")
    error = _refused(json.dumps(GOOD | {"price": 1}).encode())
    assert (error.status, error.row, error.field) == (422, 0, "price")


def test_a_feature_called_instances_is_told_from_rows_by_its_value() -> None:
    decode_instances = decoder([_column("instances", "float64"), _column("b", "string")], max_rows=3)
    row = {"instances": 5.5, "b": "x"}
    for body in (row, {"instances": [row]}):
        assert decode_instances(json.dumps(body).encode()).values == [(5.5, "x")]
    only = decoder([_column("instances", "float64")], max_rows=3)
    assert only(b'{"instances": 1}').values == only(b'{"instances": [{"instances": 1}]}').values == [(1.0,)]
    with pytest.raises(RequestError, match=r"feature .instances. takes a number, not null"):
        only(b'{"instances": null}')
    with pytest.raises(RequestError, match="Row 0 must be an object"):
        only(b'{"instances": [1]}')


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("alone", [False, True])
def test_a_feature_that_stands_twice_is_refused_whatever_the_values_hold(alone: bool, escaped: bool) -> None:
    columns = [_column("a:b", "float64"), _column("text", "string"), _column("c", "float64")]
    decode_named = decoder(columns, max_rows=200)

    def body(*rows: str) -> bytes:
        joined = rows[0] if alone else '{"instances": [' + ", ".join(rows) + "]}"
        return (joined.replace("a:b", r"a\u003ab") if escaped else joined).encode()

    good = '{"a:b": 1, "text": "12:30:\\u003a", "c": 2}'
    assert decode_named(body(good, good)).values[0] == (1.0, "12:30::", 2.0)
    for twice, name in (
        ('{"a:b": 1, "text": "12:30", "c": 2, "c": 3}', "c"),
        ('{"a:b": 1, "text": "12:30", "c": 2, "a:b": 1}', "a:b"),
        (r'{"a:b": 1, "text": "\u003a", "c": 2, "\u0063": 2}', "c"),
        (r'{"a:b": 1, "text": "1", "c": 2, "text": "\u003A"}', "text"),
        ('{"a:b": 1, "text": "' + "x" * 5000 + '", "c": 2, "c": 2}', "c"),
    ):
        rows = [twice] if alone else [good, twice]
        with pytest.raises(RequestError) as caught:
            decode_named(body(*rows))
        assert (caught.value.status, caught.value.row, caught.value.field) == (422, len(rows) - 1, name)
        assert caught.value.sentence == f"Row {len(rows) - 1} has the feature {name!r} more than once."


def test_rows_that_stand_twice_are_refused() -> None:
    error = _refused(_body(GOOD)[:-1] + b', "instances": [' + json.dumps(GOOD).encode() + b"]}")
    assert (error.status, error.sentence) == (422, "The body has the field 'instances' more than once.")


def test_a_lone_surrogate_is_refused_since_no_record_could_carry_it() -> None:
    error = _refused(_body(GOOD | {"origin": "X"}).replace(b'"X"', rb'"\ud800"'))
    assert (error.status, error.row, error.field) == (422, 0, "origin")
    assert error.sentence.endswith("has half of a surrogate pair.")


def test_a_name_that_utf8_cannot_hold_is_refused_with_an_answer_that_can_be_sent() -> None:
    for name in (rb'"\ud800"', rb'"\udfff \n"'):
        error = _refused(_body(GOOD | {"X": 1}).replace(b'"X"', name))
        assert error.status in (400, 422)
        failure(error)


def test_a_long_value_is_shortened_in_the_message() -> None:
    assert len(_refused(_body(GOOD | {"alcohol": "x" * 10_000})).sentence) < 200


def test_every_body_is_either_decoded_or_refused_with_a_sentence() -> None:
    """Each single-byte change of a good body, and each cut of it."""
    body = _body(GOOD)
    changed = [
        body[:place] + bytes([byte]) + body[place + 1 :] for place in range(len(body)) for byte in b'"{}[]:,0eN\xff\x00'
    ]
    for candidate in changed + [body[:length] for length in range(len(body))]:
        try:
            decode(candidate)
        except RequestError as error:
            assert error.status in (400, 422)
            assert error.sentence.endswith(".")
            failure(error)
