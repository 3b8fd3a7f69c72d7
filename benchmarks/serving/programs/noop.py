"""The limit: it reads the body and answers a constant of the size of a real answer."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

_ANSWER = b"x" * int(os.environ["ANSWER_BYTES"])
_ANSWER_OF_MANY = b"x" * int(os.environ["ANSWER_OF_MANY_BYTES"])
_MANY = 10_000  # bytes of a body with more than one row
_HEADERS, _HEADERS_OF_MANY = (
    [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    for answer in (_ANSWER, _ANSWER_OF_MANY)
)


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """The application."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    headers, body = (_HEADERS_OF_MANY, _ANSWER_OF_MANY) if size > _MANY else (_HEADERS, _ANSWER)
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
