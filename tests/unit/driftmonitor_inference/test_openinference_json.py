"""The bodies of inference over HTTP."""

import json
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftmonitor_inference.openinference import Interface
from driftmonitor_inference.openinference_json import InferRequest, decode_infer, encode_infer
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.signature import Column, Inputs, Outputs, Tensor
from driftmonitor_inference.tensors import DTYPES, to_bytes

SCORES = Outputs(
    "scores",
    (Tensor("label", "tensor(string)", (None,)), Tensor("probabilities", "tensor(float)", (None, 2))),
    ("late", "on time"),
    ("late", "on time"),
)
MATRIX = Interface(
    Inputs(tuple(Column(name, "Numerical", "float32", "X", 2) for name in ("a", "b", "c")), "X"), SCORES, max_rows=5
)
COLUMNS = Interface(
    Inputs(
        (
            Column("distance", "Numerical", "float64", "distance", 2),
            Column("origin", "Categorical", "string", "origin", 1),
            Column("stops", "Numerical", "int64", "stops", 1),
            Column("weekend", "Categorical", "bool", "weekend", 1),
        ),
        None,
    ),
    SCORES,
    max_rows=5,
)
GOOD = {
    "distance": ("FP64", [0.1, 1e300]),
    "origin": ("BYTES", ["JFK", "Zürich"]),
    "stops": ("INT64", [-(2**63), 2**63 - 1]),
    "weekend": ("BOOL", [True, False]),
}


def matrix(data: Any, shape: list[int] | None = None, **more: Any) -> bytes:
    tensor = {"name": "X", "datatype": "FP32", "shape": shape or [2, 3], "data": data}
    return json.dumps({"inputs": [tensor], **more}).encode()


def columns(**changed: Any) -> bytes:
    tensors = []
    for name, (datatype, data) in GOOD.items():
        tensors.append({"name": name, "datatype": datatype, "shape": [2], "data": changed.get(name, data)})
    return json.dumps({"inputs": tensors}).encode()


def refused(body: bytes, header_length: int | None = None, interface: Interface = MATRIX) -> str:
    with pytest.raises(RequestError) as caught:
        decode_infer(body, header_length, interface)
    assert 400 <= caught.value.status < 500
    return caught.value.sentence


@pytest.mark.parametrize("data", [[1, 2, 3, 4.5, 5, 6], [[1, 2, 3], [4.5, 5, 6]]])
def test_data_may_be_flat_or_nested(data: Any) -> None:
    assert decode_infer(matrix(data), None, MATRIX).columns == [[1, 4.5], [2, 5], [3, 6]]


def test_white_space_before_a_nested_row_does_not_matter() -> None:
    body = matrix([[1, 2, 3]], [1, 3]).replace(b"[[", b"[ \n\t [")
    assert decode_infer(body, None, MATRIX).columns == [[1], [2], [3]]


def test_every_datatype_is_read_as_it_is_written() -> None:
    request = decode_infer(columns(), None, COLUMNS)
    assert request.columns == [data for _, data in GOOD.values()]
    assert [type(values[0]) for values in request.columns] == [float, str, int, bool]


def test_the_id_and_every_output_are_found() -> None:
    request = decode_infer(matrix([0] * 6, id="r-1"), None, MATRIX)
    assert request.id == "r-1"
    assert [(output.description.name, binary) for output, binary in request.outputs] == [
        ("label", False),
        ("probabilities", False),
    ]


def test_an_empty_id_and_members_that_are_null_are_left_out() -> None:
    body = matrix([0] * 6, id="", parameters=None, outputs=None, model_version=None)
    request = decode_infer(body, None, MATRIX)
    assert (request.id, len(request.outputs)) == (None, 2)


def test_outputs_come_in_the_order_in_which_they_are_wanted() -> None:
    outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}, {"name": "label"}]
    request = decode_infer(matrix([0] * 6, outputs=outputs), None, MATRIX)
    assert [(output.description.name, binary) for output, binary in request.outputs] == [
        ("probabilities", True),
        ("label", False),
    ]


def test_one_parameter_asks_for_every_output_as_bytes_and_an_outputs_own_is_heard_before_it() -> None:
    more: dict[str, Any] = {"parameters": {"binary_data_output": True}}
    assert [binary for _, binary in decode_infer(matrix([0] * 6, **more), None, MATRIX).outputs] == [True, True]
    more["outputs"] = [{"name": "label", "parameters": {"binary_data": False}}, {"name": "probabilities"}]
    assert [binary for _, binary in decode_infer(matrix([0] * 6, **more), None, MATRIX).outputs] == [False, True]


