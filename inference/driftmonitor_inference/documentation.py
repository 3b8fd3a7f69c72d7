"""Pure: the OpenAPI description of `/predict` for the model that is served, with an example that it answers."""

from collections.abc import Sequence
from typing import Any

from driftmonitor_api.config import InferenceConfig
from driftmonitor_inference.signature import Column, ElementType

_JSON_TYPES: dict[ElementType, dict[str, Any]] = {
    "float32": {"type": "number"},
    "float64": {"type": "number"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
}


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


def predict_operation(
    columns: Sequence[Column], classes: Sequence[str] | None, example: Sequence[Any], max_rows: int
) -> dict[str, Any]:
    """Request and answers of `POST /predict`."""
    row = {
        "type": "object",
        "properties": {column.name: _JSON_TYPES[column.element_type] for column in columns},
        "required": [column.name for column in columns],
        "additionalProperties": False,
    }
    instances = {"type": "array", "items": row, "minItems": 1, "maxItems": max_rows}
    body = {
        "type": "object",
        "properties": {"instances": instances},
        "required": ["instances"],
        "additionalProperties": False,
    }
    named = {column.name: value for column, value in zip(columns, example, strict=True)}
    answers = {
        400: "The body is not JSON, or a header is not valid.",
        413: "The body has too many bytes or rows.",
        422: "The body does not fit the model; `row` and `field` say where.",
        503: "The prediction log is full; try again after the seconds that `Retry-After` says.",
    }
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "example": {"instances": [named]}}},
        },
        "responses": {
            "200": {"description": "One prediction for each row.", "content": _json(_answer(classes))},
            **{str(status): {"description": text, "content": _json(_FAILURE)} for status, text in answers.items()},
        },
    }


_FAILURE = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "row": {"type": "integer"}, "field": {"type": "string"}},
    "required": ["error"],
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer(classes: Sequence[str] | None) -> dict[str, Any]:
    label = {"type": "string"} if classes is None else {"type": "string", "enum": list(classes)}
    number = {"type": "number"}
    prediction = {
        "type": "object",
        "properties": {
            "label": label,
            "score": number,
            "scores": {"type": "object", "additionalProperties": number},
            "value": number,
        },
    }
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "request_id": text,
            "model": text,
            "model_version": text,
            "predictions": {"type": "array", "items": prediction},
        },
        "required": ["request_id", "model", "model_version", "predictions"],
    }
