"""The short way of a request that predicts: from uvicorn's parser to the answer without an ASGI application between.

A task, a scope, a cycle and a coroutine for each request cost several times what it costs to decode, predict and log a
row. A request is served here if its body has come whole, its method and address are those of a route that predicts,
nothing that came before it on the same connection is unanswered, and the client takes what it is sent. All others, and
all where answers must wait, go the long way, through `asgi`.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from driftmonitor_inference.asgi import Application
from driftmonitor_inference.replies import Headers, Reply
from driftmonitor_inference.requests import Decoded, HttpRequest, Route
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.service import Call, Predicted
from driftmonitor_inference.together import Together

_LOGGER = logging.getLogger(__name__)
_METHOD = b"POST"
_CLOSE = b"connection: close\r\n"


class _Pending(msgspec.Struct):
    """A request that is decoded and waits for its predictions."""

    connection: "ShortProtocol"
    url: bytes
    route: Route
    request: HttpRequest
    decoded: Decoded
    begin: float


class ShortWay:
    """What all connections share."""

    def __init__(self, application: Application) -> None:
        service = application.service
        self.routes: Mapping[bytes, Route] = {
            path.encode(): route
            for path, route in application.routes.items()
            if route.method.encode() == _METHOD and route.live and not service.waits
        }
        self._service = service
        self._intake = application.intake
        self._together: Together[_Pending] = Together(self._serve, time.perf_counter)
        self._default_headers: Headers | None = None
        self._default = b""
        self._closes = False

    def take(
        self, connection: "ShortProtocol", url: bytes, route: Route, headers: Mapping[bytes, bytes], body: bytes
    ) -> bool:
        """Answer a request, or see to it that it is answered soon. False: it has been answered already."""
        begin = time.perf_counter()
        intake = self._intake
        request: HttpRequest | None = None
        if not intake.admission.enter():
            self._answer(connection, url, route, request, intake.turn_away(route), begin)
            return False
        try:
            request = intake.request(headers, body)
            intake.bodies.check(headers, len(body))
            decoded = route.decode(request)
        except RequestError as error:
            reply = intake.refuse(route, error)
        except Exception:
            reply = intake.apologise(route)
        else:
            self._together.add(_Pending(connection, url, route, request, decoded, begin), len(decoded.rows.values))
            return True
        intake.admission.leave()
        self._answer(connection, url, route, request, reply, begin)
        return False

    def serve_all(self) -> None:
        """Answer now all that waits."""
        self._together.serve_all()

    def default_headers(self, headers: Headers) -> tuple[bytes, bool]:
        """uvicorn's own headers of each answer as they are sent, and whether they end the connection. It makes a new
        list when they change, once a second."""
        if headers is not self._default_headers:
            self._default = b"".join([b"%b: %b\r\n" % header for header in headers])
            self._closes = (b"connection", b"close") in headers
            self._default_headers = headers
        return self._default, self._closes

    def _serve(self, requests: list[_Pending]) -> None:
        intake = self._intake
        try:
            answers = self._service.predict_together(
                [
                    (pending.decoded.rows, Call(pending.request.request_id, pending.request.traceparent))
                    for pending in requests
                ]
            )
        except Exception:  # what it says of one holds for all
            replies = [intake.apologise(pending.route) for pending in requests]
        else:
            replies = [self._reply(pending, answer) for pending, answer in zip(requests, answers, strict=True)]
        for pending, reply in zip(requests, replies, strict=True):
            intake.admission.leave()
            try:
                self._answer(pending.connection, pending.url, pending.route, pending.request, reply, pending.begin)
            except Exception:  # the others are to get their answers
                _LOGGER.exception("a defect of the server; it goes on serving")
                pending.connection.transport.close()

    def _reply(self, pending: _Pending, answer: Predicted | RequestError) -> Reply:
        if isinstance(answer, RequestError):
            return self._intake.refuse(pending.route, answer)
        try:
            return pending.route.encode(answer, pending.decoded.wanted)
        except RequestError as error:
            return self._intake.refuse(pending.route, error)
        except Exception:
            return self._intake.apologise(pending.route)

    def _answer(
        self,
        connection: "ShortProtocol",
        url: bytes,
        route: Route,
        request: HttpRequest | None,
        reply: Reply,
        begin: float,
    ) -> None:
        if request is not None:
            reply.headers.append((b"x-request-id", request.request_id.encode()))
        connection.answer(reply)
        if self._intake.on_finished is not None:
            seconds = time.perf_counter() - begin
            self._intake.finished(route.method, url.decode(), connection.client, request, reply, seconds)


class ShortProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, short_way: ShortWay, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self.asked = False
        """Whether a request has come."""
        self._short_way = short_way
        self._route: Route | None = None  # of a request whose body is being read
        self._body: list[bytes] = []
        self._waits = False  # for an answer on the short way
        self._keep = True
        self._idle_since: float | None = None  # None while a request is in hand, or on the long way
        self._idle_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Read, and if a request has not come whole send it the long way."""
        self._idle_since = None
        super().data_received(data)
        if self._route is not None:
            self._route = None
            if not self.transport.is_closing():
                self._go_the_long_way()
                for part in self._body:
                    super().on_body(part)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Forget the request before. The scope is left for the long way to make."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Choose the way of a request."""
        self.asked = True
        if self._waits:  # answers go out in the order of the requests
            self._short_way.serve_all()
        route = self._short_way.routes.get(self.url)
        if (
            route is None
            or self.parser.get_method() != _METHOD
            or self.expect_100_continue
            or not (self.cycle is None or self.cycle.response_complete)
            or self.flow.write_paused
            or self.parser.should_upgrade()
        ):
            self._go_the_long_way()
        else:
            self._route, self._body = route, []
            self._keep = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"

    def _go_the_long_way(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        if self._route is None:
            super().on_body(body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Serve a request that has come whole."""
        route, self._route = self._route, None
        if route is None:
            super().on_message_complete()
            return
        if self.transport.is_closing():  # what came before on this connection has ended it
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._waits = self._short_way.take(self, self.url, route, dict(self.headers), body)

    def answer(self, reply: Reply) -> None:
        """Send the answer to the request that was taken."""
        self._waits = False
        transport = self.transport
        if transport.is_closing():  # the client has gone
            return
        default, closes = self._short_way.default_headers(self.server_state.default_headers)
        headers = b"".join([b"%b: %b\r\n" % header for header in reply.headers])
        keep = self._keep and not closes
        transport.write(
            b"%b%b%b%bcontent-length: %d\r\n\r\n%b"
            % (
                STATUS_LINE[reply.status],
                default,
                headers,
                b"" if keep or closes else _CLOSE,
                len(reply.body),
                reply.body,
            )
        )
        self.server_state.total_requests += 1
        if not keep:
            transport.close()
            return
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        """Close a connection that nothing was asked on for long. One timer goes on and on: one for each request would
        cost as much as to log it."""
        self._idle_timer = None
        if self._idle_since is None or self.transport.is_closing():
            return  # the next answer sets a timer, be it uvicorn's own
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._idle_timer = self.loop.call_later(left, self._look_whether_idle)
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, once what came before is answered."""
        if self._waits:
            self._short_way.serve_all()
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def shutdown(self) -> None:
        """Close the connection, once what was asked is answered."""
        if self._waits:
            self._keep = False
        else:
            super().shutdown()
