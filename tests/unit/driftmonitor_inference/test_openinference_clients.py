"""Clients that users have, unchanged, with a real server: what they ask, fill in from the metadata, and get."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import onnxruntime
import pandas
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from hack.demo import flights

Start = Callable[..., Any]
TRANSPORTS = ("http-binary", "http-json", "grpc")
FEATURES = [{"name": name, "type": "Numerical"} for name in ("a", "b", "c")]
NUMBERS = numpy.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7], [13.2, -1e-7, 1e30]], numpy.float32)
TEXTS = numpy.array([["JFK"], ["LGA"], ["Zürich"]], numpy.object_)

_INPUT = {"http-binary": tritonclient.http.InferInput, "http-json": tritonclient.http.InferInput}
_INPUT["grpc"] = tritonclient.grpc.InferInput


@contextmanager
def client_of(server: Any, transport: str) -> Iterator[Any]:
    """A client of the server for one transport."""
    kind = tritonclient.grpc if transport == "grpc" else tritonclient.http
    with kind.InferenceServerClient(
        server.grpc if transport == "grpc" else server.http.base_url.netloc.decode()
    ) as client:
        yield client


def metadata_of(client: Any, transport: str) -> dict[str, Any]:
    return (
        client.get_model_metadata("flights", as_json=True)
        if transport == "grpc"
        else client.get_model_metadata("flights")
    )


def tensor(transport: str, name: str, array: Any, datatype: str | None = None) -> Any:
    """An input with these values, as this transport sends it."""
    made = _INPUT[transport](name, list(array.shape), datatype or tritonclient.utils.np_to_triton_dtype(array.dtype))
    if transport == "grpc":
        made.set_data_from_numpy(array)
    else:
        made.set_data_from_numpy(array, binary_data=transport == "http-binary")
    return made


def wanted(transport: str, name: str) -> Any:
    """An output to ask for, as this transport asks for it."""
    if transport == "grpc":
        return tritonclient.grpc.InferRequestedOutput(name)
    return tritonclient.http.InferRequestedOutput(name, binary_data=transport == "http-binary")


def plain(array: Any) -> list[Any]:
    """Values for a comparison: strings come as bytes from some transports."""
    return [value.decode() if isinstance(value, bytes) else value for value in array.reshape(-1).tolist()]


def write_config(environment: dict[str, str], **config: Any) -> None:
    document = {"monitor": "default/flights", "modelName": "flights", "modelVersion": "3", **config}
    Path(environment["CONFIG_FILE"]).write_text(json.dumps(document))


@pytest.fixture
def typed_model(tmp_path: Path) -> Path:
    """A model with an input of every type that ONNX models take: the sum of its numbers, and one more where `flag`."""
    from onnx import TensorProto, helper

    kinds = {
        "wide": TensorProto.DOUBLE,
        "long": TensorProto.INT64,
        "short": TensorProto.INT32,
        "flag": TensorProto.BOOL,
    }
    inputs = [helper.make_tensor_value_info(name, kind, [None]) for name, kind in kinds.items()]
    inputs.append(helper.make_tensor_value_info("text", TensorProto.STRING, [None, 1]))
    nodes = [helper.make_node("Cast", [name], [f"{name}_number"], to=TensorProto.DOUBLE) for name in kinds]
    nodes.append(helper.make_node("Sum", [f"{name}_number" for name in kinds], ["value"]))
    output = helper.make_tensor_value_info("value", TensorProto.DOUBLE, [None])
    graph = helper.make_graph(nodes, "typed", inputs, [output])
    path = tmp_path / "typed.onnx"
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8).SerializeToString()
    )
    return path


def expected_of(model: Path, feed: dict[str, Any]) -> dict[str, Any]:
    """What onnxruntime itself answers."""
    session = onnxruntime.InferenceSession(model)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


@pytest.mark.parametrize("name", ["columns", "matrix", "regressor", "zipmap", "integer_categories", "typed", "flights"])
def test_a_client_that_fills_its_request_from_the_metadata_gets_what_the_model_says(
    name: str,
    models: Any,
    typed_model: Path,
    environment: dict[str, str],
    start_server: Start,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    feed: dict[str, Any]
    if name in ("matrix", "regressor", "zipmap"):
        write_config(environment, features=FEATURES)
        model, feed = getattr(models, name), {"X": NUMBERS}
    elif name == "typed":
        model = typed_model
        feed = {
            "wide": numpy.array([0.1, -1e300]),
            "long": numpy.array([2**53 + 1, -7]),
            "short": numpy.array([2**31 - 1, 0], numpy.int32),
            "flag": numpy.array([True, False]),
            "text": numpy.array([["a\nb"], [""]], numpy.object_),
        }
    elif name == "flights":
        data = flights.prepare({"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))})
        rows = pandas.read_parquet(data.held_out).head(50)
        model = data.model
        feed = {
            name: rows[[name]].to_numpy("float32" if name in flights.NUMERICAL else "object")
            for name in flights.FEATURES
        }
    elif name == "integer_categories":
        model = models.integer_categories
        feed = {
            "month": numpy.array([[5], [6], [7]]),
            "origin": numpy.array([["JFK"], ["LGA"], ["JFK"]], numpy.object_),
        }
    else:
        model, feed = models.columns, {"distance": NUMBERS[:, :1], "origin": TEXTS}
    expected = expected_of(model, feed)
    server = start_server(MODEL_FILE=str(model))
    server.wait_ready()
    count = len(next(iter(feed.values())))
    for transport in TRANSPORTS:
        with client_of(server, transport) as client:
            metadata = metadata_of(client, transport)
            assert {item["name"] for item in metadata["inputs"]} == feed.keys()
            inputs = []
            for item in metadata["inputs"]:
                array = feed[item["name"]].astype(triton_to_np_dtype(item["datatype"]))
                assert [int(size) for size in item["shape"]] == [-1, *array.shape[1:]]
                inputs.append(tensor(transport, item["name"], array, item["datatype"]))
            outputs = [wanted(transport, item["name"]) for item in metadata["outputs"]]
            answer = client.infer("flights", inputs, model_version="3", outputs=outputs, request_id=transport)
            for item in metadata["outputs"]:
                given, known = answer.as_numpy(item["name"]), expected[item["name"]]
                if name == "zipmap" and item["name"] != "output_label":
                    known = numpy.array([list(row.values()) for row in known])
                assert list(given.shape) == [count, *(int(size) for size in item["shape"][1:])]
                if item["datatype"] != "BYTES":
                    assert given.dtype == triton_to_np_dtype(item["datatype"])
                assert plain(given) == plain(numpy.asarray(known)), (transport, item)
    records = server.records()
    assert [record["request_id"] for record in records] == [name for name in TRANSPORTS for _ in range(count)]
    rows_of = {name: records[place * count : (place + 1) * count] for place, name in enumerate(TRANSPORTS)}
    assert [row["features"] for row in rows_of["http-binary"]] == [row["features"] for row in rows_of["grpc"]]
    assert server.terminate()[0] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_asks_for_what_it_wants_and_is_told_what_is_wrong(
    transport: str, environment: dict[str, str], start_server: Start
) -> None:
    server = start_server()
    server.wait_ready()
    distance, origin = tensor(transport, "distance", NUMBERS[:, :1]), tensor(transport, "origin", TEXTS, "BYTES")
    with client_of(server, transport) as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("flights") and client.is_model_ready("flights", "3")

        answer = client.infer("flights", [origin, distance], outputs=[wanted(transport, "probabilities")])
        assert answer.as_numpy("probabilities").shape == (3, 2)
        assert answer.as_numpy("label") is None

        refusals: list[tuple[str, list[Any], dict[str, Any], str]] = [
            ("wine", [distance, origin], {}, "There is no model 'wine'"),
            ("flights", [distance, origin], {"model_version": "4"}, "There is no version '4'"),
            ("flights", [distance], {}, "The input 'origin' is missing"),
            ("flights", [distance, distance, origin], {}, "more than once"),
            ("flights", [tensor(transport, "distanz", NUMBERS[:, :1]), origin], {}, "no input 'distanz'"),
            ("flights", [distance, origin], {"outputs": [wanted(transport, "value")]}, "no output 'value'"),
            ("flights", [tensor(transport, "distance", NUMBERS), origin], {}, "it takes [rows] or [rows, 1]"),
            (
                "flights",
                [tensor(transport, "distance", NUMBERS[:2, :1]), origin],
                {},
                "has 3 rows, but 'distance' has 2",
            ),
            ("flights", [tensor(transport, "distance", NUMBERS[:, 0].astype("f8")), origin], {}, "the datatype 'FP64'"),
            (
                "flights",
                [tensor(transport, "distance", numpy.array([0, numpy.nan, 1], "f4")), origin],
                {},
                "Input 'distance', row 1: takes a number, not",
            ),
        ]
        for model, inputs, more, said in refusals:
            with pytest.raises(InferenceServerException) as caught:
                client.infer(model, inputs, **more)
            assert said in caught.value.message(), caught.value
            unknown = "There is no" in said
            expected = ("StatusCode.NOT_FOUND", "404") if unknown else ("StatusCode.INVALID_ARGUMENT", "400")
            assert caught.value.status() in expected
        answer = client.infer("flights", [distance, origin], request_id="last")
        assert (answer.get_response()["id"] if transport != "grpc" else answer.get_response().id) == "last"
    assert {record["request_id"] for record in server.records()[3:]} == {"last"}


def test_clients_are_told_which_rows_are_outliers(
    models: Any, environment: dict[str, str], start_server: Start
) -> None:
    write_config(environment, features=FEATURES, outlierThreshold=2.0)
    server = start_server(MODEL_FILE=str(models.matrix), OUTLIER_MODEL_FILE=str(models.regressor))
    server.wait_ready()
    rows = numpy.array([[0.1, 0.1, 0.1], [1, 1, 1]], numpy.float32)
    for transport in TRANSPORTS:
        with client_of(server, transport) as client:
            described = [(item["name"], item["datatype"]) for item in metadata_of(client, transport)["outputs"]]
            assert described[2:] == [("outlier_flag", "BOOL"), ("outlier_score", "FP64")]
            answer = client.infer("flights", [tensor(transport, "X", rows)])
            assert answer.as_numpy("outlier_flag").tolist() == [False, True]
            scores = answer.as_numpy("outlier_score").tolist()
            assert scores == [record["outlier"]["score"] for record in server.records()[-2:]]
