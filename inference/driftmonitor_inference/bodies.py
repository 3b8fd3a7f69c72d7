"""Reads the body of a request, up to a size and for so long: a client that stalls would keep its place for ever."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, cast

from driftmonitor_inference.rows import RequestError

BODY_SECONDS = 30.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ClientGoneError(Exception):
    """The client has closed its connection before its body was there."""


class Bodies:
    """Reads bodies. For one thread, that of the event loop."""

    def __init__(self, max_bytes: int, seconds: float = BODY_SECONDS) -> None:
        """A body that has not come after `seconds` is given up, after twice as long at the latest."""
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._begun: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The whole body. RequestError as soon as it is known to be one that is not taken; ClientGoneError."""
        encoding = headers.get(b"content-encoding")
        if encoding is not None and encoding.lower() != b"identity":
            raise RequestError(415, "A compressed body is not taken; send it without Content-Encoding.")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._max_bytes:
            raise self._too_large()
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        # One timer looks after all requests; one each would cost as much as a row's decoding.
        self._begun[task] = time.monotonic()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)
        try:
            return await self._read(receive)
        except asyncio.CancelledError:
            if task not in self._given_up:
                raise
            self._given_up.remove(task)
            task.uncancel()
            raise RequestError(408, f"The body has not come within {self._seconds:g} s.") from None
        finally:
            del self._begun[task]

    async def _read(self, receive: Receive) -> bytes:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            blocks, size = [body], len(body)
            while message.get("more_body") and size <= self._max_bytes:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGoneError
                blocks.append(message.get("body", b""))
                size += len(blocks[-1])
            body = b"".join(blocks)
        if len(body) > self._max_bytes:
            raise self._too_large()
        return body

    def _too_large(self) -> RequestError:
        return RequestError(413, f"The body has more than {self._max_bytes} bytes, the largest size taken.")

    def _look(self) -> None:
        """Give up what began too long ago, and look again as long as there is something to look after."""
        self._timer = None
        now = time.monotonic()
        for task, begun in self._begun.items():
            if now - begun >= self._seconds:
                self._given_up.add(task)
                task.cancel()
        if self._begun:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)
