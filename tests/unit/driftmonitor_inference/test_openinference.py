"""What a model takes and gives in the protocol's terms, and how values become columns."""

from collections.abc import Sequence
from typing import Any

import numpy
import pytest

from driftmonitor_inference.openinference import Description, Interface, check_parameters, unknown_model
from driftmonitor_inference.predictions import Outlier, RowPrediction
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.signature import Column, ElementType, Inputs, Outputs, Tensor
from driftmonitor_inference.tensors import from_bytes, to_bytes

SCORES = Outputs(
    "scores",
    (Tensor("label", "tensor(int64)", (None,)), Tensor("probabilities", "tensor(float)", (None, 2))),
    (3, 4),
    ("three", "four"),
)
ROWS = [
    RowPrediction("four", 0.75, {"three": 0.25, "four": 0.75}, None, Outlier(True, 0.9)),
    RowPrediction("three", 0.5, {"three": 0.5, "four": 0.5}, None, Outlier(False, 0.1)),
]


def column(name: str, element_type: ElementType = "float32", tensor: str | None = None, rank: int = 2) -> Column:
    kind = "Categorical" if element_type in ("string", "bool") else "Numerical"
    return Column(name, kind, element_type, tensor or name, rank)  # type: ignore[arg-type]


def matrix(element_type: ElementType = "float32") -> Interface:
    columns = tuple(column(name, element_type, "X") for name in ("a", "b", "c"))
    return Interface(Inputs(columns, "X"), SCORES, max_rows=5)


def by_column(*columns: Column) -> Interface:
    return Interface(Inputs(columns, None), SCORES, max_rows=5)


def columns_of(interface: Interface, *tensors: tuple[str, str, Sequence[int], bytes]) -> list[list[Any]]:
    slots = interface.slots([Description(name, datatype, tuple(shape)) for name, datatype, shape, _ in tensors])
    values = [from_bytes(slot, memoryview(data)) for slot, (*_, data) in zip(slots, tensors, strict=True)]
    return interface.columns(slots, values)


def sentence_of(interface: Interface, *tensors: tuple[str, str, Sequence[int], bytes]) -> str:
    with pytest.raises(RequestError) as caught:
        columns_of(interface, *tensors)
    assert 400 <= caught.value.status < 500
    return caught.value.sentence


def test_a_matrix_is_described_with_the_number_of_its_features() -> None:
    columns = tuple(column(name, "float64", "X") for name in ("a", "b"))
    assert Interface(Inputs(columns, "X"), SCORES, max_rows=5).inputs == (Description("X", "FP64", (-1, 2)),)


def test_inputs_of_one_column_are_described_as_the_model_declares_them() -> None:
    interface = by_column(column("a", rank=1), column("b", "string"), column("c", "bool"), column("d", "int32"))
    assert [(item.datatype, item.shape) for item in interface.inputs] == [
        ("FP32", (-1,)),
        ("BYTES", (-1, 1)),
        ("BOOL", (-1, 1)),
        ("INT32", (-1, 1)),
    ]


def test_a_matrix_is_read_row_by_row() -> None:
    data = numpy.array([[1, 2, 3], [4, 5, 6.5]], "<f4").tobytes()
    assert columns_of(matrix(), ("X", "FP32", [2, 3], data)) == [[1, 4], [2, 5], [3, 6.5]]


def test_numbers_of_single_precision_are_recorded_as_people_write_them() -> None:
    data = numpy.array([[13.2, 0.1, 1e-7]], "<f4").tobytes()
    assert columns_of(matrix(), ("X", "FP32", [1, 3], data)) == [[13.2], [0.1], [1e-7]]


def test_features_of_a_matrix_may_come_as_an_input_each_in_any_order() -> None:
    two = [to_bytes("FP32", values) for values in ([1, 2], [3, 4], [5, 6])]
    tensors = [("c", "FP32", [2], two[2]), ("a", "FP32", [2, 1], two[0]), ("b", "FP32", [2], two[1])]
    assert columns_of(matrix(), *tensors) == [[1, 2], [3, 4], [5, 6]]


