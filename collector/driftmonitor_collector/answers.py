"""Answers as JSON, and bodies read within a limit."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from driftmonitor_collector.bodies import BodyError

PATIENCE_SECONDS = 60.0
"""Within so many seconds a body has to go on."""


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The content as JSON."""
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def problem(status: int, error: str, *, headers: Mapping[str, str] | None = None, **details: str) -> Response:
    """An error: what is wrong and how to do it right, in one sentence."""
    return answer({"error": error, **details}, status, headers)


class Closing(Response):
    """A response that lets go of what it needs, however it ends."""

    def __init__(self, response: Response, close: Callable[[], object]) -> None:
        super().__init__()
        self._response = response
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the other response, then close."""
        try:
            await self._response(scope, receive, send)
        finally:
            self._close()


async def read_body(
    request: Request,
    limit: int,
    hold: Callable[[int], None] = lambda _: None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> bytes:
    """The body as it was sent; BodyError 413 beyond `limit` bytes, which are not read, or 408 when no more of it comes.

    `hold` is asked for room for each part before more is read.
    """
    too_large = BodyError(413, f"the body has more than {limit} bytes; send smaller ones")
    if int(request.headers.get("Content-Length") or 0) > limit:
        raise too_large
    parts, size = list[bytes](), 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(patience_seconds):
                part = await anext(stream, None)
        except TimeoutError:
            raise BodyError(408, f"nothing more of the body came for {patience_seconds:g} s; send it again") from None
        if part is None:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > limit:
            raise too_large
        hold(len(part))
