"""Pure: the messages of inference over gRPC: what a request holds, and what an answer is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from driftmonitor_inference.examples import Value
from driftmonitor_inference.grpc_api.inference_pb2 import (
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
    ModelMetadataResponse,
)
from driftmonitor_inference.openinference import Description, Interface, Output, check_parameters
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.tensors import DTYPES, Slot, Values, decode_text, from_bytes, to_bytes

_FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A request for predictions."""

    columns: list[list[Value]]
    """The values of each feature, in the model's order."""
    outputs: list[Output]
    """What is wanted."""
    raw: bool
    """Whether its tensors came as bytes, and those of the answer are to go so."""


def decode(request: ModelInferRequest, interface: Interface) -> Decoded:
    """What a request holds; RequestError for what does not follow the protocol or does not fit the model."""
    inputs, raw = request.inputs, request.raw_input_contents
    slots = interface.slots([Description(item.name, item.datatype, tuple(item.shape)) for item in inputs])
    if raw and len(raw) != len(inputs):
        raise RequestError(400, f"The request has {len(inputs)} inputs, but {len(raw)} raw_input_contents.")
    values = []
    for place, (slot, item) in enumerate(zip(slots, inputs, strict=True)):
        if item.parameters:
            check_parameters(f"Input {item.name!r}", item.parameters)
        if not raw:
            values.append(_from_contents(slot, item.contents))
        elif item.HasField("contents"):
            raise RequestError(400, f"Input {item.name!r} has both contents and raw_input_contents; send one of them.")
        else:
            values.append(from_bytes(slot, memoryview(raw[place])))
    for output in request.outputs:
        check_parameters(f"Output {output.name!r}", output.parameters)
    wanted = [interface.wanted(output.name) for output in request.outputs] or list(interface.outputs)
    return Decoded(interface.columns(slots, values), wanted, bool(raw))


def _from_contents(slot: Slot, contents: InferTensorContents) -> Values:
    name = _FIELDS[slot.datatype]
    for field, _ in contents.ListFields():
        if field.name != name:
            raise RequestError(
                400, f"Input {slot.input!r} has values in {field.name}; those of {slot.datatype} belong in {name}."
            )
    given = getattr(contents, name)
    if len(given) != slot.count:
        raise slot.miscounted(len(given), f"values in {name}")
    if slot.datatype == "BYTES":
        return [decode_text(slot, place, octets) for place, octets in enumerate(given)]
    dtype = DTYPES[slot.datatype]
    if dtype.itemsize >= 4 or slot.datatype == "BOOL":
        return numpy.array(given, dtype)
    wide, limits = numpy.array(given, numpy.int64), numpy.iinfo(dtype)
    outside = (wide < limits.min) | (wide > limits.max)
    if outside.any():
        place = int(numpy.flatnonzero(outside)[0])
        raise slot.refuse(place, f"{wide[place]} is outside of {slot.datatype}")
    return wide.astype(dtype)


def encode(
    model_name: str, model_version: str, request_id: str, decoded: Decoded, predictions: Sequence[RowPrediction]
) -> ModelInferResponse:
    """The answer to a request."""
    response = ModelInferResponse(model_name=model_name, model_version=model_version, id=request_id)
    for output in decoded.outputs:
        description, values = output.description, output.values(predictions)
        datatype, shape = description.datatype, output.shape(len(predictions))
        tensor = response.outputs.add(name=description.name, datatype=datatype, shape=shape)
        if decoded.raw:
            response.raw_output_contents.append(to_bytes(datatype, values))
        else:
            field: Any = getattr(tensor.contents, _FIELDS[datatype])
            field.extend([str(value).encode() for value in values] if datatype == "BYTES" else values)
    return response


def describe(name: str, version: str, platform: str, interface: Interface) -> ModelMetadataResponse:
    """The model's metadata."""

    def tensor(description: Description) -> ModelMetadataResponse.TensorMetadata:
        return ModelMetadataResponse.TensorMetadata(
            name=description.name, datatype=description.datatype, shape=description.shape
        )

    return ModelMetadataResponse(
        name=name,
        versions=[version],
        platform=platform,
        inputs=[tensor(description) for description in interface.inputs],
        outputs=[tensor(output.description) for output in interface.outputs],
    )
