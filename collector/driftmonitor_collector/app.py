"""The HTTP interface: requests in, answers out, errors as JSON."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from driftmonitor_api.bearer import TokenFile
from driftmonitor_collector import record_routes, reference_routes, report_routes, window_routes, writer_routes
from driftmonitor_collector.answers import problem
from driftmonitor_collector.bodies import BodyError
from driftmonitor_collector.collector import Collector
from driftmonitor_collector.commit import CommitFailedError
from driftmonitor_collector.holding import Holding
from driftmonitor_collector.store.files import DiskFullError
from driftmonitor_collector.store.unavailable import StoreUnavailableError
from driftmonitor_collector.windows import ParameterError

MAX_HELD_BYTES = 256 << 20
"""Most bytes of bodies and reports in memory."""
MAX_REQUESTS = 512
"""Most requests at work at once. Further ones are told to come again; the probes and metrics never are."""


class Gate:
    """Lets a request through that carries the token, once the collector is ready, and not too many at once."""

    def __init__(self, app: ASGIApp, collector: Collector, token: TokenFile) -> None:
        self._app = app
        self._collector = collector
        self._token = token
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 401, 503 or 429."""
        request = Request(scope)
        app: ASGIApp = self._app
        if not self._token.admits(request.headers.get("Authorization")):
            headers = {"WWW-Authenticate": "Bearer"}
            app = problem(401, "send the collector's token as Authorization: Bearer <token>", headers=headers)
        elif not self._collector.ready:
            app = problem(503, "the collector is still recovering", headers={"Retry-After": "1"})
        elif self._at_work >= MAX_REQUESTS:
            self._collector.metrics.refused.inc()
            headers = {"Retry-After": "1", "Connection": "close"}  # the body is not read
            app = problem(429, f"{MAX_REQUESTS} requests are at work; send this one again", headers=headers)
        self._at_work += 1
        try:
            await app(scope, receive, send)
        finally:
            self._at_work -= 1


def create_app(collector: Collector, token: TokenFile) -> Starlette:
    """The application; it starts and stops the collector with its own life."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        collector.start()
        yield
        await collector.stop()

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        return PlainTextResponse("ok\n") if collector.ready else PlainTextResponse("recovering\n", 503)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(collector.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    holding = Holding(MAX_HELD_BYTES, collector.metrics.refused.inc)
    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Mount(
            "/v1",
            app=Gate(
                Starlette(
                    routes=[
                        *record_routes.routes(collector, holding),
                        *writer_routes.routes(collector),
                        *window_routes.routes(collector),
                        *report_routes.routes(collector.reports, holding),
                        *reference_routes.routes(collector.references, holding),
                    ],
                    exception_handlers=_EXCEPTION_HANDLERS,
                ),
                collector,
                token,
            ),
        ),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=_EXCEPTION_HANDLERS)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as it is registered
    return problem(error.status_code, error.detail, headers=error.headers)


async def _body(request: Request, error: Exception) -> Response:
    assert isinstance(error, BodyError)  # noqa: S101  # as it is registered
    headers = {"Connection": "close"} if error.status in (408, 413, 503) else {}  # the rest of the body is not read
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return problem(error.status, str(error), headers=headers)


async def _parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, ParameterError)  # noqa: S101  # as it is registered
    return problem(400, str(error), parameter=error.parameter)


async def _invalid(request: Request, error: Exception) -> Response:
    return problem(400, str(error))


async def _disk_full(request: Request, error: Exception) -> Response:
    return problem(507, f"nothing was stored: {error}", headers={"Retry-After": "10"})


async def _unavailable(request: Request, error: Exception) -> Response:
    return problem(503, f"{error}; send it again", headers={"Retry-After": "5"})


async def _commit_failed(request: Request, error: Exception) -> Response:
    return problem(500, f"nothing was stored: {error}")


async def _disconnected(request: Request, error: Exception) -> Response:
    return problem(400, "the body ended early")


_EXCEPTION_HANDLERS = {
    HTTPException: _http,
    BodyError: _body,
    ParameterError: _parameter,
    msgspec.ValidationError: _invalid,
    msgspec.DecodeError: _invalid,
    DiskFullError: _disk_full,
    StoreUnavailableError: _unavailable,
    CommitFailedError: _commit_failed,
    ClientDisconnect: _disconnected,
}
