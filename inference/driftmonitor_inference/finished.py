"""What is known of a request once its answer is sent: for the access log and for tracing."""

from collections.abc import Callable
from typing import Literal, NamedTuple


class FinishedRequest(NamedTuple):
    """One request, whether it was served or refused."""

    protocol: Literal["http", "grpc"]
    method: str
    """GET or POST; of gRPC the method's name in its service, such as ModelInfer."""
    path: str
    """Without the query; of gRPC the service's name."""
    status: int
    """The HTTP status, or the number of the gRPC status."""
    seconds: float
    """From the request's first byte to the last byte of its answer."""
    rows: int | None = None
    """Rows that were predicted; None where the request is no prediction or failed."""
    received_bytes: int = 0
    """Of the body, as it came."""
    sent_bytes: int = 0
    """Of the answer's body."""
    request_id: str | None = None
    caller: str | None = None
    """The caller's `traceparent`, as it came."""
    traceparent: str | None = None
    """That of the answer."""
    remote: str | None = None
    """Address of the client."""


OnFinished = Callable[[FinishedRequest], None]
"""Called at the end of every request, in the thread of the event loop; it never blocks and never raises."""
