"""Spans as a real OTLP receiver gets them, and a receiver that is away."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from driftmonitor_inference.finished import FinishedRequest
from driftmonitor_inference.tracing import Tracing
from tests.support.serving import serving

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
ROWS = {"instances": [{"distance": 0.25, "origin": "JFK"}, {"distance": 0.75, "origin": "LGA"}]}


class Receiver:
    """What has arrived at `url`."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[ExportTraceServiceRequest] = []

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def span(self) -> Span:
        (span,) = self.spans()
        return span


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    peer = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf":
                peer.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    peer.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    with serving(server):
        yield peer


@pytest.fixture
def traced(receiver: Receiver) -> Iterator[Callable[..., Tracing]]:
    """Tracing to the receiver."""
    begun: list[Tracing] = []

    def begin(percent: int = 100) -> Tracing:
        begun.append(Tracing(receiver.url, percent, service="flights", version="3", instance="pod-1/0/S"))
        return begun[-1]

    yield begin
    for tracing in begun:
        tracing.close()


def _attributes(span: Span) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value") or "") for item in span.attributes}


def _traceparent(span_id: str, sampled: bool = True) -> str:
    return f"00-{TRACE_ID}-{span_id}-{'01' if sampled else '00'}"


def _request(**changes: Any) -> FinishedRequest:
    return FinishedRequest("http", "POST", "/predict", 200, 0.25, 2, 90, 210)._replace(**changes)


def test_a_span_says_what_the_conventions_for_http_ask(traced: Callable[..., Tracing], receiver: Receiver) -> None:
    tracing = traced()
    own = "00f067aa0ba902b7"
    before = time.time_ns()
    tracing(_request(caller=_traceparent(SPAN_ID), traceparent=_traceparent(own), request_id="r-1", remote="10.0.0.7"))
    tracing.close()
    span = receiver.span()
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.span_id.hex()) == (TRACE_ID, SPAN_ID, own)
    assert (span.name, span.kind) == ("POST /predict", Span.SPAN_KIND_SERVER)
    assert span.end_time_unix_nano - span.start_time_unix_nano == 250_000_000
    assert before <= span.end_time_unix_nano <= time.time_ns()
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert _attributes(span) == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "http.request.body.size": 90,
        "http.response.body.size": 210,
        "url.path": "/predict",
        "url.scheme": "http",
        "client.address": "10.0.0.7",
        "driftmonitor.rows": 2,
        "driftmonitor.request_id": "r-1",
    }
    resource = receiver.requests[0].resource_spans[0].resource
    known = {item.key: item.value.string_value for item in resource.attributes}
    assert (known["service.name"], known["service.version"], known["service.instance.id"]) == (
        "flights",
        "3",
        "pod-1/0/S",
    )


def test_a_span_says_what_the_conventions_for_grpc_ask(traced: Callable[..., Tracing], receiver: Receiver) -> None:
    tracing = traced()
    service = "inference.GRPCInferenceService"
    tracing(FinishedRequest("grpc", "ModelInfer", service, 14, 0.001, caller=_traceparent(SPAN_ID)))
    tracing.close()
    span = receiver.span()
    assert span.name == "inference.GRPCInferenceService/ModelInfer"
    assert _attributes(span) == {
        "rpc.system": "grpc",
        "rpc.service": service,
        "rpc.method": "ModelInfer",
        "rpc.grpc.status_code": 14,
        "error.type": "14",
    }
    assert span.status.code == Status.STATUS_CODE_ERROR


@pytest.mark.parametrize(("status", "failed"), [(200, False), (422, False), (500, True), (503, True)])
def test_only_what_the_server_is_to_blame_for_is_an_error(
    traced: Callable[..., Tracing], receiver: Receiver, status: int, failed: bool
) -> None:
    tracing = traced()
    tracing(_request(status=status))
    tracing.close()
    span = receiver.span()
    assert (span.status.code == Status.STATUS_CODE_ERROR) is failed
    assert ("error.type" in _attributes(span)) is failed


