"""Pure: rows of values in the order of the model, whatever protocol carried them, and the error of what is no row."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from driftmonitor_inference.examples import Value
from driftmonitor_inference.signature import INTEGER_RANGE, Column, ElementType

FLOAT32_MAX = 3.4028234663852886e38


class RequestError(Exception):
    """A request that cannot be served: the HTTP status, a sentence, and where known the row and the feature."""

    def __init__(self, status: int, sentence: str, row: int | None = None, field: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.row = row
        self.field = field and field.encode(errors="replace").decode()  # a name may hold what UTF-8 cannot


class Rows(msgspec.Struct):
    """Decoded rows: the values in the model's order, and each row as an object that encodes to its JSON."""

    values: list[tuple[Any, ...]]
    features: list[msgspec.Struct]
    body: bytes | None = None
    """The JSON that they were decoded from, if there is no brace in it but those of objects."""


def row_builder(columns: Sequence[Column]) -> Callable[[Sequence[Sequence[Value]]], Rows]:
    """Makes rows of values that were decoded and checked elsewhere: one sequence for each column, in their order."""
    row_type = row_type_of(columns)

    def build(values: Sequence[Sequence[Value]]) -> Rows:
        rows = list(zip(*values, strict=True))
        return Rows(rows, [row_type(*row) for row in rows])

    return build


def row_type_of(columns: Sequence[Column]) -> type[msgspec.Struct]:
    """A struct with a field for each column. Its decoder takes what fits the column's tensor and nothing else."""
    fields = [(f"f{place}", _decoded_type(column.element_type)) for place, column in enumerate(columns)]
    names = {f"f{place}": column.name for place, column in enumerate(columns)}
    return msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _decoded_type(element_type: ElementType) -> Any:
    if element_type in INTEGER_RANGE:
        smallest, largest = INTEGER_RANGE[element_type]
        return Annotated[int, msgspec.Meta(ge=smallest, le=largest)]
    if element_type == "float32":
        return Annotated[float, msgspec.Meta(ge=-FLOAT32_MAX, le=FLOAT32_MAX)]
    types: dict[ElementType, type] = {"float64": float, "bool": bool, "string": str}
    return types[element_type]
