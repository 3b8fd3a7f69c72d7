"""Pure: the bodies of inference over HTTP: JSON, and behind it the bytes of tensors that are sent or wanted as bytes.

What fits is decoded in one pass; what does not is explained by openinference_errors.py.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy

from driftmonitor_inference.examples import Value
from driftmonitor_inference.openinference import Description, Interface, Output, check_parameters
from driftmonitor_inference.openinference_errors import explain_body, explain_data
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.tensors import DTYPES, FLOAT_MAX, Slot, Values, from_bytes, to_bytes

_WHITE_SPACE = b" \t\r\n"


class _Input(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str
    shape: list[Annotated[int, msgspec.Meta(ge=0)]]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: msgspec.Raw = msgspec.Raw(b"")


class _Wanted(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str
    parameters: dict[str, Any] | None = None


class _Request(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    inputs: list[_Input]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[_Wanted] | None = None
    model_name: str | None = None  # not in the protocol; some clients repeat the path here
    model_version: str | None = None


class _Answered(msgspec.Struct, gc=False, omit_defaults=True):
    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] | None = None
    data: list[Value] | None = None


class _Answer(msgspec.Struct, gc=False):
    model_name: str
    model_version: str
    id: str
    outputs: list[_Answered]


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request for predictions."""

    id: str | None
    model_name: str | None
    model_version: str | None
    columns: list[list[Value]]
    """The values of each feature, in the model's order."""
    outputs: list[tuple[Output, bool]]
    """What is wanted, and whether as bytes."""


def _element(datatype: str) -> Any:
    if datatype == "BYTES":
        return str
    if datatype == "BOOL":
        return bool
    if datatype == "FP32":
        return Annotated[float, msgspec.Meta(ge=-FLOAT_MAX["FP32"], le=FLOAT_MAX["FP32"])]
    if datatype == "FP64":
        return float
    limits = numpy.iinfo(DTYPES[datatype])
    # msgspec's own bounds end at 64 bits with a sign; numpy refuses what is larger than UINT64.
    most = None if limits.max >= 1 << 63 else int(limits.max)
    return Annotated[int, msgspec.Meta(ge=int(limits.min), le=most)]


_DECODE = msgspec.json.Decoder(_Request).decode
_FLAT = {name: msgspec.json.Decoder(list[_element(name)]).decode for name in (*DTYPES, "BYTES")}  # type: ignore[misc]
_NESTED = {name: msgspec.json.Decoder(list[list[_element(name)]]).decode for name in _FLAT}  # type: ignore[misc]
_ENCODER = msgspec.json.Encoder()


def decode_infer(body: bytes, header_length: int | None, interface: Interface) -> InferRequest:
    """The request in a body; RequestError for what does not follow the protocol or does not fit the model.

    `header_length` is that of the JSON in bytes, where the bytes of tensors follow it.
    """
    if header_length is None:
        head, tail = body, memoryview(b"")
    elif header_length > len(body):
        raise RequestError(
            400, f"Inference-Header-Content-Length is {header_length}, but the body has only {len(body)} bytes."
        )
    else:
        head, tail = body[:header_length], memoryview(body)[header_length:]
    try:
        request: _Request = _DECODE(head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise explain_body(head, interface, str(error)) from None
    slots = interface.slots([Description(item.name, item.datatype, tuple(item.shape)) for item in request.inputs])
    values, position = [], 0
    for slot, item in zip(slots, request.inputs, strict=True):
        text = bytes(item.data)
        size = _size(item, bool(text))
        if size is None:
            values.append(_from_json(slot, text))
            continue
        if position + size > len(tail):
            raise RequestError(
                400,
                f"Input {item.name!r} has {size} bytes of data by its 'binary_data_size', but only"
                f" {len(tail) - position} bytes follow the JSON.",
            )
        values.append(from_bytes(slot, tail[position : position + size]))
        position += size
    if position != len(tail):
        raise RequestError(400, f"{len(tail) - position} bytes follow the data of the last input.")
    columns = interface.columns(slots, values)
    return InferRequest(
        request.id or None, request.model_name, request.model_version, columns, _wanted(request, interface)
    )


def _size(item: _Input, with_data: bool) -> int | None:
    """Bytes of the data behind the JSON; None where the data is in the JSON."""
    parameters = item.parameters or {}
    check_parameters(f"Input {item.name!r}", parameters)
    size = parameters.get("binary_data_size")
    if size is None:
        if not with_data:
            raise RequestError(400, f"Input {item.name!r} has neither 'data' nor a parameter 'binary_data_size'.")
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise RequestError(400, f"Input {item.name!r}: 'binary_data_size' must be a number of bytes.")
    if with_data:
        raise RequestError(400, f"Input {item.name!r} has both 'data' and 'binary_data_size'; send one of them.")
    return size


def _from_json(slot: Slot, text: bytes) -> Values:
    values: list[Any]
    try:
        if text[1:].lstrip(_WHITE_SPACE)[:1] == b"[":
            nested = _NESTED[slot.datatype](text)
            width = len(slot.columns)
            if len(slot.shape) != 2 or len(nested) != slot.shape[0] or any(len(row) != width for row in nested):
                raise explain_data(slot, text)
            values = list(itertools.chain.from_iterable(nested))
        else:
            values = _FLAT[slot.datatype](text)
            if len(values) != slot.count:
                raise slot.miscounted(len(values))
        return values if slot.datatype == "BYTES" else numpy.array(values, DTYPES[slot.datatype])
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError):
        raise explain_data(slot, text) from None


def _wanted(request: _Request, interface: Interface) -> list[tuple[Output, bool]]:
    binary = _flag(request.parameters or {}, "binary_data_output", False, "The request")
    if not request.outputs:
        return [(output, binary) for output in interface.outputs]
    found = []
    for item in request.outputs:
        output, where, parameters = interface.wanted(item.name), f"Output {item.name!r}", item.parameters or {}
        check_parameters(where, parameters)
        found.append((output, _flag(parameters, "binary_data", binary, where)))
    return found


def _flag(parameters: dict[str, Any], name: str, otherwise: bool, where: str) -> bool:
    value = parameters.get(name, otherwise)
    if not isinstance(value, bool):
        raise RequestError(400, f"{where}: the parameter {name!r} must be true or false.")
    return value


def encode_infer(
    model_name: str,
    model_version: str,
    request_id: str,
    wanted: Sequence[tuple[Output, bool]],
    predictions: Sequence[RowPrediction],
) -> tuple[bytes, int | None]:
    """The body of an answer, and the length of its JSON where bytes of tensors follow it."""
    answered, tails = [], []
    for output, binary in wanted:
        description, values = output.description, output.values(predictions)
        name, datatype, shape = description.name, description.datatype, output.shape(len(predictions))
        if binary:
            tails.append(to_bytes(datatype, values))
            answered.append(_Answered(name, datatype, shape, {"binary_data_size": len(tails[-1])}))
        else:
            answered.append(_Answered(name, datatype, shape, None, values))
    head = _ENCODER.encode(_Answer(model_name, model_version, request_id, answered))
    return (b"".join([head, *tails]), len(head)) if tails else (head, None)
