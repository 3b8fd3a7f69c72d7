"""Sends a span for each request to an OpenTelemetry collector, by OTLP over HTTP. Loaded only where that is asked for.

A span is made when its request is over, from what is known of it then: a request in hand costs nothing. Spans wait in a
bounded queue for a thread that sends them; one that cannot be sent is dropped.
"""

import logging
import secrets
import threading
import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from driftmonitor_api import __version__
from driftmonitor_inference import tracecontext
from driftmonitor_inference.finished import FinishedRequest
from driftmonitor_inference.tracecontext import TraceContext

_SEND_SECONDS = 5.0
_GATHER_MILLISECONDS = 1000
_END_SECONDS = 2.0
_SCOPE = InstrumentationScope("driftmonitor_inference", __version__)
_UNROUTED = (404, 405)  # their path may be anything: it would make a name for each
_PROBES = ("GET", "HEAD")  # health, metrics and documentation would hide the predictions
# Of gRPC, the statuses that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE,
# DATA_LOSS.
_GRPC_SERVER_ERRORS = (2, 4, 12, 13, 14, 15)


class Tracing:
    """The spans of one process."""

    def __init__(self, endpoint: str, sampling_percent: int, *, service: str, version: str, instance: str) -> None:
        """`sampling_percent` is of requests whose caller does not trace. `instance` tells processes apart."""
        self._percent = sampling_percent
        # A dead endpoint is told once a minute by the processor, not with every attempt.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        self._processor = BatchSpanProcessor(
            OTLPSpanExporter(endpoint, timeout=_SEND_SECONDS), schedule_delay_millis=_GATHER_MILLISECONDS
        )
        names = {"service.name": service, "service.version": version, "service.instance.id": instance}
        self._resource = Resource.create(names)

    def root(self) -> TraceContext:
        """A new trace, for a request whose caller has none."""
        return TraceContext(secrets.token_hex(16), "", secrets.randbelow(100) < self._percent)

    def __call__(self, request: FinishedRequest) -> None:
        """Make the span of a request that is over, if it is traced."""
        caller = tracecontext.parse(request.caller)
        own = tracecontext.parse(request.traceparent)
        if own is None:
            if caller is None and request.method in _PROBES:
                return
            own = (caller or self.root())._replace(span_id=secrets.token_hex(8))
        if own.sampled:
            self._processor.on_end(_span(request, own, caller, self._resource, time.time_ns()))

    def close(self) -> None:
        """Send what waits, within a short time."""
        # Its own patience is 30 s, all of what the end of a pod has left.
        ending = threading.Thread(target=self._processor.shutdown, name="tracing-end", daemon=True)
        ending.start()
        ending.join(_END_SECONDS)


def _span(
    request: FinishedRequest, own: TraceContext, caller: TraceContext | None, resource: Resource, end: int
) -> ReadableSpan:
    """`end` is in nanoseconds since the epoch."""
    failed = request.status in _GRPC_SERVER_ERRORS if request.protocol == "grpc" else request.status >= 500
    return ReadableSpan(
        name=_name(request),
        context=_context(own, remote=False),
        parent=_context(caller, remote=True) if caller is not None else None,
        resource=resource,
        attributes=_attributes(request, failed),
        kind=SpanKind.SERVER,
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
        start_time=end - int(request.seconds * 1e9),
        end_time=end,
        instrumentation_scope=_SCOPE,
    )


def _context(context: TraceContext, *, remote: bool) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), remote, flags)


def _name(request: FinishedRequest) -> str:
    if request.protocol == "grpc":
        return f"{request.path}/{request.method}"
    return request.method if request.status in _UNROUTED else f"{request.method} {request.path}"


def _attributes(request: FinishedRequest, failed: bool) -> dict[str, str | int]:
    """By the semantic conventions for HTTP and RPC, and the project's own."""
    known: dict[str, str | int | None] = {
        "client.address": request.remote,
        "driftmonitor.rows": request.rows,
        "driftmonitor.request_id": request.request_id,
    }
    if request.protocol == "grpc":
        known |= {
            "rpc.system": "grpc",
            "rpc.service": request.path,
            "rpc.method": request.method,
            "rpc.grpc.status_code": request.status,
        }
    else:
        known |= {
            "http.request.method": request.method,
            "url.scheme": "http",
            "url.path": request.path.encode(errors="replace").decode(),
            "http.route": None if request.status in _UNROUTED else request.path,
            "http.response.status_code": request.status,
            "http.request.body.size": request.received_bytes,
            "http.response.body.size": request.sent_bytes,
        }
    if failed:
        known["error.type"] = str(request.status)
    return {name: value for name, value in known.items() if value is not None}
