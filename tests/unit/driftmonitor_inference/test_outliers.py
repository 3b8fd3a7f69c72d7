import pytest

from driftmonitor_inference.outliers import DetectorOutputs, detector_inputs, detector_outputs, outliers, places
from driftmonitor_inference.predictions import Outlier
from driftmonitor_inference.signature import Column, ElementType, ModelError, Tensor

LABEL = Tensor("label", "tensor(int64)", (None, 1))
SCORES = Tensor("scores", "tensor(float)", (None, 1))
ERROR = Tensor("error", "tensor(float)", (None,))


def _column(name: str, element_type: ElementType = "float32") -> Column:
    return Column(name, "Categorical" if element_type == "string" else "Numerical", element_type, name, 2)


def _input(name: str, element_type: str = "float", width: int | None = 1) -> Tensor:
    return Tensor(name, f"tensor({element_type})", (None, width))


def test_label_and_scores_are_turned_round_with_the_border_at_zero_or_at_the_threshold() -> None:
    assert detector_outputs([LABEL, SCORES], None) == DetectorOutputs("scores", "label", 0.0)
    assert detector_outputs([SCORES, LABEL], 0.125) == DetectorOutputs("scores", "label", 0.125)
    turned = outliers([0.25, 0.0, -0.125, -0.25], detector_outputs([LABEL, SCORES], None))
    assert turned == [Outlier(False, -0.25), Outlier(False, 0.0), Outlier(True, 0.125), Outlier(True, 0.25)]
    assert str(turned[1].score) == "0.0"
    assert [row.flag for row in outliers([-0.125, -0.25], detector_outputs([LABEL, SCORES], 0.125))] == [False, True]


def test_one_number_for_each_row_is_the_score_and_needs_a_threshold() -> None:
    with pytest.raises(ModelError, match=r"'error', and no label .* set spec\.model\.outlierDetector\.threshold"):
        detector_outputs([ERROR], None)
    assert outliers([1.5, 2.0, 2.5], detector_outputs([ERROR], 2.0)) == [
        Outlier(False, 1.5),
        Outlier(False, 2.0),
        Outlier(True, 2.5),
    ]


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ([LABEL], r"its outputs \(label tensor\(int64\)\) are neither label and scores nor one number"),
        ([SCORES, ERROR], "are neither label and scores nor one number for each row"),
        ([LABEL, LABEL, SCORES], "are neither label and scores"),
        ([Tensor("label", "tensor(string)", (None,)), SCORES], "are neither label and scores"),
        ([_input("reconstruction", width=3)], "has 3 columns, where .* error of a reconstruction and not the reconst"),
        ([LABEL, _input("probabilities", width=2)], "'probabilities' has 2 columns"),
    ],
)
def test_what_is_no_detector_is_told_what_one_gives(tensors: list[Tensor], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        detector_outputs(tensors, 0.5)


def test_one_tensor_takes_the_columns_in_the_models_order() -> None:
    columns = [_column("b"), _column("a")]
    inputs = detector_inputs([_input("x", width=2)], columns)
    assert (inputs.matrix, [column.name for column in inputs.columns]) == ("x", ["b", "a"])
    assert places(inputs, columns) is None


def test_a_tensor_for_each_column_is_found_by_its_name() -> None:
    columns = [_column("b", "string"), _column("a")]
    inputs = detector_inputs([_input("a"), _input("b", "string")], columns)
    assert (inputs.matrix, places(inputs, columns)) == (None, [1, 0])


@pytest.mark.parametrize(
    ("tensors", "complaint"),
    [
        ([_input("x", width=3)], "it takes 3 features and the model 2; train it on the features of .*: 'a', 'b'"),
        ([_input("a")], "it takes 1 features and the model 2"),
        ([_input("a"), _input("c")], "names 'b', which the model does not take"),
        ([_input("a"), _input("b", "string")], "'b' takes strings"),
        ([_input("a", "int64"), _input("b")], "its input 'a' takes int64, and the model's feature 'a' is float32"),
    ],
)
def test_other_features_than_the_models_are_refused(tensors: list[Tensor], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        detector_inputs(tensors, [_column("a"), _column("b")])


@pytest.mark.parametrize(
    ("given", "taken", "fits"),
    [
        ("float64", "float32", True),
        ("int64", "float32", True),
        ("bool", "float32", True),
        ("bool", "int64", True),
        ("int32", "int64", True),
        ("int64", "int32", False),
        ("float32", "int64", False),
        ("int32", "bool", False),
        ("string", "float32", False),
    ],
)
def test_a_type_fits_where_no_value_becomes_another(given: ElementType, taken: str, fits: bool) -> None:
    names = {"float32": "float", "float64": "double"}
    tensor = _input("a", names.get(taken, taken))
    if fits:
        assert detector_inputs([tensor], [_column("a", given)]).columns[0].element_type == taken
    else:
        with pytest.raises(ModelError, match="takes"):
            detector_inputs([tensor], [_column("a", given)])
