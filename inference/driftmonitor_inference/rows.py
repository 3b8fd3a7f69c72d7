"""Pure: the strict decoding of a request's body. What fits is decoded in one pass; what does not is explained.

The decoder accepts nothing that it would have to convert: no null, NaN, "1.5" for a number, true for a number, missing
or extra feature, or number outside of the tensor's range.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

import msgspec

from driftmonitor_inference.examples import Value
from driftmonitor_inference.signature import Column, ElementType

_FLOAT32_MAX = 3.4028234663852886e38
_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER_BITS: dict[ElementType, int] = {"int32": 32, "int64": 64}
_TAKES: dict[ElementType, str] = {
    "float32": "a number",
    "float64": "a number",
    "int32": "an integer",
    "int64": "an integer",
    "bool": "true or false",
    "string": "a string",
}


class RequestError(Exception):
    """A request that cannot be served: the HTTP status, a sentence, and where known the row and the feature."""

    def __init__(self, status: int, sentence: str, row: int | None = None, field: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.row = row
        self.field = field and field.encode(errors="replace").decode()  # a name may hold what UTF-8 cannot


@dataclass(frozen=True, slots=True)
class Rows:
    """Decoded rows: the values in the model's order, and each row as an object that encodes to its JSON."""

    values: list[tuple[Any, ...]]
    features: list[msgspec.Struct]


def decoder(columns: Sequence[Column], *, max_rows: int) -> Callable[[bytes], Rows]:
    """The decoder for one model. It raises RequestError: 400 for what is not JSON, 413 for too many rows, 422 for
    what does not fit the model."""
    row_type = _row_type(columns)
    instances = Annotated[list[row_type], msgspec.Meta(min_length=1, max_length=max_rows)]  # type: ignore[valid-type]
    request_type = msgspec.defstruct("Request", [("instances", instances)], forbid_unknown_fields=True)
    decode_request = msgspec.json.Decoder(request_type).decode
    astuple = msgspec.structs.astuple

    def decode(body: bytes) -> Rows:
        try:
            features = cast(list[msgspec.Struct], cast(Any, decode_request(body)).instances)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise explain(body, columns, max_rows, str(error)) from None
        return Rows([astuple(row) for row in features], features)

    return decode


def row_builder(columns: Sequence[Column]) -> Callable[[Sequence[Sequence[Value]]], Rows]:
    """Makes rows of values that were decoded and checked elsewhere: one sequence for each column, in their order."""
    row_type = _row_type(columns)

    def build(values: Sequence[Sequence[Value]]) -> Rows:
        rows = list(zip(*values, strict=True))
        return Rows(rows, [row_type(*row) for row in rows])

    return build


def _row_type(columns: Sequence[Column]) -> type[msgspec.Struct]:
    fields = [(f"f{place}", _decoded_type(column.element_type)) for place, column in enumerate(columns)]
    names = {f"f{place}": column.name for place, column in enumerate(columns)}
    return msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _decoded_type(element_type: ElementType) -> Any:
    if element_type in _INTEGER_BITS:
        bits = _INTEGER_BITS[element_type]
        return Annotated[int, msgspec.Meta(ge=-(1 << bits - 1), le=(1 << bits - 1) - 1)]
    if element_type == "float32":
        return Annotated[float, msgspec.Meta(ge=-_FLOAT32_MAX, le=_FLOAT32_MAX)]
    return {"float64": float, "bool": bool, "string": str}[element_type]


def explain(body: bytes, columns: Sequence[Column], max_rows: int, otherwise: str) -> RequestError:
    """Why a body was not decoded; slow, and only run for bodies that were refused."""
    try:
        # Unlike the strict decoder this one reads NaN and Infinity, so that their row and field can be named.
        document = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return RequestError(400, f"The body is not JSON in UTF-8: {reason}.")
    if not isinstance(document, dict) or "instances" not in document:
        return RequestError(422, 'The body must be an object of the form {"instances": [{...}, ...]}.')
    for name in document:
        if name != "instances":
            return RequestError(422, f"The body has a field {_shown(name)} besides 'instances'; remove it.", None, name)
    instances = document["instances"]
    if not isinstance(instances, list):
        return RequestError(422, f"'instances' must be an array of objects, not {_kind(instances)}.", None, "instances")
    if not instances:
        return RequestError(422, "'instances' is empty; send at least one row.", None, "instances")
    if len(instances) > max_rows:
        return RequestError(
            413, f"'instances' has {len(instances)} rows; at most {max_rows} are taken at once.", None, "instances"
        )
    for place, row in enumerate(instances):
        if (problem := _explain_row(place, row, columns)) is not None:
            return problem
    return RequestError(400, f"The body cannot be decoded: {otherwise}.")


def _explain_row(place: int, row: Any, columns: Sequence[Column]) -> RequestError | None:
    if not isinstance(row, dict):
        return RequestError(422, f"Row {place} must be an object of feature names and values, not {_kind(row)}.", place)
    for column in columns:
        if column.name not in row:
            return RequestError(422, f"Row {place} lacks the feature {_shown(column.name)}.", place, column.name)
        if problem := _misfit(row[column.name], column.element_type):
            sentence = f"Row {place}: feature {_shown(column.name)} takes {_TAKES[column.element_type]}, {problem}."
            return RequestError(422, sentence, place, column.name)
    known = {column.name for column in columns}
    for name in row:
        if name not in known:
            sentence = f"Row {place} has a feature {_shown(name)}, which the model does not take."
            return RequestError(422, sentence, place, name)
    return None


def _misfit(value: Any, element_type: ElementType) -> str | None:
    """What is wrong with a value; None if it fits."""
    if element_type == "string":
        if not isinstance(value, str):
            return f"not {_kind(value)}"
        return f"and {_shown(value)} has half of a surrogate pair" if _SURROGATE.search(value) else None
    if element_type == "bool":
        return None if isinstance(value, bool) else f"not {_kind(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"not {_kind(value)}"
    if element_type in _INTEGER_BITS:
        bits = _INTEGER_BITS[element_type]
        if isinstance(value, float):
            return f"not {_kind(value)}"
        within = -(1 << bits - 1) <= value < 1 << bits - 1
        return None if within else f"and {_shown(value)} is outside of the range of {bits} bits"
    if isinstance(value, float) and math.isnan(value):
        return "not NaN"
    if abs(value) > (_FLOAT32_MAX if element_type == "float32" else 1.7976931348623157e308):
        return f"and {_shown(value)} is outside of the range of {element_type}"
    return None


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return f"the number {_shown(value)}"
    if isinstance(value, str):
        return f"the string {_shown(value)}"
    return "an array" if isinstance(value, list) else "an object"


def _shown(value: str | int | float) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
