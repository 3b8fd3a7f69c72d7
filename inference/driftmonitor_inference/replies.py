"""Pure: what an HTTP request is answered with, whatever its protocol."""

import msgspec

from driftmonitor_inference import wire
from driftmonitor_inference.rows import RequestError

Headers = list[tuple[bytes, bytes]]
"""Names in lower case and values, as ASGI has them."""

JSON_TYPE = (b"content-type", b"application/json")
_RETRY_AFTER = (b"retry-after", b"1")


class Reply(msgspec.Struct):
    """Status, body, and every header but the body's length."""

    status: int
    body: bytes
    headers: Headers
    rows: int | None = None
    """Rows that were predicted."""


def failure(error: RequestError, headers: Headers | None = None) -> Reply:
    """The reply to a request that was not served, in the form of the plain JSON API."""
    body = wire.encode(wire.Failure(error.sentence, error.row, error.field))
    return Reply(error.status, body, [JSON_TYPE, *retry_after(error), *(headers or ())])


def retry_after(error: RequestError) -> Headers:
    """The header that says when to come again, where that can help."""
    return [_RETRY_AFTER] if error.status == 503 else []