def test_an_input_may_be_called_by_its_tensor_or_by_its_feature() -> None:
    interface = by_column(column("wind speed", tensor="wind_speed"), column("origin", "string"))
    for name in ("wind speed", "wind_speed"):
        tensors = [(name, "FP32", [1, 1], to_bytes("FP32", [2.5])), ("origin", "BYTES", [1], to_bytes("BYTES", ["é"]))]
        assert columns_of(interface, *tensors) == [[2.5], ["é"]]
    both = [(name, "FP32", [1], to_bytes("FP32", [2.5])) for name in ("wind speed", "wind_speed")]
    assert sentence_of(interface, *both) == "Input 'wind_speed' is given more than once."


@pytest.mark.parametrize("datatype", ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"])
@pytest.mark.parametrize("element_type", ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32"])
def test_integers_of_every_width_are_taken_where_they_fit(datatype: str, element_type: ElementType) -> None:
    found = columns_of(by_column(column("a", element_type)), ("a", datatype, [2], to_bytes(datatype, [7, 100])))
    assert found == [[7, 100]]
    assert type(found[0][0]) is (float if element_type.startswith("float") else int)


@pytest.mark.parametrize(
    ("element_type", "datatype", "value"),
    [
        ("float32", "INT64", 2**24 + 1),
        ("float32", "UINT64", 2**64 - 1),
        ("float64", "INT64", -(2**53) - 1),
        ("int32", "INT64", 2**31),
        ("int32", "UINT32", 2**31),
        ("int64", "UINT64", 2**63),
        ("int8", "INT64", 128),
        ("uint8", "INT8", -1),
        ("uint16", "INT32", 2**16),
        ("uint32", "INT64", -1),
    ],
)
def test_an_integer_that_the_model_cannot_hold_is_refused_and_not_rounded(
    element_type: ElementType, datatype: str, value: int
) -> None:
    sentence = sentence_of(by_column(column("a", element_type)), ("a", datatype, [2], to_bytes(datatype, [1, value])))
    assert sentence == f"Input 'a', row 1: {value} is outside of the integers that the model's {element_type} can hold."


@pytest.mark.parametrize(
    ("element_type", "datatype", "value"),
    [
        ("float32", "INT64", 2**24),
        ("float64", "UINT64", 2**53),
        ("int32", "INT64", -(2**31)),
        ("int64", "UINT64", 2**63 - 1),
        ("int64", "INT64", -(2**63)),
    ],
)
def test_the_last_integer_that_fits_is_taken(element_type: ElementType, datatype: str, value: int) -> None:
    interface = by_column(column("a", element_type))
    assert columns_of(interface, ("a", datatype, [1], to_bytes(datatype, [value]))) == [[value]]


@pytest.mark.parametrize(
    ("element_type", "datatype"),
    [
        ("float32", "FP64"),
        ("float32", "BOOL"),
        ("float32", "FP16"),
        ("float64", "BYTES"),
        ("int64", "FP32"),
        ("int64", "BOOL"),
        ("bool", "INT8"),
        ("string", "FP32"),
        ("string", ""),
    ],
)
def test_a_datatype_that_would_have_to_be_converted_is_refused(element_type: ElementType, datatype: str) -> None:
    sentence = sentence_of(by_column(column("a", element_type)), ("a", datatype, [1], b"\1"))
    assert sentence.startswith(f"Input 'a' has the datatype {datatype!r}; it takes ")


@pytest.mark.parametrize(
    ("value", "said"), [(numpy.nan, "NaN"), (numpy.inf, "an infinite one"), (-numpy.inf, "an infinite one")]
)
def test_what_is_no_finite_number_is_named_with_its_row_and_feature(value: float, said: str) -> None:
    data = numpy.array([[1, 2, 3], [4, value, value]], "<f4").tobytes()
    sentence = sentence_of(matrix(), ("X", "FP32", [2, 3], data))
    assert sentence == f"Input 'X', row 1, feature 'b': takes a number, not {said}."


def test_an_error_says_which_row_and_feature() -> None:
    data = numpy.array([[1, 2, 3], [4, numpy.nan, 1]], "<f4").tobytes()
    with pytest.raises(RequestError) as caught:
        columns_of(matrix(), ("X", "FP32", [2, 3], data))
    assert (caught.value.status, caught.value.row, caught.value.field) == (400, 1, "b")


@pytest.mark.parametrize("shape", [[3], [1, 2], [2, 2], [1, 1, 3], [], [1] * 40, [0, 3], [-1, 3]])
def test_a_matrix_of_another_shape_is_refused(shape: list[int]) -> None:
    assert sentence_of(matrix(), ("X", "FP32", shape, bytes(12))).startswith("Input 'X' has the shape ")


@pytest.mark.parametrize("shape", [[2, 2], [], [1, 1, 1], [0], [0, 1], [-1], [-(2**63), 1]])
def test_a_column_of_another_shape_is_refused(shape: list[int]) -> None:
    assert sentence_of(by_column(column("a")), ("a", "FP32", shape, bytes(4))).startswith("Input 'a' has the shape ")


def test_too_many_rows_are_refused_before_their_data_is_looked_at() -> None:
    with pytest.raises(RequestError, match="at most 5 are taken at once") as caught:
        matrix().slots([Description("X", "FP32", (2**62, 3))])
    assert caught.value.status == 413


def test_inputs_must_have_the_same_number_of_rows() -> None:
    interface = by_column(column("a"), column("b"))
    one, two = to_bytes("FP32", [1]), to_bytes("FP32", [1, 2])
    sentence = sentence_of(interface, ("b", "FP32", [1], one), ("a", "FP32", [2], two))
    assert sentence == "Input 'a' has 2 rows, but 'b' has 1."


def test_an_input_that_is_unknown_missing_or_extra_is_named() -> None:
    interface = by_column(column("a"), column("b"))
    one = to_bytes("FP32", [1])
    assert "has no input 'z'; it takes 'a', 'b'" in sentence_of(
        interface, ("a", "FP32", [1], one), ("z", "FP32", [1], one)
    )
    assert "input 'b' is missing" in sentence_of(interface, ("a", "FP32", [1], one))
    assert "input 'a' is missing" in sentence_of(interface)
    assert "given more than once" in sentence_of(interface, ("a", "FP32", [1], one), ("a", "FP32", [1], one))


def test_a_matrix_beside_one_of_its_features_is_refused() -> None:
    tensors = [("X", "FP32", [1, 3], bytes(12)), ("a", "FP32", [1], bytes(4))]
    assert "has no input 'X'; it takes 'X' of shape [-1, 3], or one input for each feature" in sentence_of(
        matrix(), *tensors
    )


@pytest.mark.parametrize("size", [0, 3, 11, 13, 24])
def test_bytes_that_do_not_fill_the_shape_are_refused(size: int) -> None:
    sentence = sentence_of(matrix(), ("X", "FP32", [1, 3], bytes(size)))
    assert sentence == f"Input 'X' has {size} bytes of FP32, which do not fill its shape [1, 3]."


def test_a_truth_value_is_one_byte_of_0_or_1() -> None:
    interface = by_column(column("a", "bool"))
    assert columns_of(interface, ("a", "BOOL", [2], b"\0\1")) == [[False, True]]
    assert sentence_of(interface, ("a", "BOOL", [2], b"\0\2")) == "Input 'a', row 1: a BOOL is the byte 0 or 1, not 2."


def test_strings_keep_every_character() -> None:
    texts = ["", "JFK", "Zürich ✈", "a\0b\n"]
    assert columns_of(by_column(column("a", "string")), ("a", "BYTES", [4, 1], to_bytes("BYTES", texts))) == [texts]


def test_strings_of_a_matrix_are_read_row_by_row() -> None:
    texts = to_bytes("BYTES", ["1", "2", "3", "4", "5", "6"])
    assert columns_of(matrix("string"), ("X", "BYTES", [2, 3], texts)) == [["1", "4"], ["2", "5"], ["3", "6"]]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "has 0 values"),
        (b"\1\0\0\0a", "has 1 values"),
        (b"\1\0\0\0a" * 3, "has 15 bytes of more strings"),
        (b"\1\0\0\0a\2\0\0\0b", "row 1: the string ends after the tensor's last byte"),
        (b"\1\0\0\0a\xff\xff\xff\xffb", "row 1: the string ends after"),
        (b"\1\0\0\0a\1\0", "row 1: the string ends after"),
        (b"\1\0\0\0a\1\0\0\0\xff", "row 1: the string is not UTF-8: invalid start byte at its byte 0"),
    ],
)
def test_strings_that_do_not_fill_the_tensor_exactly_are_refused(data: bytes, said: str) -> None:
    assert said in sentence_of(by_column(column("a", "string")), ("a", "BYTES", [2], data))


