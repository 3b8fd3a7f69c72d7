"""The Open Inference Protocol over HTTP: what each address answers.

The id of a request is its `id`; where it has none, the header X-Request-Id, which proxies add of their own accord; else
a new one. The answer has it in both places.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response

from driftmonitor_api import __version__
from driftmonitor_inference import openinference_documentation as described
from driftmonitor_inference.documentation import Operations
from driftmonitor_inference.openinference import (
    PLATFORM,
    SERVER_NAME,
    Description,
    Interface,
    unknown_model,
)
from driftmonitor_inference.openinference_json import InferRequest, decode_infer, encode_infer
from driftmonitor_inference.replies import JSON_TYPE, Headers, Reply, retry_after
from driftmonitor_inference.requests import Decoded, HttpRequest, Route
from driftmonitor_inference.rows import RequestError, row_builder
from driftmonitor_inference.service import Predicted, PredictionService

_LENGTH = b"inference-header-content-length"
_BYTES_TYPE = (b"content-type", b"application/octet-stream")
_MAX_DIGITS = 18


class OpenInferenceHttp:
    """The protocol's inference for one model."""

    def __init__(self, service: PredictionService, interface: Interface) -> None:
        """`interface` is that of the service's model."""
        config = service.config
        self.service = service
        self.interface = interface
        self._rows = row_builder(service.model.columns)
        model = f"/v2/models/{config.model_name}"
        self._paths = (f"{model}/infer", f"{model}/versions/{config.model_version}/infer")

    def routes(self) -> dict[str, Route]:
        """Where this model's inference is asked for."""
        return {path: Route("POST", self._decoded, self._answer, failure) for path in self._paths}

    def operations(self) -> Operations:
        """The OpenAPI description of the same."""
        operation = described.infer_operation(self.interface, self.service.model.example)
        return {path: {"post": operation} for path in self._paths}

    def _decoded(self, request: HttpRequest) -> Decoded:
        infer = decode_infer(request.body, _header_length(request.headers.get(_LENGTH)), self.interface)
        self._check_model(infer)
        if infer.id is not None:
            request.request_id = self.service.request_id(infer.id)
        return Decoded(self._rows(infer.columns), infer.outputs)

    def _answer(self, predicted: Predicted, outputs: Any) -> Reply:
        config = self.service.config
        answer, length = encode_infer(
            config.model_name, config.model_version, predicted.request_id, outputs, predicted.predictions
        )
        headers: Headers = [JSON_TYPE if length is None else _BYTES_TYPE]
        if length is not None:
            headers.append((_LENGTH, b"%d" % length))
        if predicted.traceparent is not None:
            headers.append((b"traceparent", predicted.traceparent.encode()))
        return Reply(200, answer, headers, len(predicted.predictions))

    def _check_model(self, request: InferRequest) -> None:
        config = self.service.config
        for name, said, served in (
            ("model_name", request.model_name, config.model_name),
            ("model_version", request.model_version, config.model_version),
        ):
            if said and said != served:
                raise RequestError(400, f"The request's {name!r} is {said[:200]!r}, but its address says {served!r}.")


def failure(error: RequestError) -> Reply:
    """The reply to a request that was not served, in the protocol's form."""
    return Reply(error.status, msgspec.json.encode({"error": error.sentence}), [JSON_TYPE, *retry_after(error)])


def _header_length(value: bytes | None) -> int | None:
    if value is None:
        return None
    if not value.isdigit() or len(value) > _MAX_DIGITS:
        raise RequestError(400, "The header Inference-Header-Content-Length must be a number of bytes.")
    return int(value)


def add_routes(app: FastAPI, service: PredictionService, interface: Interface, is_ready: Callable[[], bool]) -> None:
    """Add every route of the protocol but those of this model's inference."""
    config = service.config
    server = {"name": SERVER_NAME, "version": __version__, "extensions": ["binary_tensor_data"]}
    metadata = {
        "name": config.model_name,
        "versions": [config.model_version],
        "platform": PLATFORM,
        "inputs": [_tensor(item) for item in interface.inputs],
        "outputs": [_tensor(output.description) for output in interface.outputs],
    }

    def unknown(request: Request) -> Response | None:
        path = request.path_params
        error = unknown_model(config.model_name, config.model_version, path["model"], path.get("version"))
        return None if error is None else _refused(error)

    def ready(document: dict[str, Any]) -> Response:
        return _json({**document, "ready": is_ready()}, 200 if is_ready() else 503)

    async def server_metadata() -> Response:
        """The server and the extensions of the protocol that it knows."""
        return _json(server)

    async def server_live() -> Response:
        """200 while the process runs."""
        return _json({"live": True})

    async def server_ready() -> Response:
        """200 while predictions are served, 503 once the server is ending."""
        return ready({})

    async def model_metadata(request: Request) -> Response:
        """Inputs and outputs as the ONNX model declares them."""
        return unknown(request) or _json(metadata)

    async def model_ready(request: Request) -> Response:
        """200 while the model is served, 503 once the server is ending."""
        return unknown(request) or ready({"name": config.model_name})

    async def infer_elsewhere(request: Request) -> Response:
        """Inference of a model that is not served here."""
        return unknown(request) or _refused(RequestError(404, "Not Found."))

    def add(path: str, endpoint: Callable[..., Any], operation: dict[str, Any]) -> None:
        app.add_api_route(path, endpoint, methods=["GET"], openapi_extra=operation, response_class=Response)

    add("/v2", server_metadata, described.plain("Name, version and extensions."))
    add("/v2/health/live", server_live, described.plain("It is."))
    add("/v2/health/ready", server_ready, described.ready("It is."))
    for path, version in (
        ("/v2/models/{model}", None),
        ("/v2/models/{model}/versions/{version}", config.model_version),
    ):
        place = described.place(config.model_name, version)
        add(path, model_metadata, place | described.of_model("Names, datatypes and shapes."))
        add(f"{path}/ready", model_ready, place | described.ready("It is.", of_model=True))
        app.add_api_route(f"{path}/infer", infer_elsewhere, methods=["POST"], include_in_schema=False)


def _tensor(description: Description) -> dict[str, Any]:
    return {"name": description.name, "datatype": description.datatype, "shape": list(description.shape)}


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def _refused(error: RequestError) -> Response:
    return Response(failure(error).body, error.status, media_type="application/json")