def with_bytes(sizes: list[Any], tail: bytes) -> tuple[bytes, int]:
    tensors = []
    for (name, (datatype, _)), size in zip(GOOD.items(), sizes, strict=True):
        tensors.append({"name": name, "datatype": datatype, "shape": [2], "parameters": {"binary_data_size": size}})
    head = json.dumps({"inputs": tensors}).encode()
    return head + tail, len(head)


def packed() -> tuple[list[int], bytes]:
    parts = [to_bytes(datatype, data) for datatype, data in GOOD.values()]
    return [len(part) for part in parts], b"".join(parts)


def test_tensors_are_read_from_the_bytes_behind_the_json() -> None:
    sizes, tail = packed()
    assert decode_infer(*with_bytes(sizes, tail), COLUMNS).columns == [data for _, data in GOOD.values()]


def test_an_input_in_the_json_may_stand_beside_one_behind_it() -> None:
    tensors = [{"name": name, "datatype": kind, "shape": [2], "data": data} for name, (kind, data) in GOOD.items()]
    tensors[0] = {"name": "distance", "datatype": "FP64", "shape": [2], "parameters": {"binary_data_size": 16}}
    head = json.dumps({"inputs": tensors}).encode()
    request = decode_infer(head + to_bytes("FP64", [0.1, 1e300]), len(head), COLUMNS)
    assert request.columns == [data for _, data in GOOD.values()]


@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_a_binary_size_that_is_not_the_tensors_is_refused(change: int) -> None:
    sizes, tail = packed()
    sizes[0] += change
    assert "Input 'distance' has" in refused(*with_bytes(sizes, tail), COLUMNS)


def test_bytes_that_are_missing_or_left_over_are_refused() -> None:
    sizes, tail = packed()
    assert "but only 1 bytes follow the JSON" in refused(*with_bytes(sizes, tail[:-1]), COLUMNS)
    assert refused(*with_bytes(sizes, tail + b"xy"), COLUMNS) == "2 bytes follow the data of the last input."


@pytest.mark.parametrize("size", [-1, 1.5, "16", True, [], 2**70])
def test_a_binary_size_that_is_no_number_of_bytes_is_refused(size: Any) -> None:
    sizes: list[Any]
    sizes, tail = packed()
    sizes[0] = size
    assert "'binary_data_size'" in refused(*with_bytes(sizes, tail), COLUMNS)


def test_a_header_length_beyond_the_body_is_refused() -> None:
    body = matrix([0] * 6)
    assert f"is {len(body) + 1}, but the body has only {len(body)} bytes" in refused(body, len(body) + 1)
    assert "not JSON" in refused(body, len(body) - 1)
    assert "not JSON" in refused(body, 0)


def test_an_input_has_its_data_in_one_place() -> None:
    tensor = {"name": "X", "datatype": "FP32", "shape": [1, 3]}
    assert "neither 'data' nor" in refused(json.dumps({"inputs": [tensor]}).encode())
    tensor |= {"data": [1, 2, 3], "parameters": {"binary_data_size": 12}}
    head = json.dumps({"inputs": [tensor]}).encode()
    assert "both 'data' and 'binary_data_size'" in refused(head + bytes(12), len(head))


@pytest.mark.parametrize(
    ("name", "row", "value", "said"),
    [
        ("distance", 1, None, "takes a number, not null"),
        ("distance", 0, "1.5", 'takes a number, not the string "1.5"'),
        ("distance", 1, True, "takes a number, not true"),
        ("distance", 1, float("nan"), "takes a number, not the number NaN"),
        ("distance", 1, float("inf"), "the number Infinity is outside of FP64"),
        ("distance", 1, 10**400, "is outside of FP64"),
        ("stops", 1, 1.5, "takes an integer, not the number 1.5"),
        ("stops", 1, 1.0, "takes an integer, not the number 1.0"),
        ("stops", 0, 2**63, "the number 9223372036854775808 is outside of INT64"),
        ("stops", 0, True, "takes an integer, not true"),
        ("origin", 1, 7, "takes a string, not the number 7"),
        ("origin", 1, None, "takes a string, not null"),
        ("origin", 1, {"a": 1}, "takes a string, not an object"),
        ("origin", 0, "\ud800", "the string has half of a surrogate pair"),
        ("weekend", 1, 1, "takes true or false, not the number 1"),
        ("weekend", 1, "true", "takes true or false, not the string"),
    ],
)
def test_a_value_of_another_type_is_named_with_its_input_and_row(name: str, row: int, value: Any, said: str) -> None:
    data: list[Any] = list(GOOD[name][1])
    data[row] = value
    sentence = refused(columns(**{name: data}), interface=COLUMNS)
    assert sentence.startswith(f"Input {name!r}, row {row}: ") and said in sentence


