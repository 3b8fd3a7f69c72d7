"""Answers as JSON, and bodies read within a limit."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from driftmonitor_collector.bodies import BodyError


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The content as JSON."""
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def problem(status: int, error: str, *, headers: Mapping[str, str] | None = None, **details: str) -> Response:
    """An error: what is wrong and how to do it right, in one sentence."""
    return answer({"error": error, **details}, status, headers)


async def read_body(request: Request, limit: int, hold: Callable[[int], None] = lambda _: None) -> bytes:
    """The body as it was sent; BodyError 413 beyond `limit` bytes, which are not read.

    `hold` is asked for room for each part before more is read.
    """
    too_large = BodyError(413, f"the body has more than {limit} bytes; send smaller ones")
    if int(request.headers.get("Content-Length") or 0) > limit:
        raise too_large
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise too_large
        hold(len(part))
    return b"".join(parts)
