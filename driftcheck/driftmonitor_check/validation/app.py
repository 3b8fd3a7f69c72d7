"""The HTTP interface: requests in, answers out, errors as JSON."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from driftmonitor_api.bearer import TokenFile
from driftmonitor_check.validation import documentation
from driftmonitor_check.validation.bodies import MAX_BODY_BYTES
from driftmonitor_check.validation.messages import Answer, Question, RequestError, refusal
from driftmonitor_check.validation.metrics import Metrics
from driftmonitor_check.validation.settings import ServiceSettings
from driftmonitor_check.validation.workforce import TooSlowError, WorkerEndedError, Workforce

BODY_SECONDS = 30.0
"""A body that takes longer to come is given up, as it keeps others waiting."""
_RETRY_SECONDS = {429: "2", 503: "5"}


def create_app(settings: ServiceSettings, token: TokenFile) -> Starlette:
    """The application; it starts and ends the worker with its own life."""
    workforce = Workforce(settings)
    metrics = Metrics(workforce)
    description = documentation.openapi(settings.config)
    in_hand = 0

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        workforce.start()
        yield
        await workforce.stop()

    async def validation(request: Request) -> Response:
        nonlocal in_hand
        if in_hand >= settings.max_requests:
            return respond(refusal(RequestError(429, f"{in_hand} requests are in hand; send this one again")))
        in_hand += 1
        metrics.in_hand.set(in_hand)
        try:
            return respond(await _answer(request, workforce, metrics, settings))
        finally:
            in_hand -= 1
            metrics.in_hand.set(in_hand)

    async def guarded(request: Request) -> Response:
        if not token.admits(request.headers.get("Authorization")):
            error = RequestError(401, "send the collector's token as Authorization: Bearer <token>")
            return respond(refusal(error))
        return await validation(request)

    def respond(answer: Answer) -> Response:
        metrics.count(answer)
        headers = {"Retry-After": seconds} if (seconds := _RETRY_SECONDS.get(answer.status)) else {}
        if answer.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if answer.status in (401, 408, 413, 429):
            headers["Connection"] = "close"  # the rest of the body is not read
        return Response(answer.content, answer.status, headers, "application/json")

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        if workforce.ready:
            return PlainTextResponse("ok\n")
        return PlainTextResponse(f"the reference has not been read: {workforce.reference.problem}\n", 503)

    async def exposition(request: Request) -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(request: Request) -> Response:
        return JSONResponse(description)

    async def docs(request: Request) -> Response:
        return HTMLResponse(documentation.page(description))

    routes = [
        Route("/validation", guarded, methods=["POST"]),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", exposition),
        Route("/openapi.json", openapi),
        Route("/docs", docs),
    ]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _http})


async def _answer(request: Request, workforce: Workforce, metrics: Metrics, settings: ServiceSettings) -> Answer:
    try:
        if not workforce.ready:
            raise RequestError(503, f"the reference has not been read: {workforce.reference.problem}")
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        body = await _body(request)
        with metrics.seconds.time():
            return await workforce.ask(Question(body, encoding, _now()))
    except RequestError as error:
        return refusal(error)
    except ClientDisconnect:
        return refusal(RequestError(400, "the body ended early"))
    except WorkerEndedError:
        return refusal(
            RequestError(503, "the process that computes ended, perhaps for want of memory; send fewer rows")
        )
    except TooSlowError:
        problem = f"no answer within {settings.timeout_seconds} s (TIMEOUT_SECONDS); send fewer rows"
        return refusal(RequestError(503, problem))


async def _body(request: Request) -> bytes:
    """The body as it was sent. Raises RequestError."""
    too_large = RequestError(413, f"the body has more than {MAX_BODY_BYTES} bytes; send fewer rows, or gzip")
    length = request.headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY_BYTES:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > MAX_BODY_BYTES:
                    raise too_large
    except TimeoutError:
        raise RequestError(408, f"the body did not come within {BODY_SECONDS:.0f} s") from None
    return b"".join(parts)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as it is registered
    content = json.dumps({"error": error.detail})
    return Response(content, error.status_code, error.headers, "application/json")
