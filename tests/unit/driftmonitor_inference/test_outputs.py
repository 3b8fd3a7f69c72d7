import pytest

from driftmonitor_inference.onnxfile import Hints
from driftmonitor_inference.outputs import outputs_of
from driftmonitor_inference.signature import ModelError, Tensor

INT_LABEL = Tensor("label", "tensor(int64)", (None,))
TEXT_LABEL = Tensor("label", "tensor(string)", (None,))
ZIPMAP = Tensor("probability", "seq(map(int64,tensor(float)))", ())


def _scores(width: int | None) -> Tensor:
    return Tensor("probabilities", "tensor(float)", (None, width))


def test_scores_are_named_by_the_labels_of_the_model() -> None:
    outputs = outputs_of([TEXT_LABEL, _scores(2)], None, Hints(labels=[("late", "on time")]))
    assert (outputs.kind, outputs.names) == ("scores", ("label", "probabilities"))
    assert outputs.classes == ("late", "on time")


def test_the_order_of_the_outputs_does_not_matter() -> None:
    outputs = outputs_of([_scores(2), TEXT_LABEL], None, Hints(labels=[("late", "on time")]))
    assert outputs.names == ("label", "probabilities")


def test_spec_names_integer_labels() -> None:
    outputs = outputs_of([INT_LABEL, _scores(2)], ["no", "yes"], Hints(labels=[(0, 1)]))
    assert (outputs.labels, outputs.classes) == ((0, 1), ("no", "yes"))


def test_labels_of_inner_models_do_not_pass_for_the_labels_of_the_whole() -> None:
    hints = Hints(labels=[(0, 1), (0, 1), (7, 8)])
    with pytest.raises(ModelError, match="does not name its 2 classes"):
        outputs_of([INT_LABEL, _scores(2)], None, hints)
    assert outputs_of([INT_LABEL, _scores(2)], ["no", "yes"], hints).classes == ("no", "yes")


def test_labels_of_another_type_or_number_are_not_the_models() -> None:
    hints = Hints(labels=[(0, 1), ("a", "b", "c"), ("x", "y")])
    assert outputs_of([TEXT_LABEL, _scores(2)], None, hints).classes == ("x", "y")


def test_a_zipmap_is_read_by_the_keys_that_it_tells() -> None:
    outputs = outputs_of([INT_LABEL, ZIPMAP], None, Hints(zipmap_labels=[(3, 4)], labels=[(0, 1)]))
    assert (outputs.kind, outputs.classes) == ("zipmap", ("3", "4"))


def test_one_tensor_of_one_column_is_a_regressors_value() -> None:
    outputs = outputs_of([Tensor("variable", "tensor(float)", (None, 1))], None, Hints())
    assert (outputs.kind, outputs.classes) == ("values", None)


def test_one_tensor_of_several_columns_is_scores_where_classes_are_named() -> None:
    outputs = outputs_of([_scores(3)], ["a", "b", "c"], Hints())
    assert (outputs.kind, outputs.labels, outputs.classes) == ("scores", None, ("a", "b", "c"))


def test_labels_alone_are_answered_without_scores() -> None:
    assert outputs_of([INT_LABEL], None, Hints()).kind == "labels"


@pytest.mark.parametrize(
    ("tensors", "classes", "hints", "complaint"),
    [
        ([INT_LABEL, _scores(2)], None, Hints(), "name them, in the order of its scores, in spec.model.classes"),
        ([INT_LABEL, _scores(2)], ["a"], Hints(labels=[(0, 1)]), "names 1 classes, but the model has 2"),
        ([INT_LABEL, _scores(2)], ["a", "b", "c"], Hints(), "names 3 classes, but the model has 2"),
        ([INT_LABEL, _scores(2)], ["a", "a"], Hints(labels=[(0, 1)]), "names a class more than once"),
        ([TEXT_LABEL, _scores(2)], ["b", "a"], Hints(labels=[("a", "b")]), "write them as 'a', 'b'"),
        ([INT_LABEL, ZIPMAP], ["a"], Hints(zipmap_labels=[(0, 1)]), "names 1 classes, but the model has 2"),
        ([INT_LABEL, ZIPMAP], None, Hints(), "export it with zipmap off"),
        ([_scores(3)], None, Hints(), "need spec.model.classes"),
        ([_scores(3)], ["a", "b"], Hints(), "names 2 classes, but the model's output 'probabilities' has 3 columns"),
        ([INT_LABEL], ["a", "b"], Hints(), "labels without scores"),
        ([INT_LABEL, _scores(1), _scores(1)], None, Hints(), 'export a classifier with options={"zipmap": False}'),
    ],
)
def test_what_does_not_fit_is_named(
    tensors: list[Tensor], classes: list[str] | None, hints: Hints, complaint: str
) -> None:
    with pytest.raises(ModelError) as caught:
        outputs_of(tensors, classes, hints)
    assert complaint in str(caught.value)
