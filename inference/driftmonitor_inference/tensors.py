"""Pure: the values of tensors, as the Open Inference Protocol carries them, strictly read and written.

A number is taken only where the model's tensor holds exactly that number: FP32 for FP32, or an integer of any width
that the tensor has room for. Nothing is rounded, cut or guessed.
"""

import math
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import numpy.typing

from driftmonitor_inference.examples import Value
from driftmonitor_inference.floats import shortest
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.signature import INTEGER_RANGE, Column, ElementType

Array = numpy.typing.NDArray[Any]
Values = Array | list[str]
"""The values of one tensor in row-major order; strings, where its datatype is BYTES."""

DTYPES: dict[str, numpy.dtype[Any]] = {
    "FP32": numpy.dtype("<f4"),
    "FP64": numpy.dtype("<f8"),
    "INT8": numpy.dtype("<i1"),
    "INT16": numpy.dtype("<i2"),
    "INT32": numpy.dtype("<i4"),
    "INT64": numpy.dtype("<i8"),
    "UINT8": numpy.dtype("<u1"),
    "UINT16": numpy.dtype("<u2"),
    "UINT32": numpy.dtype("<u4"),
    "UINT64": numpy.dtype("<u8"),
    "BOOL": numpy.dtype("?"),
}
"""Of the datatypes with a fixed size, as their bytes lie in a request."""

FLOAT_MAX = {"FP32": math.nextafter(2.0**128 - 2.0**103, 0.0), "FP64": sys.float_info.max}
"""The largest FP64 numbers that become a finite number of the datatype."""

_INTEGERS = tuple(name for name in DTYPES if "INT" in name)
DATATYPE: dict[ElementType, str] = {
    "float32": "FP32",
    "float64": "FP64",
    **{element_type: element_type.upper() for element_type in INTEGER_RANGE},
    "bool": "BOOL",
    "string": "BYTES",
}
"""The datatype that the model's own tensor has."""
TAKEN: dict[ElementType, tuple[str, ...]] = {
    "float32": ("FP32", *_INTEGERS),
    "float64": ("FP64", "FP32", *_INTEGERS),
    **dict.fromkeys(INTEGER_RANGE, _INTEGERS),
    "bool": ("BOOL",),
    "string": ("BYTES",),
}
"""Datatypes of requests whose values it may hold."""
_EXACT_INTEGERS: dict[ElementType, tuple[int, int]] = {
    "float32": (-(1 << 24), 1 << 24),  # beyond, not every integer is a number of this precision
    "float64": (-(1 << 53), 1 << 53),
    **INTEGER_RANGE,
}


@dataclass(frozen=True, slots=True)
class Slot:
    """An input tensor of a request, and the features that it carries. Its type and shape are known to fit."""

    input: str
    datatype: str
    shape: tuple[int, ...]
    first: int
    """Place of its first feature among the model's."""
    columns: tuple[Column, ...]

    @property
    def count(self) -> int:
        """Number of values."""
        return self.shape[0] * len(self.columns)

    def refuse(self, place: int, problem: str) -> RequestError:
        """The error for the value at this place, counted in row-major order."""
        row, position = divmod(place, len(self.columns))
        feature = self.columns[position].name
        where = f"Input {self.input!r}, row {row}" + (f", feature {feature!r}" if feature != self.input else "")
        return RequestError(400, f"{where}: {problem}.", row, feature)

    def miscounted(self, count: int, unit: str = "values") -> RequestError:
        """The error for data that the shape does not fit."""
        shape = list(self.shape)
        return RequestError(400, f"Input {self.input!r} has {count} {unit}, which do not fill its shape {shape}.")


def from_bytes(slot: Slot, data: memoryview) -> Values:
    """The values of a tensor that was sent as bytes; RequestError if they are not what its shape says."""
    if slot.datatype == "BYTES":
        return _strings(slot, data)
    dtype = DTYPES[slot.datatype]
    if len(data) != slot.count * dtype.itemsize:
        raise slot.miscounted(len(data), f"bytes of {slot.datatype}")
    if slot.datatype == "BOOL":
        octets = numpy.frombuffer(data, numpy.uint8)
        if (octets > 1).any():
            place = int(numpy.flatnonzero(octets > 1)[0])
            raise slot.refuse(place, f"a BOOL is the byte 0 or 1, not {octets[place]}")
    return numpy.frombuffer(data, dtype)


def _strings(slot: Slot, data: memoryview) -> list[str]:
    """Each is its length, four bytes, and its bytes."""
    texts: list[str] = []
    position, end = 0, len(data)
    while position < end:
        begin = position + 4
        position = begin + int.from_bytes(data[position:begin], "little")
        if begin > end or position > end:
            raise slot.refuse(len(texts), "the string ends after the tensor's last byte")
        if len(texts) == slot.count:
            raise slot.miscounted(end, "bytes of more strings")
        texts.append(decode_text(slot, len(texts), bytes(data[begin:position])))
    if len(texts) != slot.count:
        raise slot.miscounted(len(texts))
    return texts


def decode_text(slot: Slot, place: int, octets: bytes) -> str:
    """The string at one place of a BYTES tensor; RequestError if it is not UTF-8."""
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise slot.refuse(place, f"the string is not UTF-8: {error.reason} at its byte {error.start}") from None


def in_columns(slot: Slot, values: Values) -> list[list[Value]]:
    """The values of each feature; RequestError for the first that the model's tensor cannot hold."""
    width = len(slot.columns)
    if isinstance(values, list):
        return [list(values[position::width]) for position in range(width)]
    element_type = slot.columns[0].element_type
    if values.dtype.kind == "f":
        finite = numpy.isfinite(values)
        if not finite.all():
            place = int(numpy.flatnonzero(~finite)[0])
            raise slot.refuse(place, "takes a number, not " + {"nan": "NaN"}.get(str(values[place]), "an infinite one"))
        values = shortest(values) if element_type == "float32" else values
    elif values.dtype.kind in "iu":
        _check_range(slot, values, element_type)
        if element_type in ("float32", "float64"):
            values = values.astype(numpy.float64)
    columns: list[list[Value]] = values.reshape(-1, width).T.tolist()
    return columns


def _check_range(slot: Slot, values: Array, element_type: ElementType) -> None:
    smallest, largest = _EXACT_INTEGERS[element_type]
    limits = numpy.iinfo(values.dtype)
    if limits.min >= smallest and limits.max <= largest:
        return
    outside = (values < smallest) | (values > largest)
    if outside.any():
        place = int(numpy.flatnonzero(outside)[0])
        raise slot.refuse(place, f"{values[place]} is outside of the integers that the model's {element_type} can hold")


def to_bytes(datatype: str, values: Sequence[Value]) -> bytes:
    """The bytes of a tensor's values, as a request would carry them."""
    if datatype != "BYTES":
        return numpy.array(values, DTYPES[datatype]).tobytes()
    packed = {value: _packed(str(value).encode()) for value in set(values)}
    return b"".join([packed[value] for value in values])


def _packed(text: bytes) -> bytes:
    return struct.pack("<I", len(text)) + text