def test_outputs_are_described_and_filled_as_the_model_declares_them() -> None:
    label, scores = matrix().outputs
    assert label.description == Description("label", "INT64", (-1,))
    assert scores.description == Description("probabilities", "FP32", (-1, 2))
    assert (label.values(ROWS), label.shape(2)) == ([4, 3], [2])
    assert (scores.values(ROWS), scores.shape(2)) == ([0.25, 0.75, 0.5, 0.5], [2, 2])


def test_labels_that_the_model_does_not_tell_are_the_names_of_the_classes() -> None:
    outputs = Outputs("scores", SCORES.tensors, None, ("three", "four"))
    label = Interface(Inputs((column("a"),), None), outputs, max_rows=5).outputs[0]
    assert (label.description.datatype, label.values(ROWS)) == ("BYTES", ["four", "three"])


def test_labels_without_scores_keep_their_type() -> None:
    for tensor, label, expected in (("tensor(int64)", "12", 12), ("tensor(string)", "late", "late")):
        outputs = Outputs("labels", (Tensor("out", tensor, (None,)),), None, None)
        output = Interface(Inputs((column("a"),), None), outputs, max_rows=5).outputs[0]
        assert output.values([RowPrediction(label)]) == [expected]


def test_values_keep_the_shape_that_the_model_declares() -> None:
    outputs = Outputs("values", (Tensor("y", "tensor(double)", (None, 1)),), None, None)
    output = Interface(Inputs((column("a"),), None), outputs, max_rows=5).outputs[0]
    assert output.description == Description("y", "FP64", (-1, 1))
    assert (output.values([RowPrediction(value=1.5)]), output.shape(1)) == ([1.5], [1, 1])


