"""What a route that is served by hand is given, and what it is."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from driftmonitor_inference.replies import Reply
from driftmonitor_inference.rows import RequestError, Rows
from driftmonitor_inference.service import Predicted


class HttpRequest(msgspec.Struct):
    """One request, with its whole body."""

    headers: Mapping[bytes, bytes]
    """Names in lower case. Of a header that is there twice, the last."""
    request_id: str
    """The caller's, else a new one. A route whose body has an id of its own puts that here."""
    traceparent: str | None
    """The caller's."""
    body: bytes = b""


class Decoded(NamedTuple):
    """What a request asks for."""

    rows: Rows
    wanted: Any = None
    """What the route's answer depends on beside the predictions."""


class Route(NamedTuple):
    """What answers one path: how a request becomes rows, and predictions an answer."""

    method: str
    decode: Callable[[HttpRequest], Decoded]
    """Raises RequestError for what it cannot serve."""
    encode: Callable[[Predicted, Any], Reply]
    """Is given what the request wanted beside the predictions."""
    refuse: Callable[[RequestError], Reply]
    live: bool = True
    """Whether its rows say something of the world."""
