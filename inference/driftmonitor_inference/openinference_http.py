"""The Open Inference Protocol over HTTP: what each address answers.

The id of a request is its `id`; where it has none, the header X-Request-Id, which proxies add of their own accord; else
a new one. The answer has it in both places.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response

from driftmonitor_api import __version__
from driftmonitor_inference import openinference_documentation as documentation
from driftmonitor_inference.openinference import Description, Interface
from driftmonitor_inference.openinference_json import InferRequest, decode_infer, encode_infer
from driftmonitor_inference.replies import JSON_TYPE, Headers, Reply, retry_after
from driftmonitor_inference.rows import RequestError, row_builder
from driftmonitor_inference.service import Call, PredictionService

SERVER_NAME = "driftmonitor"
EXTENSIONS = ("binary_tensor_data",)
PLATFORM = "onnxruntime_onnx"
_LENGTH = b"inference-header-content-length"
_BYTES_TYPE = (b"content-type", b"application/octet-stream")
_MAX_DIGITS = 18


class OpenInferenceHttp:
    """The protocol's inference for one model."""

    def __init__(self, service: PredictionService, interface: Interface) -> None:
        """Many may share one service."""
        config = service.config
        self.service = service
        self.interface = interface
        self._rows = row_builder(service.model.columns)
        model = f"/v2/models/{config.model_name}"
        self.paths = frozenset({f"{model}/infer", f"{model}/versions/{config.model_version}/infer"})
        """Where this model's inference is asked for, percent-decoded."""

    async def infer(self, body: bytes, headers: Mapping[bytes, bytes]) -> Reply:
        """Answer one request. It suspends only where the service does. Header names are in lower case."""
        service = self.service
        given = headers.get(b"x-request-id")
        request_id: str | None = None
        try:
            if given is not None:
                request_id = service.request_id(given.decode("latin-1"))
            request = decode_infer(body, _header_length(headers.get(_LENGTH)), self.interface)
            self._check_model(request)
            if request.id is not None or request_id is None:
                request_id = service.request_id(request.id)
            traceparent = headers.get(b"traceparent")
            call = Call(request_id, None if traceparent is None else traceparent.decode("latin-1"))
            predicted = await service.predict(self._rows(request.columns), call)
        except RequestError as error:
            service.metrics.errors.labels(error.status).inc()
            named: Headers = [] if request_id is None else [(b"x-request-id", request_id.encode())]
            return failure(error, named)
        config = service.config
        answer, length = encode_infer(
            config.model_name, config.model_version, request_id, request.outputs, predicted.predictions
        )
        answered: Headers = [JSON_TYPE if length is None else _BYTES_TYPE, (b"x-request-id", request_id.encode())]
        if length is not None:
            answered.append((_LENGTH, b"%d" % length))
        if predicted.traceparent is not None:
            answered.append((b"traceparent", predicted.traceparent.encode()))
        return Reply(200, answer, answered)

    def _check_model(self, request: InferRequest) -> None:
        config = self.service.config
        for name, said, served in (
            ("model_name", request.model_name, config.model_name),
            ("model_version", request.model_version, config.model_version),
        ):
            if said and said != served:
                raise RequestError(400, f"The request's {name!r} is {said[:200]!r}, but its address says {served!r}.")


def failure(error: RequestError, headers: Headers | None = None) -> Reply:
    """The reply to a request that was not served, in the protocol's form."""
    return Reply(
        error.status, msgspec.json.encode({"error": error.sentence}), [JSON_TYPE, *retry_after(error), *(headers or ())]
    )


def _header_length(value: bytes | None) -> int | None:
    if value is None:
        return None
    if not value.isdigit() or len(value) > _MAX_DIGITS:
        raise RequestError(400, "The header Inference-Header-Content-Length must be a number of bytes.")
    return int(value)


def unknown_model(model_name: str, model_version: str, name: str, version: str | None) -> RequestError | None:
    """Why a model that was asked for is not here; None if it is. No version is every version."""
    if name != model_name:
        return RequestError(404, f"There is no model {name[:200]!r}; {model_name!r} is served here.")
    if version not in (None, "", model_version):
        return RequestError(
            404, f"There is no version {version[:200]!r} of {name!r}; version {model_version!r} is served here."
        )
    return None


def add_routes(app: FastAPI, inference: OpenInferenceHttp, is_ready: Callable[[], bool]) -> None:
    """Add every route of the protocol. The one for inference takes bodies of any size: what stands in front of the
    application must limit them."""
    config, interface = inference.service.config, inference.interface
    server = {"name": SERVER_NAME, "version": __version__, "extensions": list(EXTENSIONS)}
    metadata = {
        "name": config.model_name,
        "versions": [config.model_version],
        "platform": PLATFORM,
        "inputs": [_described(item) for item in interface.inputs],
        "outputs": [_described(output.description) for output in interface.outputs],
    }

    def unknown(request: Request) -> Response | None:
        path = request.path_params
        error = unknown_model(config.model_name, config.model_version, path["model"], path.get("version"))
        return None if error is None else _response(failure(error))

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

    async def infer(request: Request) -> Response:
        """Predict the rows given and log them before the answer is sent."""
        if (refused := unknown(request)) is not None:
            return refused
        return _response(await inference.infer(await request.body(), dict(request.headers.raw)))

    def add(path: str, endpoint: Callable[..., Any], operation: dict[str, Any], method: str = "GET") -> None:
        app.add_api_route(path, endpoint, methods=[method], openapi_extra=operation, response_class=Response)

    add("/v2", server_metadata, documentation.plain("Name, version and extensions."))
    add("/v2/health/live", server_live, documentation.plain("It is."))
    add("/v2/health/ready", server_ready, documentation.ready("It is."))
    for path, version in (
        ("/v2/models/{model}", None),
        ("/v2/models/{model}/versions/{version}", config.model_version),
    ):
        place = documentation.place(config.model_name, version)
        add(path, model_metadata, place | documentation.of_model("Names, datatypes and shapes."))
        add(f"{path}/ready", model_ready, place | documentation.ready("It is.", of_model=True))
        example = documentation.infer_operation(interface, inference.service.model.example)
        add(f"{path}/infer", infer, place | example, "POST")


def _described(description: Description) -> dict[str, Any]:
    return {"name": description.name, "datatype": description.datatype, "shape": list(description.shape)}


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, {name.decode(): value.decode() for name, value in reply.headers})
