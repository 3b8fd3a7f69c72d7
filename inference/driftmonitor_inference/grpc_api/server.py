"""The gRPC server: the Open Inference Protocol and gRPC's health service, in the event loop of the HTTP server.

It shares that loop so that the service and the log belong to one thread. The id of a request is its `id`; where it has
none, the metadata x-request-id; else a new one.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from driftmonitor_api import __version__
from driftmonitor_inference.admission import Admission
from driftmonitor_inference.finished import FinishedRequest, OnFinished
from driftmonitor_inference.grpc_api import health
from driftmonitor_inference.grpc_api.health_pb2 import HealthCheckRequest, HealthCheckResponse
from driftmonitor_inference.grpc_api.inference_pb2 import (
    ModelInferRequest,
    ModelMetadataRequest,
    ModelMetadataResponse,
    ModelReadyRequest,
    ModelReadyResponse,
    ServerLiveRequest,
    ServerLiveResponse,
    ServerMetadataRequest,
    ServerMetadataResponse,
    ServerReadyRequest,
    ServerReadyResponse,
)
from driftmonitor_inference.grpc_api.messages import decode, describe, encode
from driftmonitor_inference.listening import StartError
from driftmonitor_inference.openinference import PLATFORM, SERVER_NAME, Interface, unknown_model
from driftmonitor_inference.rows import RequestError, row_builder
from driftmonitor_inference.service import Call, PredictionService

_LOGGER = logging.getLogger(__name__)
_SERVICE = "inference.GRPCInferenceService"
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    503: grpc.StatusCode.UNAVAILABLE,
}
_MAX_DETAILS = 1500  # clients take 8 KiB of metadata, in which a character may need 12 bytes
_PING_MILLISECONDS = 10_000
_HOLD_SECONDS = 0.2
_AGE_OF_DELAY = 0.7  # gRPC lets a connection live up to a tenth longer than it is told to
_SHORTEST_DELAY_SECONDS = 1.0
"""With a shorter one nobody has the time to go elsewhere, and connections would only be made over and over."""


@dataclass(slots=True)
class _Known:
    """What is known of a request at its end."""

    call: Call = field(default_factory=Call)
    traceparent: str | None = None
    """Of the answer."""
    rows: int | None = None
    code: grpc.StatusCode = grpc.StatusCode.OK


class GrpcServer:
    """Serves one model over gRPC."""

    def __init__(
        self,
        service: PredictionService,
        interface: Interface,
        admission: Admission,
        is_ready: Callable[[], bool],
        *,
        host: str,
        port: int,
        shared: bool,
        max_message_bytes: int,
        shutdown_delay: float = 0.0,
        on_finished: OnFinished | None = None,
    ) -> None:
        """`is_ready` says whether new requests are wanted; `on_finished` is told of every ModelInfer. With `shared`
        other processes may take connections at the same address.

        `shutdown_delay` are the seconds from the time that it is not wanted any more until `stop`. If it is a second or
        more, connections live for less than that: every client is then told in time to connect again, while what it
        sends meanwhile is still served. Nothing else moves a client that sends all requests over one connection.
        """
        self._service = service
        self._interface = interface
        self._admission = admission
        self._is_ready = is_ready
        self._host, self._port, self._shared = host, port, shared
        self._max_message_bytes = max_message_bytes
        told = shutdown_delay >= _SHORTEST_DELAY_SECONDS
        self._age_milliseconds = round(shutdown_delay * _AGE_OF_DELAY * 1000) if told else 0
        self._on_finished = on_finished
        self._rows = row_builder(service.model.columns)
        config = service.config
        self._metadata = describe(config.model_name, config.model_version, PLATFORM, interface)
        self._server: Any = None
        self._health: health.Health | None = None
        self._held: asyncio.Event | None = None

    async def start(self) -> None:
        """Take connections, in the event loop that runs; StartError if the address cannot be had."""
        host, port = self._host, self._port
        self._health = health.Health((_SERVICE,), self._is_ready)
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", int(self._shared)),
                ("grpc.max_receive_message_length", self._max_message_bytes),
                ("grpc.max_send_message_length", -1),
                # A compressed message is refused, as over HTTP: a small one may become a huge one.
                ("grpc.compression_enabled_algorithms_bitset", 1),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", _PING_MILLISECONDS),
                *([("grpc.max_connection_age_ms", self._age_milliseconds)] if self._age_milliseconds else []),
            ]
        )
        self._server.add_generic_rpc_handlers(self._handlers(self._health))
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise StartError(f"HOST {host} and GRPC_PORT {port} cannot be listened on: {error}") from error
        await self._server.start()

    async def stop(self, grace: float) -> None:
        """Take no more requests, and wait for the answers of those in hand, `grace` seconds at most.

        gRPC cancels what it has received and not yet handed over when it stops, and no client sends a cancelled
        request again. So requests are first held for a moment: whoever waits for an answer sends nothing else. They are
        answered once gRPC has told its clients to connect elsewhere."""
        if self._health is None or self._server is None:
            return
        self._health.end()
        self._held = asyncio.Event()
        await asyncio.sleep(min(_HOLD_SECONDS, grace))
        stopping = asyncio.create_task(self._server.stop(grace))
        await asyncio.sleep(0)  # the clients are told in the first step of that task
        self._held.set()
        await stopping

    def _handlers(self, state: health.Health) -> tuple[Any, ...]:
        inference = {
            "ServerLive": _unary(self._server_live, ServerLiveRequest),
            "ServerReady": _unary(self._server_ready, ServerReadyRequest),
            "ServerMetadata": _unary(self._server_metadata, ServerMetadataRequest),
            "ModelReady": _unary(self._model_ready, ModelReadyRequest),
            "ModelMetadata": _unary(self._model_metadata, ModelMetadataRequest),
            "ModelInfer": grpc.unary_unary_rpc_method_handler(self._model_infer),
        }
        checks = {
            "Check": _unary(state.check, HealthCheckRequest),
            "Watch": grpc.unary_stream_rpc_method_handler(
                state.watch, HealthCheckRequest.FromString, HealthCheckResponse.SerializeToString
            ),
        }
        return (
            grpc.method_handlers_generic_handler(_SERVICE, inference),
            grpc.method_handlers_generic_handler(health.SERVICE, checks),
        )

    async def _server_live(self, _: ServerLiveRequest, __: Any) -> ServerLiveResponse:
        return ServerLiveResponse(live=True)

    async def _server_ready(self, _: ServerReadyRequest, __: Any) -> ServerReadyResponse:
        return ServerReadyResponse(ready=self._is_ready())

    async def _server_metadata(self, _: ServerMetadataRequest, __: Any) -> ServerMetadataResponse:
        return ServerMetadataResponse(name=SERVER_NAME, version=__version__)

    async def _model_ready(self, request: ModelReadyRequest, _: Any) -> ModelReadyResponse:
        self._check_model(request.name, request.version)
        return ModelReadyResponse(ready=self._is_ready())

    async def _model_metadata(self, request: ModelMetadataRequest, _: Any) -> ModelMetadataResponse:
        self._check_model(request.name, request.version)
        return self._metadata

    async def _model_infer(self, message: bytes, context: Any) -> bytes:
        begin = time.perf_counter()
        known, answer = _Known(), b""
        if self._held is not None:
            await self._held.wait()
        admission = self._admission
        if not admission.enter():
            known.code = self._too_many(context)
        else:
            try:
                turn = admission.turn()
                if turn is not None:
                    await turn
                answer = await self._infer(message, context, known)
            except RequestError as error:
                known.code = self._failed(context, error)
            except Exception:
                _LOGGER.exception("a defect of the server; it goes on serving")
                sentence = "The server failed on this request; its log says why."
                known.code = self._failed(context, RequestError(500, sentence))
            finally:
                admission.leave()
        if self._on_finished is not None:
            self._on_finished(_finished(message, context, answer, known, time.perf_counter() - begin))
        return answer

    async def _infer(self, message: bytes, context: Any, known: _Known) -> bytes:
        """The answer; RequestError. What becomes known of the request is noted."""
        service, call = self._service, known.call
        request: ModelInferRequest = _parse(ModelInferRequest, message)
        given = request.id
        for name, value in context.invocation_metadata() or ():
            if name == "traceparent":
                call.traceparent = value
            elif name == "x-request-id":
                given = given or value
        call.request_id = service.request_id(given or None)
        named = ("x-request-id", call.request_id)
        context.set_trailing_metadata((named,))
        self._check_model(request.model_name, request.model_version)
        decoded = decode(request, self._interface)
        predicted = await service.predict(self._rows(decoded.columns), call)
        if predicted.traceparent is not None:
            known.traceparent = predicted.traceparent
            context.set_trailing_metadata((named, ("traceparent", predicted.traceparent)))
        known.rows = len(predicted.predictions)
        config = service.config
        name, version = config.model_name, config.model_version
        answer = encode(name, version, predicted.request_id, decoded, predicted.predictions)
        return bytes(answer.SerializeToString())

    def _failed(self, context: Any, error: RequestError) -> grpc.StatusCode:
        self._service.metrics.errors.labels(error.status).inc()
        return _refuse(context, error)

    def _check_model(self, name: str, version: str) -> None:
        config = self._service.config
        if (error := unknown_model(config.model_name, config.model_version, name, version)) is not None:
            raise error

    def _too_many(self, context: Any) -> grpc.StatusCode:
        self._service.metrics.errors.labels(503).inc()
        limit = self._admission.limit
        context.set_code(grpc.StatusCode.RESOURCE_EXHAUSTED)
        context.set_details(f"The server has {limit} requests in hand, the most that it takes at once; try again.")
        return grpc.StatusCode.RESOURCE_EXHAUSTED


def _parse(kind: Any, message: bytes) -> Any:
    """The message in these bytes. gRPC, if it were left to it, would call bytes that are none the server's fault."""
    try:
        return kind.FromString(message)
    except DecodeError as error:
        raise RequestError(400, f"The request is no {kind.DESCRIPTOR.full_name}.") from error


def _unary(handler: Callable[[Any, Any], Awaitable[Any]], kind: Any) -> Any:
    async def call(message: bytes, context: Any) -> bytes:
        try:
            answer = await handler(_parse(kind, message), context)
        except RequestError as error:
            _refuse(context, error)
            return b""
        return bytes(answer.SerializeToString())

    return grpc.unary_unary_rpc_method_handler(call)


def _refuse(context: Any, error: RequestError) -> grpc.StatusCode:
    code = _CODES.get(error.status, grpc.StatusCode.INTERNAL)
    context.set_code(code)
    context.set_details(error.sentence[:_MAX_DETAILS].encode(errors="replace").decode())
    return code


def _finished(message: bytes, context: Any, answer: bytes, known: _Known, seconds: float) -> FinishedRequest:
    return FinishedRequest(
        "grpc",
        "ModelInfer",
        _SERVICE,
        known.code.value[0],
        seconds,
        known.rows,
        len(message),
        len(answer),
        known.call.request_id,
        known.call.traceparent,
        known.traceparent,
        context.peer(),
    )
