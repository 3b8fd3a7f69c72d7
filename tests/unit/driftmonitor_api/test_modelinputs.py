import pytest

from driftmonitor_api.limits import MAX_FEATURE_NAME, MAX_FEATURES
from driftmonitor_api.modelinputs import ModelError, Tensor, inputs_of
from driftmonitor_api.v1alpha1 import Feature, FeatureType


def _feature(name: str, kind: FeatureType = "Numerical") -> Feature:
    return Feature(name=name, type=kind)


def _number(name: str, *shape: int | None) -> Tensor:
    return Tensor(name, "tensor(float)", shape or (None, 1))


def _text(name: str) -> Tensor:
    return Tensor(name, "tensor(string)", (None, 1))


def test_inputs_of_their_own_name_and_type_the_features() -> None:
    inputs = inputs_of([_number("distance"), _text("origin"), Tensor("delayed", "tensor(bool)", (None,))], None)
    assert inputs.matrix is None
    described = [(column.name, column.type, column.element_type, column.rank) for column in inputs.columns]
    assert described == [
        ("distance", "Numerical", "float32", 2),
        ("origin", "Categorical", "string", 2),
        ("delayed", "Categorical", "bool", 1),
    ]


def test_inputs_whose_records_the_collector_would_refuse_are_not_served() -> None:
    long = "x" * (MAX_FEATURE_NAME + 1)
    with pytest.raises(ModelError, match=r"name of 257 characters; .* name it in spec\.model\.features"):
        inputs_of([_number("a"), _number(long)], None)
    assert inputs_of([_number("a"), _number(long)], [_feature("p"), _feature("q")])
    with pytest.raises(ModelError, match="4097 inputs; a record holds 4096"):
        inputs_of([_number(f"x{number}") for number in range(MAX_FEATURES + 1)], None)


def test_features_are_matched_by_name_whatever_their_order() -> None:
    inputs = inputs_of([_number("a"), _text("b")], [_feature("b", "Categorical"), _feature("a")])
    assert [(column.name, column.input) for column in inputs.columns] == [("a", "a"), ("b", "b")]


def test_a_name_that_the_exporter_rewrote_keeps_its_name_in_requests() -> None:
    inputs = inputs_of([_number("fixed_acidity"), _number("ph")], [_feature("fixed acidity"), _feature("ph")])
    assert [(column.name, column.input) for column in inputs.columns] == [
        ("fixed acidity", "fixed_acidity"),
        ("ph", "ph"),
    ]


def test_features_with_other_names_throughout_are_matched_by_order() -> None:
    inputs = inputs_of([_number("f0"), _text("f1")], [_feature("distance"), _feature("origin", "Categorical")])
    assert [(column.name, column.input) for column in inputs.columns] == [("distance", "f0"), ("origin", "f1")]


def test_one_tensor_takes_the_features_in_their_order() -> None:
    inputs = inputs_of([_number("X", None, 2)], [_feature("b"), _feature("a", "Categorical")])
    assert inputs.matrix == "X"
    assert [(column.name, column.type) for column in inputs.columns] == [("b", "Numerical"), ("a", "Categorical")]


def test_one_tensor_of_any_width_takes_as_many_features_as_are_named() -> None:
    assert len(inputs_of([_number("X", None, None)], [_feature("a"), _feature("b")]).columns) == 2


def test_one_tensor_of_one_column_may_be_named_by_the_model() -> None:
    assert [column.name for column in inputs_of([_number("distance")], None).columns] == ["distance"]


@pytest.mark.parametrize(
    ("tensors", "features", "complaint"),
    [
        ([], None, "no inputs"),
        ([_number("X", None, 3)], None, "name them, in the model's order, in spec.model.features"),
        ([_number("X", None, 3)], ["a"], "names 1 features, but the model's input 'X' has 3 columns"),
        ([_number("X", None, 1)], ["a", "b"], "names 2 features, but the model's input 'X' has 1 columns"),
        ([_number("a"), _number("b")], ["a"], "names 1 features, but the model has 2 inputs: 'a', 'b'"),
        ([_number("a"), _number("b")], ["a", "c"], "names 'c', which the model does not take; its inputs without a"),
        ([_number("a"), _number("b")], ["a", "a"], "names 'a' more than once"),
        ([_number("a"), _text("b")], ["a", "b"], "'b' is Numerical, but the model's input 'b' takes strings"),
        ([_number("a"), _number("b", None, 2)], None, "'b' of them takes several columns"),
        ([_number("a", 1, 1)], None, "exactly 1 rows; export it with a free first dimension"),
        ([_number("a", None, 1, 1)], None, "has 3 dimensions"),
        ([Tensor("a", "tensor(uint64)", (None, 1))], None, "is a tensor(uint64); only tensors of float32"),
        ([_number("a")], [], "spec.model.features is empty"),
    ],
)
def test_what_does_not_fit_is_named(tensors: list[Tensor], features: list[str] | None, complaint: str) -> None:
    named = None if features is None else [_feature(name) for name in features]
    with pytest.raises(ModelError) as caught:
        inputs_of(tensors, named)
    assert complaint in str(caught.value)


def test_booleans_are_taken_by_every_input_and_texts_and_times_by_strings() -> None:
    tensors = [_number("a"), Tensor("b", "tensor(bool)", (None, 1)), _text("c"), _text("d"), _text("e")]
    kinds: list[FeatureType] = ["Boolean", "Boolean", "Boolean", "Text", "Datetime"]
    features = [_feature(tensor.name, kind) for tensor, kind in zip(tensors, kinds, strict=True)]
    assert [column.type for column in inputs_of(tensors, features).columns] == kinds


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("Text", "'a' is Text, but the model's input 'a' takes float32; make it Numerical"),
        ("Datetime", "'a' is Datetime, but the model's input 'a' takes float32; make it Numerical"),
        ("Embedding", "'a' is an Embedding, but requests hold one number or text for each feature"),
    ],
)
def test_a_type_that_no_request_can_hold_for_the_model_is_named(kind: FeatureType, complaint: str) -> None:
    with pytest.raises(ModelError) as caught:
        inputs_of([_number("a")], [_feature("a", kind)])
    assert complaint in str(caught.value)
