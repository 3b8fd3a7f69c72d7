"""Pure: the OpenAPI description of the Open Inference Protocol for the model that is served."""

from collections.abc import Sequence
from typing import Any

import numpy

from driftmonitor_inference.examples import Value
from driftmonitor_inference.openinference import Description, Interface
from driftmonitor_inference.tensors import DTYPES, FLOAT_MAX

_TEXT = {"type": "string"}
_FAILURE = {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}
_READY = {"type": "object", "properties": {"ready": {"type": "boolean"}}, "required": ["ready"]}
_NOT_HERE = "There is no such model or version here."


def plain(text: str) -> dict[str, Any]:
    """An operation that always answers."""
    return {"responses": {"200": _answer(text, {"type": "object"})}}


def ready(text: str, *, of_model: bool = False) -> dict[str, Any]:
    """An operation that answers 503 once the server is ending."""
    responses = {"200": _answer(text, _READY), "503": _answer("No more: the server is ending.", _READY)}
    return {"responses": responses | ({"404": _answer(_NOT_HERE, _FAILURE)} if of_model else {})}


def of_model(text: str) -> dict[str, Any]:
    """An operation that needs the model's name."""
    return {"responses": {"200": _answer(text, {"type": "object"}), "404": _answer(_NOT_HERE, _FAILURE)}}


def place(model_name: str, model_version: str | None) -> dict[str, Any]:
    """Name and version in an operation's path."""
    values = {"model": model_name} | ({} if model_version is None else {"version": model_version})
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": [value]}}
            for name, value in values.items()
        ]
    }


def infer_operation(interface: Interface, example: Sequence[Value]) -> dict[str, Any]:
    """Request and answers of inference. The schema is that of one row: JSON Schema cannot say that the length of data
    follows from its shape."""
    inputs = interface.inputs
    body = {
        "type": "object",
        "description": "One row. For more of them, a tensor's data grows as the first number of its shape.",
        "properties": {
            "id": {"type": ["string", "null"], "maxLength": 128, "pattern": "^[ -~]*$"},
            "parameters": _flag("binary_data_output"),
            "outputs": {
                "type": ["array", "null"],
                "description": "What is wanted; none of them: all.",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "enum": [output.description.name for output in interface.outputs]},
                        "parameters": _flag("binary_data"),
                    },
                    "required": ["name"],
                    "additionalProperties": False,
                },
            },
            "inputs": {
                "type": "array",
                "prefixItems": [_tensor(description) for description in inputs],
                "items": False,
                "minItems": len(inputs),
            },
        },
        "required": ["inputs"],
        "additionalProperties": False,
    }
    values: list[list[Value]] = [list(example)] if len(inputs) == 1 else [[value] for value in example]
    shown = [
        {
            "name": description.name,
            "datatype": description.datatype,
            "shape": _shape(description),
            "data": data,
        }
        for description, data in zip(inputs, values, strict=True)
    ]
    answers = {
        400: "The request does not follow the protocol or does not fit the model.",
        404: _NOT_HERE,
        413: "The body has too many bytes or rows.",
        422: "The model refuses the values of a row.",
        503: "The prediction log is full; try again after the seconds that `Retry-After` says.",
    }
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "example": {"inputs": shown}}},
        },
        "responses": {
            "200": {
                "description": "The model's outputs, one row of each for each row; with the header"
                " Inference-Header-Content-Length where bytes of tensors follow the JSON.",
                "content": {"application/json": {"schema": _ANSWER}, "application/octet-stream": {"schema": {}}},
            },
            **{str(status): _answer(text, _FAILURE) for status, text in answers.items()},
        },
    }


def _flag(name: str) -> dict[str, Any]:
    """Parameters of which one is a flag; others are taken and mean nothing."""
    return {"type": ["object", "null"], "properties": {name: {"type": "boolean"}}}


def _shape(description: Description) -> list[int]:
    return [1, *description.shape[1:]]


def _tensor(description: Description) -> dict[str, Any]:
    shape = _shape(description)
    width = shape[-1]
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "enum": [description.name]},
            "datatype": {"type": "string", "enum": [description.datatype]},
            "shape": {
                "type": "array",
                "prefixItems": [{"type": "integer", "enum": [size]} for size in shape],
                "items": False,
                "minItems": 1 if shape[1:] == [1] else len(shape),  # a column's second dimension may be left out
            },
            "data": {
                "type": "array",
                "items": _element(description.datatype),
                "minItems": width,
                "maxItems": width,
            },
        },
        "required": ["name", "datatype", "shape", "data"],
        "additionalProperties": False,
    }


def _element(datatype: str) -> dict[str, Any]:
    if datatype in FLOAT_MAX:
        return {"type": "number", "minimum": -FLOAT_MAX[datatype], "maximum": FLOAT_MAX[datatype]}
    if datatype in ("BOOL", "BYTES"):
        return {"type": "boolean" if datatype == "BOOL" else "string"}
    limits = numpy.iinfo(DTYPES[datatype])
    return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}


_TENSOR = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "datatype": _TEXT,
        "shape": {"type": "array", "items": {"type": "integer"}},
        "data": {"type": "array"},
    },
    "required": ["name", "datatype", "shape", "data"],
}
_ANSWER = {
    "type": "object",
    "properties": {
        "model_name": _TEXT,
        "model_version": _TEXT,
        "id": _TEXT,
        "outputs": {"type": "array", "items": _TENSOR},
    },
    "required": ["model_name", "model_version", "id", "outputs"],
}


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
