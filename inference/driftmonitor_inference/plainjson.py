"""The plain JSON API for people: `/predict`, `/predict/label`, and both for the model's example row."""

from email.message import Message

import msgspec

from driftmonitor_inference import wire
from driftmonitor_inference.decoding import decoder
from driftmonitor_inference.documentation import Example, Operations, operations
from driftmonitor_inference.replies import JSON_TYPE, Reply, failure
from driftmonitor_inference.requests import Decoded, HttpRequest, Route
from driftmonitor_inference.rows import RequestError, row_builder
from driftmonitor_inference.service import Predicted, PredictionService

_EXAMPLE_ID = "order-7"
_CHARSETS = ("utf-8", "utf8", "us-ascii")


class PlainJson:
    """Decodes named features, and answers with predictions or with nothing but their labels or values."""

    def __init__(self, service: PredictionService, *, max_rows: int) -> None:
        self._service = service
        self._max_rows = max_rows
        model = service.model
        self._decode = decoder(model.columns, max_rows=max_rows)
        self._example = row_builder(model.columns)([[value] for value in model.example])

    def routes(self) -> dict[str, Route]:
        """By path."""
        return {
            "/predict": Route("POST", self._decoded, self._answer, failure),
            "/predict/label": Route("POST", self._decoded, self._answer_labels, failure),
            # The model's example row; nobody asked for it in earnest, so no check is to see it.
            "/predict/test": Route("GET", self._tested, self._answer, failure, live=False),
            "/predict/test/label": Route("GET", self._tested, self._answer_labels, failure, live=False),
        }

    def operations(self) -> Operations:
        """The description of these routes, with the answer that the model gives to its example row."""
        model = self._service.model
        row = {column.name: value for column, value in zip(model.columns, model.example, strict=True)}
        example = Example(row)
        if model.example_works:
            predicted = Predicted(_EXAMPLE_ID, None, None, model.predict(self._example.values), 0)
            example = Example(
                row, msgspec.to_builtins(self._full(predicted)), msgspec.to_builtins(self._labels(predicted))
            )
        return operations(model.columns, model.outputs, example, self._max_rows)

    def _full(self, predicted: Predicted) -> wire.Answer:
        """What `/predict` answers."""
        config = self._service.config
        return wire.Answer(
            predicted.request_id, config.model_name, config.model_version, predicted.predictions, predicted.trace_id
        )

    def _labels(self, predicted: Predicted) -> wire.Labels:
        """What `/predict/label` answers."""
        rows = predicted.predictions
        if self._service.model.outputs.kind == "values":
            return wire.Labels(predicted.request_id, None, [row.value for row in rows], predicted.trace_id)
        return wire.Labels(predicted.request_id, [row.label for row in rows], None, predicted.trace_id)

    def _answer(self, predicted: Predicted, _: object) -> Reply:
        return _reply(predicted, self._full(predicted))

    def _answer_labels(self, predicted: Predicted, _: object) -> Reply:
        return _reply(predicted, self._labels(predicted))

    def _decoded(self, request: HttpRequest) -> Decoded:
        content_type = request.headers.get(b"content-type")
        if content_type is not None and content_type != b"application/json":
            _check_content_type(content_type.decode("latin-1"))
        return Decoded(self._decode(request.body))

    def _tested(self, _: HttpRequest) -> Decoded:
        return Decoded(self._example)


def _reply(predicted: Predicted, answer: wire.Answer | wire.Labels) -> Reply:
    headers = [JSON_TYPE]
    if predicted.traceparent is not None:
        headers.append((b"traceparent", predicted.traceparent.encode()))
    return Reply(200, wire.encode(answer), headers, len(predicted.predictions))


def _check_content_type(content_type: str) -> None:
    """RequestError for a body that says that it is something else than JSON in UTF-8."""
    message = Message()
    message["content-type"] = content_type
    charset = message.get_param("charset", "utf-8")
    if message.get_content_type() != "application/json":
        raise RequestError(415, "The body must be JSON: send it with the header 'Content-Type: application/json'.")
    if str(charset).lower() not in _CHARSETS:
        raise RequestError(415, "The body must be JSON in UTF-8; leave the charset out of the header Content-Type.")
