"""The HTTP side: routes, body limit, headers. What a request means is decided in service.py."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from driftmonitor_api import __version__
from driftmonitor_inference import documentation, wire
from driftmonitor_inference.replies import JSON_TYPE, Headers, Reply, failure
from driftmonitor_inference.rows import RequestError, Rows, decoder
from driftmonitor_inference.service import Call, PredictionService

_CLIENT_CLOSED_REQUEST = 499  # nobody reads it


@dataclass
class Readiness:
    """Whether new requests are wanted."""

    draining: bool = False


def create_app(
    service: PredictionService,
    readiness: Readiness,
    *,
    max_rows: int,
    max_body_bytes: int,
) -> FastAPI:
    """The application that serves one model."""
    config, model, metrics = service.config, service.model, service.metrics
    decode = decoder(model.columns, max_rows=max_rows)
    app = FastAPI(
        title=f"{config.model_name} {config.model_version}",
        description=f"Predictions of the DriftMonitor {config.monitor}. {documentation.logging_promise(config)}",
        version=__version__,
    )
    metadata = {
        "model": config.model_name,
        "version": config.model_version,
        "sha256": model.sha256,
        "features": documentation.features(model.columns),
        "classes": list(model.outputs.classes) if model.outputs.classes is not None else None,
    }

    async def predict(request: Request) -> Response:
        """Predict the rows given and log them before the answer is sent."""
        metrics.in_flight.inc()
        try:
            body = await _read_body(request, max_body_bytes)
            headers = request.headers
            call = Call(headers.get("x-request-id"), headers.get("traceparent"))
            return _response(await _predict(service, decode, body, call))
        except RequestError as error:
            metrics.errors.labels(error.status).inc()
            return _response(failure(error))
        except ClientDisconnect:
            return Response(status_code=_CLIENT_CLOSED_REQUEST)
        finally:
            metrics.in_flight.dec()

    async def health() -> Response:
        """200 while predictions are served, 503 once the server is ending."""
        if readiness.draining:
            return Response('{"status":"draining"}', 503, media_type="application/json")
        return Response('{"status":"ready"}', media_type="application/json")

    async def describe() -> dict[str, Any]:
        """The model: name, version, digest of its file, features with their types, classes."""
        return metadata

    async def scrape() -> Response:
        """Metrics in the text format of Prometheus."""
        return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    example = documentation.predict_operation(model.columns, model.outputs.classes, model.example, max_rows)
    app.add_api_route("/predict", predict, methods=["POST"], openapi_extra=example, response_class=Response)
    app.add_api_route("/health", health, methods=["GET"], response_class=Response)
    app.add_api_route("/metadata", describe, methods=["GET"])
    app.add_api_route("/metrics", scrape, methods=["GET"], response_class=Response)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _apologise)
    return app


async def _predict(service: PredictionService, decode: Callable[[bytes], Rows], body: bytes, call: Call) -> Reply:
    headers: Headers = []
    try:
        call.request_id = service.request_id(call.request_id)
        headers.append((b"x-request-id", call.request_id.encode()))
        predicted = await service.predict(decode(body), call)
    except RequestError as error:
        service.metrics.errors.labels(error.status).inc()
        return failure(error, headers)
    if predicted.traceparent is not None:
        headers.append((b"traceparent", predicted.traceparent.encode()))
    config = service.config
    answer = wire.Answer(
        predicted.request_id, config.model_name, config.model_version, predicted.predictions, predicted.trace_id
    )
    return Reply(200, wire.encode(answer), [JSON_TYPE, *headers])


async def _refuse(_: Request, error: Exception) -> Response:
    """An unknown path or method, in the form of every other error."""
    if not isinstance(error, HTTPException):
        raise error
    headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
    return _response(failure(RequestError(error.status_code, f"{error.detail}."), headers))


async def _apologise(_: Request, __: Exception) -> Response:
    """A defect of the server; the server's log tells it."""
    return _response(failure(RequestError(500, "The server failed on this request; its log says why.")))


async def _read_body(request: Request, limit: int) -> bytes:
    """The whole body; RequestError as soon as it is known to have more bytes than the limit."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, "A compressed body is not taken; send it without Content-Encoding.")
    too_large = RequestError(413, f"The body has more than {limit} bytes, the largest size taken.")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > limit:
        raise too_large
    blocks, size = [], 0
    async for block in request.stream():
        blocks.append(block)
        size += len(block)
        if size > limit:
            raise too_large
    return b"".join(blocks)


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, {name.decode(): value.decode() for name, value in reply.headers})
