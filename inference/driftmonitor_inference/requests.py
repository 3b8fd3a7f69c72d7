"""What a route that is served by hand is given, and what it is."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import msgspec

from driftmonitor_inference.replies import Reply


class HttpRequest(msgspec.Struct):
    """One request, with its whole body."""

    headers: Mapping[bytes, bytes]
    """Names in lower case. Of a header that is there twice, the last."""
    request_id: str
    """The caller's, else a new one."""
    traceparent: str | None
    """The caller's."""
    body: bytes = b""


class Route(NamedTuple):
    """What answers one path."""

    method: str
    handler: Callable[[HttpRequest], Awaitable[Reply]]
    """Raises RequestError for what it cannot serve."""
