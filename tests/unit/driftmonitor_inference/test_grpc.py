"""The gRPC server as a process: health, ids, limits, its end, and that no message ends it."""

import contextlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as protocol

from driftmonitor_api import __version__
from driftmonitor_inference.grpc_api.health_pb2 import HealthCheckRequest, HealthCheckResponse
from tests.support.waiting import wait_for

Start = Callable[..., Any]
INFERENCE = "inference.GRPCInferenceService"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SERVING, NOT_SERVING = HealthCheckResponse.ServingStatus.SERVING, HealthCheckResponse.ServingStatus.NOT_SERVING


class Client:
    """One channel to the server."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel

    def call(self, method: str, request: Any, answer: Any, **arguments: Any) -> Any:
        """One call of the inference service; gives the answer."""
        send = self.channel.unary_unary(f"/{INFERENCE}/{method}", type(request).SerializeToString, answer.FromString)
        return send(request, timeout=30, **arguments)

    def infer(self, request: Any, **arguments: Any) -> Any:
        """One ModelInfer."""
        return self.call("ModelInfer", request, protocol.ModelInferResponse, **arguments)

    def refused(self, request: Any, **arguments: Any) -> Any:
        """One ModelInfer that must fail; gives the error."""
        with pytest.raises(grpc.RpcError) as caught:
            self.infer(request, **arguments)
        return caught.value

    def send_bytes(self, message: bytes) -> Any:
        """The status that any bytes are answered with; None if they are answered well."""
        send = self.channel.unary_unary(f"/{INFERENCE}/ModelInfer")
        try:
            send(message, timeout=30)
        except grpc.RpcError as error:
            return error.code()
        return None

    def check(self, service: str = "") -> Any:
        """One health check; gives the state."""
        send = self.channel.unary_unary(
            "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        return send(HealthCheckRequest(service=service), timeout=30).status

    def watch(self, service: str = "") -> Any:
        """The states of a service as they change."""
        send = self.channel.unary_stream(
            "/grpc.health.v1.Health/Watch", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        return send(HealthCheckRequest(service=service), timeout=60)


@contextmanager
def client_of(server: Any, **arguments: Any) -> Iterator[Client]:
    with grpc.insecure_channel(server.grpc, **arguments) as channel:
        yield Client(channel)


def request_for(
    distances: tuple[float, ...] = (0.5,), origins: tuple[str, ...] = ("JFK",), raw: bool = False, **more: Any
) -> Any:
    request = protocol.ModelInferRequest(model_name="flights", **more)
    distance = request.inputs.add(name="distance", datatype="FP32", shape=[len(distances), 1])
    origin = request.inputs.add(name="origin", datatype="BYTES", shape=[len(origins), 1])
    if raw:
        request.raw_input_contents.append(numpy.array(distances, "<f4").tobytes())
        texts = [origin.encode() for origin in origins]
        request.raw_input_contents.append(b"".join(len(text).to_bytes(4, "little") + text for text in texts))
    else:
        distance.contents.fp32_contents.extend(distances)
        origin.contents.bytes_contents.extend(origin.encode() for origin in origins)
    return request


@pytest.fixture
def server(start_server: Start) -> Any:
    server = start_server()
    server.wait_ready()
    return server


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    with client_of(server) as client:
        yield client


def test_an_answer_is_of_the_form_of_its_request(client: Client, server: Any) -> None:
    typed = client.infer(request_for((0.1, 0.9), ("JFK", "LGA")))
    raw = client.infer(request_for((0.1, 0.9), ("JFK", "LGA"), raw=True))
    assert [(item.name, item.datatype, list(item.shape)) for item in typed.outputs] == [
        ("label", "BYTES", [2]),
        ("probabilities", "FP32", [2, 2]),
    ]
    assert not typed.raw_output_contents and not any(item.HasField("contents") for item in raw.outputs)
    scores = numpy.frombuffer(raw.raw_output_contents[1], "<f4").tolist()
    assert list(typed.outputs[1].contents.fp32_contents) == scores
    labels = list(typed.outputs[0].contents.bytes_contents)
    assert b"".join(len(label).to_bytes(4, "little") + label for label in labels) == raw.raw_output_contents[0]
    records = server.records()
    assert [record["features"] for record in records] == [
        {"distance": 0.1, "origin": "JFK"},
        {"distance": 0.9, "origin": "LGA"},
    ] * 2
    assert [record["prediction"]["label"].encode() for record in records] == labels * 2
    assert (typed.model_name, typed.model_version) == ("flights", "3")


def test_id_and_trace_are_in_the_answer_and_the_record(client: Client, server: Any) -> None:
    send = client.channel.unary_unary(
        f"/{INFERENCE}/ModelInfer", protocol.ModelInferRequest.SerializeToString, protocol.ModelInferResponse.FromString
    )
    metadata = (("x-request-id", "proxy"), ("traceparent", PARENT))
    answer, call = send.with_call(request_for(id="mine"), metadata=metadata)
    trailing = dict(call.trailing_metadata())
    assert (answer.id, trailing["x-request-id"]) == ("mine", "mine")
    assert trailing["traceparent"].split("-")[1] == TRACE and trailing["traceparent"] != PARENT
    answer, call = send.with_call(request_for(), metadata=metadata[:1])
    assert (answer.id, dict(call.trailing_metadata())) == ("proxy", {"x-request-id": "proxy"})
    made = client.infer(request_for()).id
    assert made
    assert [record["request_id"] for record in server.records()] == ["mine", "proxy", made]
    assert [record.get("trace_id") for record in server.records()] == [TRACE, None, None]
    error = client.refused(request_for(id="x" * 129))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT and "128 printable ASCII" in error.details()


def _changed(change: Callable[[Any], Any], **arguments: Any) -> Any:
    request = request_for(**arguments)
    change(request)
    return request


REFUSALS = [
    (_changed(lambda it: it.ClearField("inputs")), "INVALID_ARGUMENT", "input 'distance' is missing"),
    (
        _changed(lambda it: it.raw_input_contents.append(b"1234")),
        "INVALID_ARGUMENT",
        "2 inputs, but 1 raw_input_contents",
    ),
    (
        _changed(lambda it: it.raw_input_contents.extend([b"1234", b"1234"])),
        "INVALID_ARGUMENT",
        "both contents and raw_input_contents",
    ),
    (
        _changed(lambda it: it.inputs[0].contents.fp64_contents.append(1)),
        "INVALID_ARGUMENT",
        "values in fp64_contents; those of FP32 belong in fp32_contents",
    ),
    (
        _changed(lambda it: it.inputs[0].contents.fp32_contents.append(1)),
        "INVALID_ARGUMENT",
        "has 2 values in fp32_contents, which do not fill its shape [1, 1]",
    ),
    (
        _changed(lambda it: it.inputs[0].contents.ClearField("fp32_contents")),
        "INVALID_ARGUMENT",
        "has 0 values in fp32_contents",
    ),
    (
        _changed(lambda it: it.inputs[1].contents.bytes_contents.__setitem__(0, b"\xff")),
        "INVALID_ARGUMENT",
        "Input 'origin', row 0: the string is not UTF-8",
    ),
    (request_for((float("nan"),)), "INVALID_ARGUMENT", "Input 'distance', row 0: takes a number, not NaN"),
    (request_for((1.0, float("inf")), ("", "")), "INVALID_ARGUMENT", "'distance', row 1: takes a number, not an inf"),
    (
        _changed(lambda it: it.raw_input_contents.__setitem__(0, b"12345"), raw=True),
        "INVALID_ARGUMENT",
        "has 5 bytes of FP32",
    ),
    (_changed(lambda it: it.outputs.add(name="value")), "INVALID_ARGUMENT", "no output 'value'"),
    (
        _changed(lambda it: it.outputs.add(name="label").parameters["classification"].__setattr__("int64_param", 2)),
        "INVALID_ARGUMENT",
        "'classification'",
    ),
    (_changed(lambda it: it.__setattr__("model_name", "wine")), "NOT_FOUND", "no model 'wine'"),
    (_changed(lambda it: it.__setattr__("model_version", "4")), "NOT_FOUND", "no version '4'"),
    (_changed(lambda it: it.__setattr__("model_name", "")), "NOT_FOUND", "no model ''"),
    (request_for((0.5,) * 200, ("",) * 200), "RESOURCE_EXHAUSTED", "at most 100 are taken at once"),
]


def test_a_bad_request_is_refused_with_its_reason(start_server: Start) -> None:
    server = start_server(MAX_ROWS="100")
    server.wait_ready()
    with client_of(server) as client:
        for request, code, said in REFUSALS:
            error = client.refused(request)
            assert (error.code(), said in error.details()) == (grpc.StatusCode[code], True), error.details()
            assert dict(error.trailing_metadata())["x-request-id"]
    assert server.records() == []
    assert 'model_request_errors_total{status="400"}' in server.http.get("/metrics").text


def test_live_ready_and_metadata_are_told(client: Client) -> None:
    assert client.call("ServerLive", protocol.ServerLiveRequest(), protocol.ServerLiveResponse).live
    assert client.call("ServerReady", protocol.ServerReadyRequest(), protocol.ServerReadyResponse).ready
    told = client.call("ServerMetadata", protocol.ServerMetadataRequest(), protocol.ServerMetadataResponse)
    assert (told.name, told.version, list(told.extensions)) == ("driftmonitor", __version__, [])
    for version in ("", "3"):
        about = protocol.ModelReadyRequest(name="flights", version=version)
        assert client.call("ModelReady", about, protocol.ModelReadyResponse).ready
        about = protocol.ModelMetadataRequest(name="flights", version=version)
        told = client.call("ModelMetadata", about, protocol.ModelMetadataResponse)
        assert (told.name, list(told.versions), told.platform) == ("flights", ["3"], "onnxruntime_onnx")
        assert [(item.name, item.datatype, list(item.shape)) for item in (*told.inputs, *told.outputs)] == [
            ("distance", "FP32", [-1, 1]),
            ("origin", "BYTES", [-1, 1]),
            ("label", "BYTES", [-1]),
            ("probabilities", "FP32", [-1, 2]),
        ]
    for method, request, answer in (
        ("ModelReady", protocol.ModelReadyRequest(name="wine"), protocol.ModelReadyResponse),
        ("ModelMetadata", protocol.ModelMetadataRequest(name="flights", version="4"), protocol.ModelMetadataResponse),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            client.call(method, request, answer)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.RpcError) as caught:
        client.call("RepositoryIndex", protocol.RepositoryIndexRequest(), protocol.RepositoryIndexResponse)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_health_is_told_of_the_server_and_of_each_service(client: Client) -> None:
    assert [client.check(name) for name in ("", INFERENCE, "grpc.health.v1.Health")] == [SERVING] * 3
    with pytest.raises(grpc.RpcError) as caught:
        client.check("wine")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    unknown = client.watch("wine")
    assert next(unknown).status == HealthCheckResponse.ServingStatus.SERVICE_UNKNOWN
    unknown.cancel()


def test_sigterm_turns_readiness_off_and_serves_till_the_end(start_server: Start) -> None:
    server = start_server(SHUTDOWN_DELAY_SECONDS="3")
    server.wait_ready()
    answered: list[str] = []
    broken: list[grpc.RpcError] = []

    def load(client: Client) -> None:
        try:
            while True:
                answered.append(client.infer(request_for()).id)
        except grpc.RpcError as error:
            broken.append(error)

    with client_of(server) as client:
        watched = client.watch()
        assert next(watched).status == SERVING
        loading = [threading.Thread(target=load, args=(client,)) for _ in range(8)]
        for each in loading:
            each.start()
        wait_for("requests are served", lambda: len(answered) > 5)
        server.process.terminate()
        assert next(watched).status == NOT_SERVING, "a watcher is told"
        assert not client.call("ServerReady", protocol.ServerReadyRequest(), protocol.ServerReadyResponse).ready
        about = protocol.ModelReadyRequest(name="flights")
        assert not client.call("ModelReady", about, protocol.ModelReadyResponse).ready
        assert client.call("ServerLive", protocol.ServerLiveRequest(), protocol.ServerLiveResponse).live
        assert client.check() == NOT_SERVING
        before = len(answered)
        wait_for("requests are still served", lambda: len(answered) > before)
        assert list(watched) == [], "the watch ends with the server"
        for each in loading:
            each.join()
        # That nobody listens any more is seen by the next connection. No request that was taken is dropped.
        assert {error.code() for error in broken} == {grpc.StatusCode.UNAVAILABLE}
        assert all("connect" in error.details() for error in broken), broken
    stdout, stderr = server.process.communicate(timeout=60)
    assert (server.process.returncode, stdout, stderr) == (0, "", "")


def test_every_answer_has_its_record_when_the_server_is_killed(start_server: Start) -> None:
    server = start_server()
    server.wait_ready()
    answered: list[str] = []

    def load() -> None:
        with client_of(server) as client, contextlib.suppress(grpc.RpcError):
            while True:
                answered.append(client.infer(request_for((0.1, 0.9), ("JFK", "LGA"))).id)

    clients = [threading.Thread(target=load) for _ in range(4)]
    for each in clients:
        each.start()
    wait_for("requests are served", lambda: len(answered) > 100)
    server.process.kill()
    for each in clients:
        each.join()
    logged = Counter(record["request_id"] for record in server.records())
    assert {logged[request_id] for request_id in answered} == {2}


def test_a_message_beyond_the_limit_of_a_body_is_refused(start_server: Start) -> None:
    server = start_server(MAX_BODY_BYTES="10000")
    server.wait_ready()
    with client_of(server) as client:
        assert client.infer(request_for(origins=("x" * 9_000,)))
        error = client.refused(request_for(origins=("x" * 11_000,)))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert client.infer(request_for()), "the connection goes on"


def test_a_compressed_message_is_refused_before_it_is_unpacked(server: Any, client: Client) -> None:
    error = client.refused(request_for(origins=("x" * 100_000,)), compression=grpc.Compression.Gzip)
    assert error.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL)
    assert client.infer(request_for()) and len(server.records()) == 1


def test_a_full_log_makes_the_server_unavailable(start_server: Start) -> None:
    server = start_server(LOG_LIMIT_BYTES="2000")
    server.wait_ready()
    with client_of(server) as client:
        for _ in range(3):
            client.infer(request_for())
        error = client.refused(request_for((0.5,) * 4, ("JFK",) * 4))
    assert len(server.records()) == 3
    assert error.code() == grpc.StatusCode.UNAVAILABLE and "could not be logged" in error.details()


def test_requests_above_the_limit_are_refused_and_those_in_hand_are_answered(
    start_server: Start, environment: dict[str, str]
) -> None:
    config = json.loads(Path(environment["CONFIG_FILE"]).read_text())
    Path(environment["CONFIG_FILE"]).write_text(json.dumps(config | {"maxConcurrentRequests": 1, "durability": "Sync"}))
    server = start_server()
    server.wait_ready()
    send = f"/{INFERENCE}/ModelInfer"
    with client_of(server) as client:
        call = client.channel.unary_unary(
            send, protocol.ModelInferRequest.SerializeToString, protocol.ModelInferResponse.FromString
        )
        futures = [call.future(request_for(), timeout=60) for _ in range(100)]
        codes = Counter(future.code() for future in futures)
    assert codes.keys() == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert len(server.records()) == codes[grpc.StatusCode.OK]


def test_workers_share_the_port(start_server: Start) -> None:
    server = start_server(WORKERS="2")
    server.wait_ready()

    def both_serve() -> bool:
        options = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own, which either worker may take
        with client_of(server, options=options) as client:
            assert client.infer(request_for()).outputs
        return len({record["writer"] for record in server.records()}) == 2

    wait_for("both workers have served over gRPC", both_serve)
    assert server.terminate()[0] == 0


def test_a_port_that_is_taken_is_told(
    environment: dict[str, str], run_to_end: Callable[..., tuple[int, str, str]]
) -> None:
    Path(environment["TERMINATION_MESSAGE_FILE"]).touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, _, stderr = run_to_end("serve", environment | {"GRPC_PORT": port})
    assert status == 1
    assert f"HOST 127.0.0.1 and GRPC_PORT {port} cannot be listened on" in stderr
    assert f"GRPC_PORT {port}" in Path(environment["TERMINATION_MESSAGE_FILE"]).read_text()


TENSORS = st.builds(
    lambda name, datatype, shape, floats, texts: protocol.ModelInferRequest.InferInputTensor(
        name=name,
        datatype=datatype,
        shape=shape,
        contents=protocol.InferTensorContents(fp32_contents=floats, bytes_contents=texts),
    ),
    st.sampled_from(["distance", "origin", ""]),
    st.sampled_from(["FP32", "BYTES", "INT8", "INT64", "BOOL", "FP64", "é"]),
    st.sampled_from([[1], [1, 1], [2], [0], [-1], [2**63 - 1, 1], [-(2**63)], []]),
    st.lists(st.floats(width=32), max_size=2),
    st.lists(st.binary(max_size=4), max_size=2),
)
REQUESTS = st.builds(
    lambda inputs, raw, outputs, **more: protocol.ModelInferRequest(
        inputs=inputs,
        raw_input_contents=raw,
        outputs=[protocol.ModelInferRequest.InferRequestedOutputTensor(name=name) for name in outputs],
        **more,
    ),
    st.lists(TENSORS, max_size=3),
    st.lists(st.binary(max_size=9), max_size=3),
    st.lists(st.sampled_from(["label", "probabilities", "x"]), max_size=3),
    id=st.text(max_size=3),
    model_name=st.sampled_from(["flights", "flights", "flights", ""]),
    model_version=st.sampled_from(["", "3", "4"]),
)
GOOD = st.builds(
    lambda numbers, texts, raw: request_for(tuple(numbers[: len(texts)]), tuple(texts[: len(numbers)]), raw),
    st.lists(st.floats(width=32), min_size=1, max_size=3),
    st.lists(st.text(max_size=3), min_size=1, max_size=3),
    st.booleans(),
)
REFUSED = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED}


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    request=REQUESTS | GOOD, place=st.integers(0, 100), junk=st.sampled_from([b"", b"", b"\0", b"\xff", b"\x7a\x05"])
)
def test_any_message_is_answered_or_refused(server: Any, client: Client, request: Any, place: int, junk: bytes) -> None:
    message = request.SerializeToString()
    code = client.send_bytes(message[:place] + junk + message[place:])
    assert code is None or code in REFUSED
    assert server.process.poll() is None


def test_bytes_that_are_no_message_are_refused(server: Any, client: Client) -> None:
    for message in (b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\0"):
        assert client.send_bytes(message) == grpc.StatusCode.INVALID_ARGUMENT
    assert client.infer(request_for()).outputs
    assert server.terminate()[0] == 0


def test_the_access_log_tells_of_grpc_requests(start_server: Start) -> None:
    server = start_server(ACCESS_LOG="true")
    server.wait_ready()
    with client_of(server) as client:
        client.infer(request_for((0.1, 0.9), ("JFK", "LGA"), id="good"), metadata=(("traceparent", PARENT),))
        client.refused(request_for(id="bad", model_version="4"))
        assert client.send_bytes(b"\xff") == grpc.StatusCode.INVALID_ARGUMENT
    status, stdout, stderr = server.terminate()
    lines = [json.loads(line) for line in (stdout + stderr).splitlines()]
    told = [line for line in lines if line.get("protocol") == "grpc"]
    assert status == 0
    assert [(line.get("request_id"), line["status"], line.get("rows"), line.get("trace_id")) for line in told] == [
        ("good", 0, 2, TRACE),
        ("bad", grpc.StatusCode.NOT_FOUND.value[0], None, None),
        (None, grpc.StatusCode.INVALID_ARGUMENT.value[0], None, None),
    ]
    assert {(line["method"], line["path"]) for line in told} == {("ModelInfer", INFERENCE)}
    assert told[0]["received_bytes"] > 0 and told[0]["sent_bytes"] > 0 and told[0]["seconds"] > 0


class _Switch:
    """Forwards each new connection to the server that is chosen then, as a Service does with its endpoints."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._take)]
        self._threads[0].start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
                self._threads.append(threading.Thread(target=self._forward, args=(client, server)))
                self._threads[-1].start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._copy, args=(server, client))
        back.start()
        self._copy(client, server)
        back.join()
        client.close()
        server.close()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


