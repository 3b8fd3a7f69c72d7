"""Pure: the OpenAPI description of the routes that predict, for the model that is served, with its own answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftmonitor_api.config import InferenceConfig
from driftmonitor_inference.rows import FLOAT32_MAX
from driftmonitor_inference.signature import INTEGER_RANGE, Column, Outputs

Operations = dict[str, dict[str, Any]]
"""Descriptions by path and method."""

_REFUSALS = {
    400: "The body is not JSON, or a header is not valid.",
    408: "The body did not come in time.",
    413: "The body has too many bytes or rows.",
    415: "The body is compressed, or says that it is not JSON.",
    422: "The body does not fit the model, or the model gives no answer to a row; `row` and `field` say where.",
    500: "The server failed; its log says why.",
    503: "Too many requests, or the prediction log is full; try again after the seconds that `Retry-After` says.",
}
_FAILURE = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "row": {"type": "integer"}, "field": {"type": "string"}},
    "required": ["error"],
    "additionalProperties": False,
}
_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_HEADERS = [
    {
        "name": "X-Request-Id",
        "in": "header",
        "description": "The id of the request in its answer and its records; one is made where it is left out.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    },
    {
        "name": "traceparent",
        "in": "header",
        "description": "The W3C's trace context; the answer and the records have its trace id.",
        "schema": {"type": "string"},
    },
]


@dataclass(frozen=True)
class Example:
    """A row that the model takes, and what it is answered; without answers where the model refuses the row."""

    row: Mapping[str, Any]
    answer: Any = None
    labels: Any = None


def logging_promise(config: InferenceConfig) -> str:
    """What becomes of the rows predicted, in a sentence."""
    which = "Every row" if config.sampling_percent == 100 else f"{config.sampling_percent} percent of the requests,"
    how = {"File": "written to the log", "Sync": "synced to the disk"}[config.durability]
    verb = "is" if config.sampling_percent == 100 else "chosen by their id, are"
    unless = ", unless the log is full" if config.when_full == "ServeAndCount" else ""
    return f"{which} {verb} {how} before the answer{unless}."


def features(columns: Sequence[Column]) -> list[dict[str, str]]:
    """The features as `/metadata` tells them."""
    return [{"name": column.name, "type": column.type, "data_type": column.element_type} for column in columns]


def operations(columns: Sequence[Column], outputs: Outputs, example: Example, max_rows: int) -> Operations:
    """The routes that predict."""
    answer, labels = _answer(outputs), _labels(outputs)
    body = {
        "required": True,
        "content": {
            "application/json": {
                "schema": _body(columns, max_rows),
                "examples": {
                    "one": {"summary": "One row", "value": example.row},
                    "many": {"summary": "Many rows", "value": {"instances": [example.row]}},
                },
            }
        },
    }
    row = "the model's example row, which no record holds and no check sees"
    return {
        "/predict": {
            "post": {
                "summary": "Predict one row or many",
                "operationId": "predict",
                "requestBody": body,
                **_answered("One prediction for each row.", answer, example.answer),
            }
        },
        "/predict/label": {
            "post": {
                "summary": "Predict one row or many, and answer with the labels or values alone",
                "operationId": "predict_label",
                "requestBody": body,
                **_answered("One label or value for each row.", labels, example.labels),
            }
        },
        "/predict/test": {
            "get": {
                "summary": f"Predict {row}",
                "operationId": "predict_test",
                **_answered("Its prediction.", answer, example.answer),
            }
        },
        "/predict/test/label": {
            "get": {
                "summary": f"The label or value alone of {row}",
                "operationId": "predict_test_label",
                **_answered("Its label or value.", labels, example.labels),
            }
        },
    }


def _answered(meaning: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {
        "parameters": _HEADERS,
        "responses": {
            "200": {"description": meaning, "content": {"application/json": content}},
            **{
                str(status): {"description": text, "content": {"application/json": {"schema": _FAILURE}}}
                for status, text in _REFUSALS.items()
            },
        },
    }


def _body(columns: Sequence[Column], max_rows: int) -> dict[str, Any]:
    row = {
        "type": "object",
        "properties": {column.name: _value(column) for column in columns},
        "required": [column.name for column in columns],
        "additionalProperties": False,
    }
    rows = {
        "type": "object",
        "properties": {"instances": {"type": "array", "items": row, "minItems": 1, "maxItems": max_rows}},
        "required": ["instances"],
        "additionalProperties": False,
    }
    return {"anyOf": [row, rows]}


def _value(column: Column) -> dict[str, Any]:
    kind = column.element_type
    if kind in INTEGER_RANGE:
        smallest, largest = INTEGER_RANGE[kind]
        return {"type": "integer", "format": kind, "minimum": smallest, "maximum": largest}
    if kind == "float32":
        return {"type": "number", "format": "float", "minimum": -FLOAT32_MAX, "maximum": FLOAT32_MAX}
    if kind == "float64":
        return {"type": "number", "format": "double"}
    return {"type": "boolean" if kind == "bool" else "string"}


def _answer(outputs: Outputs) -> dict[str, Any]:
    prediction: dict[str, Any] = {"outlier": _object({"flag": {"type": "boolean"}, "score": _NUMBER})}
    if outputs.kind == "values":
        prediction |= {"value": _NUMBER}
    else:
        scores = {"type": "object", "additionalProperties": _NUMBER}
        prediction |= {"label": _label(outputs), "score": _NUMBER, "scores": scores}
    given = ("value",) if outputs.kind == "values" else ("label",)
    rows = {"type": "array", "items": _object(prediction, given)}
    return _object(
        {"request_id": _TEXT, "model": _TEXT, "model_version": _TEXT, "predictions": rows, "trace_id": _TEXT},
        ("request_id", "model", "model_version", "predictions"),
    )


def _labels(outputs: Outputs) -> dict[str, Any]:
    name, item = ("values", _NUMBER) if outputs.kind == "values" else ("labels", _label(outputs))
    rows = {"type": "array", "items": item}
    return _object({"request_id": _TEXT, name: rows, "trace_id": _TEXT}, ("request_id", name))


def _label(outputs: Outputs) -> dict[str, Any]:
    return _TEXT if outputs.classes is None else {"type": "string", "enum": list(outputs.classes)}


def _object(properties: dict[str, Any], required: Sequence[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }
