"""The ASGI application: the routes that predict are served here, by hand; FastAPI has all others.

FastAPI's way from a request to its handler costs more than to decode, predict and log a row.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from driftmonitor_inference.admission import Admission
from driftmonitor_inference.bodies import Bodies, ClientGoneError, Message, Receive
from driftmonitor_inference.finished import FinishedRequest, OnFinished
from driftmonitor_inference.metrics import Metrics
from driftmonitor_inference.replies import Reply, failure
from driftmonitor_inference.requests import HttpRequest, Route
from driftmonitor_inference.rows import RequestError

_LOGGER = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]


class Application:
    """Serves one model over HTTP."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        others: AsgiApplication,
        admission: Admission,
        metrics: Metrics,
        request_id: Callable[[str | None], str],
        *,
        max_body_bytes: int,
        on_finished: OnFinished | None = None,
    ) -> None:
        """`request_id` gives the caller's id or a new one; RequestError for one that cannot be taken."""
        self._routes = dict(routes)
        self._others = others
        self._admission = admission
        self._errors = metrics.errors
        self._request_id = request_id
        self._bodies = Bodies(max_body_bytes)
        self._on_finished = on_finished

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request. No coroutine of its own: it would be one more that every request passes."""
        if scope["type"] == "http":
            route = self._routes.get(scope["path"])
            if route is not None:
                return self._serve(route, scope, receive, send)
            if self._on_finished is not None:
                return self._watch(self._on_finished, scope, receive, send)
        return self._others(scope, receive, send)

    async def _serve(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        begin = time.perf_counter()
        request: HttpRequest | None = None
        admission = self._admission
        if not admission.enter():
            reply = self._refuse(self._too_many())
            await _send(send, reply)
        else:
            try:
                headers = dict(scope["headers"])
                try:
                    request = self._request(headers)
                    if scope["method"] != route.method:
                        raise RequestError(405, "Method Not Allowed.")
                    request.body = await self._bodies.read(headers, receive)
                    turn = admission.turn()
                    if turn is not None:
                        await turn
                    reply = await route.handler(request)
                except RequestError as error:
                    reply = self._refuse(error)
                    if error.status == 405:
                        reply.headers.append((b"allow", route.method.encode()))
                    elif error.status == 408:
                        reply.headers.append((b"connection", b"close"))
                except ClientGoneError:
                    return
                except Exception:
                    _LOGGER.exception("a defect of the server; it goes on serving")
                    reply = self._refuse(RequestError(500, "The server failed on this request; its log says why."))
                if request is not None:
                    reply.headers.append((b"x-request-id", request.request_id.encode()))
                await _send(send, reply)
            finally:
                admission.leave()
        if self._on_finished is not None:
            self._on_finished(_finished(scope, request, reply, time.perf_counter() - begin))

    def _request(self, headers: Mapping[bytes, bytes]) -> HttpRequest:
        """The request without its body."""
        given, traceparent = headers.get(b"x-request-id"), headers.get(b"traceparent")
        return HttpRequest(
            headers,
            self._request_id(None if given is None else given.decode("latin-1")),
            None if traceparent is None else traceparent.decode("latin-1"),
        )

    def _refuse(self, error: RequestError) -> Reply:
        self._errors.labels(error.status).inc()
        return failure(error)

    def _too_many(self) -> RequestError:
        return RequestError(
            503, f"The server has {self._admission.limit} requests in hand, the most that it takes at once; try again."
        )

    async def _watch(self, on_finished: OnFinished, scope: Scope, receive: Receive, send: Send) -> None:
        """A request of FastAPI's, told when it is finished."""
        begin = time.perf_counter()
        reply = Reply(500, b"", [])

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
            elif message["type"] == "http.response.body":
                reply.body += message.get("body", b"")
            await send(message)

        try:
            await self._others(scope, receive, noting)
        finally:
            on_finished(_finished(scope, None, reply, time.perf_counter() - begin))


async def _send(send: Send, reply: Reply) -> None:
    reply.headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


def _finished(scope: Scope, request: HttpRequest | None, reply: Reply, seconds: float) -> FinishedRequest:
    client = scope.get("client")
    traceparent = next((value.decode() for name, value in reply.headers if name == b"traceparent"), None)
    return FinishedRequest(
        "http",
        scope["method"],
        scope["path"],
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
