"""Puts the HTTP side together: the routes that predict, and behind them FastAPI for health, metadata, metrics, docs."""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from driftmonitor_api import __version__
from driftmonitor_inference import documentation, openinference_http
from driftmonitor_inference.admission import Admission
from driftmonitor_inference.asgi import Application
from driftmonitor_inference.documentation import Operations
from driftmonitor_inference.finished import OnFinished
from driftmonitor_inference.intake import Intake
from driftmonitor_inference.openinference import interface_of
from driftmonitor_inference.openinference_http import OpenInferenceHttp
from driftmonitor_inference.plainjson import PlainJson
from driftmonitor_inference.replies import Reply, failure
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.service import PredictionService


@dataclass
class Readiness:
    """Whether new requests are wanted."""

    draining: bool = False


def create_app(
    service: PredictionService,
    readiness: Readiness,
    admission: Admission,
    *,
    max_rows: int,
    max_body_bytes: int,
    on_finished: OnFinished | None = None,
) -> Application:
    """The application that serves one model over HTTP. `on_finished` is told of every request."""
    plain = PlainJson(service, max_rows=max_rows)
    interface = interface_of(service.model, max_rows=max_rows)
    open_inference = OpenInferenceHttp(service, interface)
    others = _fastapi(service, readiness, plain.operations() | open_inference.operations())
    openinference_http.add_routes(others, service, interface, lambda: not readiness.draining)
    intake = Intake(
        admission, service.metrics, service.request_id, max_body_bytes=max_body_bytes, on_finished=on_finished
    )
    return Application(plain.routes() | open_inference.routes(), others, service, intake)


def _fastapi(service: PredictionService, readiness: Readiness, operations: Operations) -> FastAPI:
    """The routes that predict nothing. `operations` describes those that are served by hand."""
    config, model, metrics = service.config, service.model, service.metrics
    classes = list(model.outputs.classes) if model.outputs.classes is not None else None
    app = FastAPIOffline(  # its scripts are its own: a cluster need not reach a public network
        title=f"{config.model_name} {config.model_version}",
        description=f"Predictions of the DriftMonitor {config.monitor}. {documentation.logging_promise(config)}",
        version=__version__,
    )
    metadata = {
        "model": config.model_name,
        "version": config.model_version,
        "sha256": model.sha256,
        "features": documentation.features(model.columns),
        "classes": classes,
    }

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

    async def label() -> dict[str, Any]:
        """The names of the classes, in the order of the scores; null for a model that does not tell them."""
        return {"classes": classes}

    app.add_api_route("/health", health, methods=["GET"], response_class=Response)
    app.add_api_route("/metadata", describe, methods=["GET"])
    app.add_api_route("/label", label, methods=["GET"])
    app.add_api_route("/metrics", scrape, methods=["GET"], response_class=Response)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _apologise)
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generated()
        schema["paths"] = {**operations, **schema["paths"]}
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation extends it
    return app


async def _refuse(_: Request, error: Exception) -> Response:
    """An unknown path or method, in the form of every other error."""
    if not isinstance(error, HTTPException):
        raise error
    headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
    return _response(failure(RequestError(error.status_code, f"{error.detail}."), headers))


async def _apologise(_: Request, __: Exception) -> Response:
    """A defect of the server; the server's log tells it."""
    return _response(failure(RequestError(500, "The server failed on this request; its log says why.")))


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, {name.decode(): value.decode() for name, value in reply.headers})
