"""Reads the body of a request, up to a size and for so long: a client that stalls would keep its place for ever."""

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, MutableMapping
from functools import partial
from typing import Any

from driftmonitor_inference.rows import RequestError

BODY_SECONDS = 30.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]


class ClientGoneError(Exception):
    """The client has closed its connection before its body was there."""


class Bodies:
    """Reads bodies."""

    def __init__(self, max_bytes: int, seconds: float = BODY_SECONDS) -> None:
        """A body has to be there within so many `seconds`."""
        self._max_bytes = max_bytes
        self._seconds = seconds

    def check(self, headers: Mapping[bytes, bytes], size: int) -> None:
        """RequestError if a body of this size with these headers is not taken."""
        if (encoding := headers.get(b"content-encoding")) is not None and encoding.lower() != b"identity":
            raise RequestError(415, "A compressed body is not taken; send it without Content-Encoding.")
        if size > self._max_bytes:
            raise self._too_large()

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The whole body. RequestError as soon as it is known to be one that is not taken; ClientGoneError."""
        length = headers.get(b"content-length", b"")
        self.check(headers, int(length[:20]) if length.isdigit() else 0)
        # Mostly the body is here already: a timer for each request would cost as much as to decode a row.
        first = receive()
        try:
            waits_for = first.send(None)
        except StopIteration as done:
            message: Message = done.value
            if not message.get("more_body"):
                return self._block(message, 0)
            return await self._within_time(message, receive)
        return await self._within_time(_resumed(first, waits_for), receive)

    async def _within_time(self, first: Message | Awaitable[Message], receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                message = first if isinstance(first, MutableMapping) else await first
                blocks = [self._block(message, 0)]
                size = len(blocks[0])
                while message.get("more_body"):
                    message = await receive()
                    blocks.append(self._block(message, size))
                    size += len(blocks[-1])
        except TimeoutError:
            raise RequestError(408, f"The body has not come within {self._seconds:g} s.") from None
        return b"".join(blocks)

    def _block(self, message: Message, size: int) -> bytes:
        """What a message adds to a body of this size."""
        if message["type"] != "http.request":
            raise ClientGoneError
        block: bytes = message.get("body", b"")
        if size + len(block) > self._max_bytes:
            raise self._too_large()
        return block

    def _too_large(self) -> RequestError:
        return RequestError(413, f"The body has more than {self._max_bytes} bytes, the largest size taken.")


@types.coroutine
def _resumed(coroutine: Coroutine[Any, Any, Message], waits_for: Any) -> Generator[Any, Any, Message]:
    """Go on with a coroutine that was begun by hand and waits."""
    while True:
        step: Callable[[], Any]
        try:
            step = partial(coroutine.send, (yield waits_for))
        except BaseException as error:
            step = partial(coroutine.throw, error)
        try:
            waits_for = step()
        except StopIteration as done:
            result: Message = done.value
            return result
