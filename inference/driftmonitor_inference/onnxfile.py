"""Reads from an ONNX file what onnxruntime does not tell: the class labels and categories that its operators hold.

The file is walked as the protocol buffer it is, over its top-level structure only, so that no second ONNX library is
needed in the image and a model's weights are never copied.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Labels = tuple[str, ...] | tuple[int, ...]

# Field numbers of onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_OPERATOR, _NODE_ATTRIBUTE = 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INTS, _ATTRIBUTE_STRINGS = 1, 8, 9
_TENSOR_INT32, _TENSOR_STRING, _TENSOR_INT64, _TENSOR_NAME, _TENSOR_EXTERNAL = 5, 6, 7, 8, 13
_ENTRY_KEY, _ENTRY_VALUE = 1, 2

_LABEL_ATTRIBUTES = ("classlabels_strings", "classlabels_ints", "classlabels_int64s")
_CATEGORY_ATTRIBUTES = ("cats_strings", "keys_strings")
_INTEGER_CATEGORY_ATTRIBUTES = ("cats_int64s",)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass
class Hints:
    """What the operators hold. Each list is in the order of the file."""

    zipmap_labels: list[Labels] = field(default_factory=list)
    """Labels of ZipMap operators: the keys of the maps that the model gives."""
    labels: list[Labels] = field(default_factory=list)
    """Labels of classifiers, and constants named `classes`."""
    categories: list[tuple[str, ...]] = field(default_factory=list)
    """Strings that encoders know."""
    integer_categories: list[tuple[int, ...]] = field(default_factory=list)
    """Integers that encoders know."""
    external_files: list[str] = field(default_factory=list)
    """Other files that hold weights of the model, as it names them."""


def read_hints(path: Path) -> Hints:
    """The hints of one file; none where it is not a protocol buffer. OSError if it cannot be read."""
    with path.open("rb") as file:
        try:
            return _hints(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
        except (IndexError, ValueError):
            return Hints()  # not a protocol buffer; onnxruntime says it better


def _hints(model: memoryview) -> Hints:
    hints = Hints()
    for graph in _submessages(model, _MODEL_GRAPH):
        for number, value in _fields(graph):
            if number == _GRAPH_NODE and isinstance(value, memoryview):
                _read_node(value, hints)
            elif number == _GRAPH_INITIALIZER and isinstance(value, memoryview):
                _read_initializer(value, hints)
    return hints


def _read_node(node: memoryview, hints: Hints) -> None:
    operator = next((bytes(value).decode() for value in _submessages(node, _NODE_OPERATOR)), "")
    for attribute in _submessages(node, _NODE_ATTRIBUTE):
        name = next((bytes(value).decode() for value in _submessages(attribute, _ATTRIBUTE_NAME)), "")
        if name in _LABEL_ATTRIBUTES:
            labels = _values(attribute, _ATTRIBUTE_STRINGS, _ATTRIBUTE_INTS)
            if labels:
                (hints.zipmap_labels if operator == "ZipMap" else hints.labels).append(labels)
        elif name in _CATEGORY_ATTRIBUTES:
            strings = tuple(bytes(value).decode() for value in _submessages(attribute, _ATTRIBUTE_STRINGS))
            if strings:
                hints.categories.append(strings)
        elif name in _INTEGER_CATEGORY_ATTRIBUTES:
            integers = _integers(attribute, _ATTRIBUTE_INTS)
            if integers:
                hints.integer_categories.append(integers)


def _read_initializer(tensor: memoryview, hints: Hints) -> None:
    name = next((bytes(value).decode() for value in _submessages(tensor, _TENSOR_NAME)), "")
    if name.startswith("classes"):
        labels = _values(tensor, _TENSOR_STRING, _TENSOR_INT64, _TENSOR_INT32)
        if labels:
            hints.labels.append(labels)
    for entry in _submessages(tensor, _TENSOR_EXTERNAL):
        if any(bytes(key) == b"location" for key in _submessages(entry, _ENTRY_KEY)):
            hints.external_files += [bytes(value).decode() for value in _submessages(entry, _ENTRY_VALUE)]


def _values(message: memoryview, strings: int, *integers: int) -> Labels:
    texts = tuple(bytes(value).decode() for value in _submessages(message, strings))
    return texts or _integers(message, *integers)


def _integers(message: memoryview, *wanted: int) -> tuple[int, ...]:
    numbers: list[int] = []
    for number, value in _fields(message):
        if number in wanted:
            numbers.extend([value] if isinstance(value, int) else _packed(value))
    return tuple(number - (1 << 64) if number >= 1 << 63 else number for number in numbers)


def _submessages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _fields(message):
        if number == wanted and isinstance(value, memoryview):
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            length, position = _varint(message, position)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire_type}")
        if position + length > len(message):
            raise ValueError("a field ends after its message")
        yield number, message[position : position + length]
        position += length


def _packed(message: memoryview) -> Iterator[int]:
    position = 0
    while position < len(message):
        value, position = _varint(message, position)
        yield value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