def test_the_maps_of_a_zipmap_are_given_as_one_tensor() -> None:
    zipmap = (SCORES.tensors[0], Tensor("probability", "seq(map(int64,tensor(float)))", ()))
    interface = Interface(Inputs((column("a"),), None), Outputs("zipmap", zipmap, (3, 4), ("3", "4")), max_rows=5)
    assert interface.outputs[1].description == Description("probability", "FP32", (-1, 2))


def test_an_outlier_model_adds_two_outputs_unless_the_model_has_their_names() -> None:
    interface = Interface(Inputs((column("a"),), None), SCORES, max_rows=5, with_outliers=True)
    found = {output.description.name: output.values(ROWS) for output in interface.outputs[2:]}
    assert found == {"outlier_flag": [True, False], "outlier_score": [0.9, 0.1]}
    own = Outputs("values", (Tensor("outlier_score", "tensor(float)", (None,)),), None, None)
    interface = Interface(Inputs((column("a"),), None), own, max_rows=5, with_outliers=True)
    assert [output.description.name for output in interface.outputs] == ["outlier_score", "outlier_flag"]


def test_an_unknown_output_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(RequestError, match="no output 'y'; it has 'label', 'probabilities'"):
        matrix().wanted("y")


def test_parameters_that_would_mislead_a_client_are_refused() -> None:
    check_parameters("Input 'a'", {"content_type": "np", "priority": 1})
    for name in ("shared_memory_region", "classification"):
        with pytest.raises(RequestError, match=f"Input 'a' has the parameter '{name}'"):
            check_parameters("Input 'a'", {name: 1})


def test_only_the_model_that_is_served_is_known() -> None:
    assert unknown_model("flights", "3", "flights", None) is None
    assert unknown_model("flights", "3", "flights", "") is None
    assert unknown_model("flights", "3", "flights", "3") is None
    for name, version in (("wine", None), ("flights", "4"), ("", "")):
        error = unknown_model("flights", "3", name, version)
        assert error is not None and error.status == 404