def test_a_path_that_nobody_serves_makes_no_name(traced: Callable[..., Tracing], receiver: Receiver) -> None:
    tracing = traced()
    tracing(_request(path="/wp-admin/\udcff", status=404))
    tracing.close()
    assert receiver.span().name == "POST"
    assert "http.route" not in _attributes(receiver.span())


def test_the_caller_decides_whether_its_request_is_traced(traced: Callable[..., Tracing], receiver: Receiver) -> None:
    tracing = traced(1)
    own = "00f067aa0ba902b7"
    for _ in range(20):
        tracing(_request(caller=_traceparent(SPAN_ID, False), traceparent=_traceparent(own, False)))
    tracing(_request(caller=_traceparent(SPAN_ID), status=422))
    tracing.close()
    assert receiver.span().parent_span_id.hex() == SPAN_ID


def test_the_given_share_of_requests_without_a_caller_is_traced(traced: Callable[..., Tracing]) -> None:
    assert all(traced(100).root().sampled for _ in range(50))
    tracing = traced(30)
    roots = [tracing.root() for _ in range(2000)]
    assert 400 < sum(root.sampled for root in roots) < 800
    assert len({root.trace_id for root in roots}) == 2000


def test_probes_and_scrapes_are_traced_only_for_a_caller_that_traces_them(
    traced: Callable[..., Tracing], receiver: Receiver
) -> None:
    tracing = traced()
    tracing(_request(method="GET", path="/health"))
    tracing(_request(method="GET", path="/metadata", caller=_traceparent(SPAN_ID)))
    tracing.close()
    assert receiver.span().name == "GET /metadata"


def _configure(tmp_path: Path, **tracing: Any) -> None:
    file = tmp_path / "inference.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"tracing": tracing}))


def test_a_server_sends_a_span_for_each_prediction_and_answers_with_its_id(
    start_server: Callable[..., Any], tmp_path: Path, receiver: Receiver
) -> None:
    _configure(tmp_path, endpoint=receiver.url, samplingPercent=100)
    server = start_server()
    server.wait_ready()
    caller = {"traceparent": _traceparent(SPAN_ID)}
    answers = [server.http.post("/predict", json=ROWS, headers=headers) for headers in (caller, {})]
    server.terminate()
    records = server.records() or []
    called, root = sorted(receiver.spans(), key=lambda span: span.start_time_unix_nano)
    assert (called.trace_id.hex(), called.parent_span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert root.parent_span_id == b""
    for span, answer in zip((called, root), answers, strict=True):
        assert answer.headers["traceparent"] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
        assert answer.json()["trace_id"] == span.trace_id.hex()
        assert _attributes(span)["driftmonitor.request_id"] == answer.headers["x-request-id"]
    assert records == [], "all was stored"


@pytest.mark.parametrize("answers", [False, True], ids=["refuses", "hangs"])
def test_an_endpoint_that_is_dead_costs_no_request_and_no_time_at_the_end(
    start_server: Callable[..., Any], tmp_path: Path, answers: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if answers else 1
        _configure(tmp_path, endpoint=f"http://127.0.0.1:{port}/v1/traces", samplingPercent=100)
        server = start_server()
        server.wait_ready()
        for _ in range(3000):
            assert server.http.post("/predict", json=ROWS).status_code == 200
        begin = time.monotonic()
        status, stdout, stderr = server.terminate()
        assert (status, stderr) == (0, "")
        assert time.monotonic() - begin < 20, "its own patience would be half a minute"
        for line in stdout.splitlines():
            json.loads(line)


def test_a_server_without_tracing_loads_nothing_that_sends_spans() -> None:
    """FastAPI loads the interfaces of OpenTelemetry itself."""
    code = (
        "import sys, driftmonitor_inference.server\n"
        "heavy = ('opentelemetry.sdk', 'opentelemetry.exporter', 'opentelemetry.proto', 'requests')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
