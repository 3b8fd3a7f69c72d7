"""What becomes of a request before its rows are predicted and after, however it came in."""

import logging
from collections.abc import Callable, Mapping

from driftmonitor_inference.admission import Admission
from driftmonitor_inference.bodies import Bodies
from driftmonitor_inference.finished import FinishedRequest, OnFinished
from driftmonitor_inference.metrics import Metrics
from driftmonitor_inference.replies import Reply
from driftmonitor_inference.requests import HttpRequest, Route
from driftmonitor_inference.rows import RequestError

_LOGGER = logging.getLogger(__name__)


class Intake:
    """The rules of all routes that predict. For one thread, that of the event loop."""

    def __init__(
        self,
        admission: Admission,
        metrics: Metrics,
        request_id: Callable[[str | None], str],
        *,
        max_body_bytes: int,
        on_finished: OnFinished | None = None,
    ) -> None:
        """`request_id` gives the caller's id or a new one; RequestError for one that cannot be taken."""
        self.admission = admission
        self.bodies = Bodies(max_body_bytes)
        self.on_finished = on_finished
        self._errors = metrics.errors
        self._request_id = request_id

    def request(self, headers: Mapping[bytes, bytes], body: bytes = b"") -> HttpRequest:
        """The request with these headers; RequestError."""
        given, traceparent = headers.get(b"x-request-id"), headers.get(b"traceparent")
        return HttpRequest(
            headers,
            self._request_id(None if given is None else given.decode("latin-1")),
            None if traceparent is None else traceparent.decode("latin-1"),
            body,
        )

    def refuse(self, route: Route, error: RequestError) -> Reply:
        """The reply to a request that is not served, which is counted."""
        self._errors.labels(error.status).inc()
        reply = route.refuse(error)
        if error.status == 405:
            reply.headers.append((b"allow", route.method.encode()))
        elif error.status == 408:
            reply.headers.append((b"connection", b"close"))
        return reply

    def turn_away(self, route: Route) -> Reply:
        """The reply to a request that is one too many."""
        limit = self.admission.limit
        sentence = f"The server has {limit} requests in hand, the most that it takes at once; try again."
        return self.refuse(route, RequestError(503, sentence))

    def apologise(self, route: Route) -> Reply:
        """The reply to a request that met a defect, which is being handled and is told here."""
        _LOGGER.exception("a defect of the server; it goes on serving")
        return self.refuse(route, RequestError(500, "The server failed on this request; its log says why."))

    def finished(
        self,
        method: str,
        path: str,
        client: tuple[str, int] | None,
        request: HttpRequest | None,
        reply: Reply,
        seconds: float,
    ) -> None:
        """Tell those who want to know."""
        if self.on_finished is None:
            return
        traceparent = next((value.decode() for name, value in reply.headers if name == b"traceparent"), None)
        self.on_finished(
            FinishedRequest(
                "http",
                method,
                path,
                reply.status,
                seconds,
                reply.rows,
                len(request.body) if request is not None else 0,
                len(reply.body),
                request.request_id if request is not None else None,
                request.traceparent if request is not None else None,
                traceparent,
                client[0] if client else None,
            )
        )