def test_a_value_of_a_matrix_is_named_with_its_row_and_feature() -> None:
    for data in ([1, 2, 3, 4, None, 6], [[1, 2, 3], [4, None, 6]]):
        assert refused(matrix(data)) == "Input 'X', row 1, feature 'b': takes a number, not null."


def test_a_number_beyond_single_precision_is_refused_and_the_largest_is_taken() -> None:
    assert "outside of FP32" in refused(matrix([0, 0, 3.5e38, 0, 0, 0]))
    assert decode_infer(matrix([3.4028235e38, 0, 0], [1, 3]), None, MATRIX).columns[0] == [3.4028235e38]


@pytest.mark.parametrize("datatype", [name for name in DTYPES if "INT" in name])
def test_integers_beyond_their_datatype_are_refused(datatype: str) -> None:
    interface = Interface(Inputs((Column("a", "Numerical", "int64", "a", 1),), None), SCORES, max_rows=5)
    limits = numpy.iinfo(DTYPES[datatype])

    def body(value: int) -> bytes:
        return json.dumps({"inputs": [{"name": "a", "datatype": datatype, "shape": [1], "data": [value]}]}).encode()

    assert decode_infer(body(int(limits.min)), None, interface).columns == [[int(limits.min)]]
    for value in (int(limits.min) - 1, int(limits.max) + 1):
        assert f"is outside of {datatype}" in refused(body(value), interface=interface)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([1, 2, 3], "Input 'X' has 3 values, which do not fill its shape [2, 3]."),
        ([], "Input 'X' has 0 values"),
        ([0] * 7, "Input 'X' has 7 values"),
        ([[1, 2, 3]], "Input 'X' has 1 rows"),
        ([[1, 2, 3], [4, 5]], "Input 'X', row 1 has 2 values, and its shape says 3 values."),
        ([[1, 2, 3, 4], [5, 6]], "Input 'X', row 0 has 4 values"),
        ([[1, 2, 3], 4], "Input 'X', row 1 has the number 4"),
        ([[[1, 2, 3]], [[4, 5, 6]]], "takes a number, not an array"),
        (7, "its data must be an array, not the number 7"),
        ({"a": 1}, "its data must be an array, not an object"),
        ("AAAA", "its data must be an array, not the string"),
        (None, "its data must be an array, not null"),
    ],
)
def test_data_that_does_not_fill_the_shape_is_refused(data: Any, said: str) -> None:
    assert said in refused(matrix(data))


def test_a_column_is_not_nested_where_its_shape_is_flat() -> None:
    assert "must be a flat array" in refused(columns(distance=[[1.0], [2.0]]), interface=COLUMNS)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"inputs": null}',
        b'{"inputs": {}}',
        b'{"inputs": [1]}',
        b'{"inputs": []}',
        b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": ["a", 3], "data": []}]}',
        b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [1.5, 3], "data": [1, 2, 3]}]}',
        b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [NaN, 3], "data": [1, 2, 3]}]}',
        b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [-1, 3], "data": [1, 2, 3]}]}',
        b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [1e400, 3], "data": [1, 2, 3]}]}',
        b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [10000000000000000000000000, 3], "data": [1]}]}',
        b'{"inputs": [{"name": "X", "datatype": 7, "shape": [1, 3], "data": [1, 2, 3]}]}',
        b'{"inputs": [{"name": ["X"], "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}]}',
        b'{"inputs": [{"name": "X", "shape": [1, 3], "data": [1, 2, 3]}]}',
        b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 3], "data": ' + b"[" * 9999 + b"]" * 9999 + b"}]}",
        b'{"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 3], "data": [' + b"9" * 9999 + b", 1, 1]}]}",
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    refused(body)


def test_a_member_that_the_protocol_does_not_know_is_named() -> None:
    assert "`input`" in refused(matrix([0] * 6, input=1))
    tensor = {"name": "X", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3], "dtype": "x"}
    assert "`dtype`" in refused(json.dumps({"inputs": [tensor]}).encode())


