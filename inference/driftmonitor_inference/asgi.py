"""The ASGI application: the routes that predict are served here, by hand; FastAPI has all others.

FastAPI's way from a request to its handler costs more than to decode, predict and log a row. Most requests that predict
do not even come here: `protocol` serves them before they are one of ASGI's.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from driftmonitor_inference.bodies import ClientGoneError, Message, Receive
from driftmonitor_inference.intake import Intake
from driftmonitor_inference.replies import Reply
from driftmonitor_inference.requests import HttpRequest, Route
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.service import Call, PredictionService

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]


class Application:
    """Serves one model over HTTP."""

    def __init__(
        self, routes: Mapping[str, Route], others: AsgiApplication, service: PredictionService, intake: Intake
    ) -> None:
        """`routes` by path; `others` serves every other path."""
        self.routes = dict(routes)
        self.service = service
        self.intake = intake
        self._others = others

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request. No coroutine of its own: it would be one more that every request passes."""
        if scope["type"] == "http":
            route = self.routes.get(scope["path"])
            if route is not None:
                return self._serve(route, scope, receive, send)
            if self.intake.on_finished is not None:
                return self._watch(scope, receive, send)
        return self._others(scope, receive, send)

    async def _serve(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        begin = time.perf_counter()
        intake = self.intake
        request: HttpRequest | None = None
        if not intake.admission.enter():
            reply = intake.turn_away(route)
            await _send(send, reply)
        else:
            try:
                try:
                    request = intake.request(dict(scope["headers"]))
                    reply = await self._reply(route, scope, request, receive)
                except RequestError as error:
                    reply = intake.refuse(route, error)
                except ClientGoneError:
                    return
                except Exception:
                    reply = intake.apologise(route)
                if request is not None:
                    reply.headers.append((b"x-request-id", request.request_id.encode()))
                await _send(send, reply)
            finally:
                intake.admission.leave()
        self._finish(scope, request, reply, begin)

    async def _reply(self, route: Route, scope: Scope, request: HttpRequest, receive: Receive) -> Reply:
        if scope["method"] != route.method:
            raise RequestError(405, "Method Not Allowed.")
        request.body = await self.intake.bodies.read(request.headers, receive)
        turn = self.intake.admission.turn()
        if turn is not None:
            await turn
        decoded = route.decode(request)
        call = Call(request.request_id, request.traceparent)
        return route.encode(await self.service.predict(decoded.rows, call, live=route.live), decoded.wanted)

    def _finish(self, scope: Scope, request: HttpRequest | None, reply: Reply, begin: float) -> None:
        seconds = time.perf_counter() - begin
        self.intake.finished(scope["method"], scope["path"], scope.get("client"), request, reply, seconds)

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            self._finish(scope, None, reply, begin)


async def _send(send: Send, reply: Reply) -> None:
    reply.headers.append((b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})
