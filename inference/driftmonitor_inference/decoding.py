"""Pure: the strict decoding of a JSON body. What fits is decoded in one pass; what does not is explained.

The decoder accepts nothing that it would have to convert or drop: no null, NaN, "1.5" for a number, true for a number,
missing, extra or repeated feature, or number outside of the tensor's range.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

import msgspec
import numpy

from driftmonitor_inference.explaining import explain, repetition
from driftmonitor_inference.rows import Rows, row_type_of
from driftmonitor_inference.signature import Column

_COLON = 0x3A
_BACKSLASH = b"\\"  # to look for one byte takes a tenth
_SMALL = 4096  # bytes, from which on numpy counts faster
_REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decoder(columns: Sequence[Column], *, max_rows: int) -> Callable[[bytes], Rows]:
    """The decoder for one model, of a row such as {"alcohol": 13.2} or of many such as {"instances": [{...}, ...]}. It
    raises RequestError: 400 for what is not JSON, 413 for too many rows, 422 for what does not fit the model."""
    row_type = row_type_of(columns)
    instances = Annotated[list[row_type], msgspec.Meta(min_length=1, max_length=max_rows)]  # type: ignore[valid-type]
    request_type = msgspec.defstruct("Request", [("instances", instances)], forbid_unknown_fields=True)
    decode_request = cast(Any, msgspec.json.Decoder(request_type).decode)
    decode_row = msgspec.json.Decoder(row_type).decode
    astuple = msgspec.structs.astuple
    strings = [place for place, column in enumerate(columns) if column.element_type == "string"]
    colons_in_names = sum(column.name.count(":") for column in columns)
    braces_in_names = any("{" in column.name or "}" in column.name for column in columns)
    colons_in_row = len(columns) + colons_in_names

    def decode(body: bytes) -> Rows:
        wrapped = True
        try:
            features: list[msgspec.Struct] = decode_request(body).instances
        except _REFUSALS as error:
            try:
                features, wrapped = [decode_row(body)], False
            except _REFUSALS as other:
                reason = str(other if str(error).startswith("Object contains unknown field") else error)
                raise explain(body, columns, max_rows, reason) from None
        values = [astuple(row) for row in features]
        # A colon follows each name. As many as there must be: no name stands twice. More: look.
        expected = wrapped + len(values) * colons_in_row
        if strings:
            expected += sum(row[place].count(":") for row in values for place in strings)
        if _colons(body) != expected or (
            _BACKSLASH in body and b"\\u003" in body and expected != wrapped + len(values) * len(columns)
        ):
            problem = repetition(body)
            if problem is not None:
                raise problem
        if braces_in_names or (strings and _any_brace(values, strings)):
            return Rows(values, features)
        return Rows(values, features, body)

    return decode


def _any_brace(rows: list[tuple[Any, ...]], strings: list[int]) -> bool:
    return any("{" in row[place] or "}" in row[place] for row in rows for place in strings)


def _colons(body: bytes) -> int:
    if len(body) < _SMALL:
        return body.count(b":")
    return int(numpy.count_nonzero(numpy.frombuffer(body, numpy.uint8) == _COLON))