def test_an_unknown_output_and_a_parameter_of_another_type_are_refused() -> None:
    assert "no output 'y'" in refused(matrix([0] * 6, outputs=[{"name": "y"}]))
    wanted = {"name": "label", "parameters": {"binary_data": "yes"}}
    assert (
        refused(matrix([0] * 6, outputs=[wanted]))
        == "Output 'label': the parameter 'binary_data' must be true or false."
    )
    assert "'binary_data_output' must be true or false" in refused(
        matrix([0] * 6, parameters={"binary_data_output": 1})
    )
    assert "'classification'" in refused(
        matrix([0] * 6, outputs=[{"name": "label", "parameters": {"classification": 2}}])
    )


PREDICTIONS = [
    RowPrediction("late", 0.75, {"late": 0.75, "on time": 0.25}),
    RowPrediction("on time", 0.5, {"late": 0.5, "on time": 0.5}),
]


def answered(outputs: list[dict[str, Any]]) -> tuple[bytes, int | None]:
    request = decode_infer(matrix([0] * 6, outputs=outputs), None, MATRIX)
    return encode_infer("flights", "3", "r-1", request.outputs, PREDICTIONS)


def test_an_answer_is_json_where_nothing_else_is_wanted() -> None:
    body, length = answered([])
    assert length is None
    assert json.loads(body) == {
        "model_name": "flights",
        "model_version": "3",
        "id": "r-1",
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["late", "on time"]},
            {"name": "probabilities", "datatype": "FP32", "shape": [2, 2], "data": [0.75, 0.25, 0.5, 0.5]},
        ],
    }


def test_bytes_of_an_answer_follow_its_json() -> None:
    wanted = {"name": "probabilities", "parameters": {"binary_data": True}}
    body, length = answered([wanted, {"name": "label", "parameters": {"binary_data": True}}])
    assert length is not None
    head = json.loads(body[:length])
    assert [output["parameters"]["binary_data_size"] for output in head["outputs"]] == [16, 19]
    assert all("data" not in output for output in head["outputs"])
    assert numpy.frombuffer(body[length : length + 16], "<f4").tolist() == [0.75, 0.25, 0.5, 0.5]
    assert body[length + 16 :] == b"\4\0\0\0late\7\0\0\0on time"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
TENSOR = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["X", "a", "b", "c", ""]) | JSON,
        "datatype": st.sampled_from([*DTYPES, "BYTES"]) | JSON,
        "shape": st.lists(st.integers(-1, 6), max_size=3) | JSON,
    },
    optional={
        "data": st.lists(st.lists(st.floats(width=32), max_size=4), max_size=4) | st.lists(JSON, max_size=6) | JSON,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": st.integers(-1, 30) | JSON}) | JSON,
    },
)
REQUEST = st.fixed_dictionaries(
    {"inputs": st.lists(TENSOR, max_size=4) | JSON}, optional={"outputs": JSON, "id": JSON, "parameters": JSON}
)


def taken_or_refused(body: bytes, length: int | None, interface: Interface) -> InferRequest | None:
    try:
        return decode_infer(body, length, interface)
    except RequestError as error:
        assert 400 <= error.status < 500 and error.sentence
        error.sentence.encode()
        return None


@given(REQUEST, st.binary(max_size=40), st.integers(-3, 3) | st.none())
def test_every_document_is_taken_or_refused(document: Any, tail: bytes, shift: int | None) -> None:
    head = json.dumps(document).encode()
    length = None if shift is None else max(0, len(head) + shift)
    for interface in (MATRIX, COLUMNS):
        taken_or_refused(head + tail if shift is not None else head, length, interface)


@given(st.integers(1, 5), st.data())
def test_every_matrix_of_finite_numbers_is_read_exactly(rows: int, data: st.DataObject) -> None:
    numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
    sent = numpy.array(
        data.draw(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=rows, max_size=rows)), "<f4"
    )
    head = json.dumps(
        {
            "inputs": [
                {"name": "X", "datatype": "FP32", "shape": [rows, 3], "parameters": {"binary_data_size": rows * 12}}
            ]
        }
    ).encode()
    in_bytes = decode_infer(head + sent.tobytes(), len(head), MATRIX).columns
    in_json = decode_infer(matrix(sent.tolist(), [rows, 3]), None, MATRIX).columns
    assert in_bytes == in_json
    assert numpy.array_equal(sent, numpy.array(in_bytes, "<f4").T)