def test_requests_that_share_a_connection_move_to_another_server_and_none_fails(
    start_server: Start, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = {"PORT": str(one.getsockname()[1]), "GRPC_PORT": str(two.getsockname()[1])}
    old = start_server(SHUTDOWN_DELAY_SECONDS="3")
    new = start_server(LOG_DIR=str(tmp_path / "other"), POD_UID="pod-2", **ports)
    old.wait_ready()
    new.wait_ready()
    switch = _Switch(int(old.grpc.rpartition(":")[2]))
    outcomes: Counter[Any] = Counter()
    ended = threading.Event()

    def load(channel: Any) -> None:
        """Requests that wait for no answer, so that some are on their way at any time."""
        infer = channel.unary_unary(
            f"/{INFERENCE}/ModelInfer",
            protocol.ModelInferRequest.SerializeToString,
            protocol.ModelInferResponse.FromString,
        )
        waiting = threading.Semaphore(200)

        def done(call: Any) -> None:
            outcomes[call.code()] += 1
            waiting.release()

        while not ended.is_set():
            waiting.acquire()
            infer.future(request_for(), timeout=60).add_done_callback(done)
            time.sleep(0.001)
        for _ in range(200):
            waiting.acquire()

    with grpc.insecure_channel(switch.address) as channel:
        loading = threading.Thread(target=load, args=(channel,))
        loading.start()
        wait_for("requests are served", lambda: outcomes.total() > 100)
        switch.port = int(ports["GRPC_PORT"])  # the endpoint of a pod that ends is taken away
        assert old.terminate() == (0, "", "")
        before = outcomes.total()
        wait_for("the other server serves", lambda: outcomes.total() > before + 100)
        ended.set()
        loading.join()
    switch.close()
    assert set(outcomes) == {grpc.StatusCode.OK}, outcomes
