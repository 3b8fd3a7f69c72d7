import math
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from driftmonitor_api.v1alpha1 import Feature
from driftmonitor_inference.model import Model, PredictionError
from driftmonitor_inference.openinference import interface_of
from driftmonitor_inference.signature import ModelError

THREE = [Feature(name=name, type="Numerical") for name in ("a", "b", "c")]
ROWS = [(0.9, 0.5, 0.5), (0.1, 0.5, 0.5), (0.51, 0.2, 0.9)]


def test_named_columns_of_numbers_and_strings_are_predicted(models: Any) -> None:
    model = Model(models.columns, None, None)
    assert [column.name for column in model.columns] == ["distance", "origin"]
    late, on_time = model.predict([(0.95, "JFK"), (0.05, "LGA")])
    assert (late.label, on_time.label) == ("late", "on time")
    assert late.scores is not None
    assert late.score == late.scores["late"] == pytest.approx(1 - late.scores["on time"])
    assert late.value is None


def test_one_row_is_predicted_as_it_is_among_others(models: Any) -> None:
    model = Model(models.matrix, THREE, None)
    together = model.predict(ROWS)
    assert [model.predict([row])[0].label for row in ROWS] == [row.label for row in together]


def test_a_zipmap_gives_the_same_as_the_tensor(models: Any) -> None:
    tensor, zipmap = Model(models.matrix, THREE, None), Model(models.zipmap, THREE, None)
    assert zipmap.outputs.kind == "zipmap"
    for expected, got in zip(tensor.predict(ROWS), zipmap.predict(ROWS), strict=True):
        assert got.label == expected.label
        assert got.scores == pytest.approx(expected.scores)


def test_integer_labels_are_named_by_spec(models: Any) -> None:
    for path in (models.matrix, models.zipmap):
        high, low, _ = Model(path, THREE, ["low", "high"]).predict(ROWS)
        assert (high.label, low.label) == ("high", "low")
        assert high.scores is not None
        assert high.score == high.scores["high"] > 0.5


def test_a_model_that_does_not_tell_its_labels_takes_them_from_spec(models: Any) -> None:
    with pytest.raises(ModelError, match="does not name its 2 classes"):
        Model(models.nearest, THREE, None)
    high, low, _ = Model(models.nearest, THREE, ["low", "high"]).predict(ROWS)
    assert (high.label, low.label) == ("high", "low")


def test_a_regressor_gives_values(models: Any) -> None:
    predictions = Model(models.regressor, THREE, None).predict(ROWS)
    assert [row.value for row in predictions] == pytest.approx([sum(row) for row in ROWS], abs=1e-4)
    assert predictions[0].label is None
    assert predictions[0].scores is None


def test_an_answer_that_is_no_finite_number_is_an_error_of_the_row(models: Any) -> None:
    with pytest.raises(PredictionError, match="answer for row 1 is not a finite number") as caught:
        Model(models.regressor, THREE, None).predict([(1.0, 1.0, 1.0), (3e38, 3e38, 3e38)])
    assert (caught.value.row, caught.value.cause) == (1, "row")


def test_the_first_row_that_the_model_refuses_is_named(models: Any) -> None:
    model = Model(models.strict_categories, None, None)
    rows = [(0.5, "JFK")] * 6 + [(0.5, "Mars")] + [(0.5, "LGA")] * 4 + [(0.5, "Moon")]
    with pytest.raises(PredictionError, match="refuses row 6: Unknown Category") as caught:
        model.predict(rows)
    assert (caught.value.row, caught.value.cause) == (6, "row")


def test_the_example_row_knows_the_categories_of_the_model(models: Any) -> None:
    model = Model(models.strict_categories, None, None)
    assert model.example_works
    assert model.example == (0.0, "JFK")


def test_integers_that_are_categories_are_guessed_too(models: Any) -> None:
    model = Model(models.integer_categories, None, None)
    assert (model.example_works, model.example) == (True, (5, "JFK"))


@pytest.mark.parametrize("name", ["broken", "broken_numbers"])
def test_a_model_that_loads_and_predicts_no_row_is_refused(models: Any, name: str) -> None:
    with pytest.raises(ModelError, match=r"the model fails on an example row: the model refuses row 0: .*cannot be"):
        Model(getattr(models, name), None, None)


def test_a_model_whose_encoders_refuse_every_guess_is_served_and_told_apart(models: Any) -> None:
    model = Model(models.unguessable, None, None)
    assert (model.example_works, model.example) == (False, (0.0, 0.0))
    assert model.predict([(-9.0, -7.0)])[0].value == 2


def test_one_column_of_two_classes_is_the_probability_of_the_second(tmp_path: Path) -> None:
    path = _row_function(tmp_path / "m", [("Sigmoid", {})], TensorProto.FLOAT)
    high, low = Model(path, THREE[:1], ["no", "yes"]).predict([(2.0,), (-2.0,)])
    probability = 1 / (1 + math.exp(-2))
    assert (high.label, low.label) == ("yes", "no")
    assert high.score == pytest.approx(probability) and low.score == pytest.approx(probability)
    assert low.scores == pytest.approx({"no": probability, "yes": 1 - probability})
    unbounded = Model(_row_function(tmp_path / "n", [("Abs", {})], TensorProto.FLOAT), THREE[:1], ["no", "yes"])
    with pytest.raises(PredictionError, match=r"answer for row 1 is 2\.0, and no probability of the class 'yes'"):
        unbounded.predict([(0.5,), (2.0,)])


@pytest.mark.parametrize(
    ("element_type", "label"),
    [("INT8", "-2"), ("UINT8", "2"), ("UINT32", "2"), ("INT32", "-2"), ("INT64", "-2"), ("BOOL", "True")],
)
def test_a_label_alone_is_answered_as_text_whatever_integer_it_is(
    tmp_path: Path, element_type: str, label: str
) -> None:
    wanted = getattr(TensorProto, element_type)
    path = _row_function(tmp_path / "m", [("Cast", {"to": wanted})], wanted)
    (prediction,) = Model(path, THREE[:1], None).predict([(float(label) if label != "True" else 3.0,)])
    assert (prediction.label, prediction.score, prediction.scores) == (label, None, None)
    (output,) = interface_of(Model(path, THREE[:1], None), max_rows=1).outputs
    assert (output.description.datatype, str(output.values([prediction])[0])) == (element_type, label)


@pytest.mark.parametrize(
    ("element_type", "rows"),
    [
        ("FLOAT", [(0.1, 2.5), (-3e38, 0.0), (16777217.0, 1e-45)]),
        ("DOUBLE", [(0.1, 2.5), (-1e308, 0.0), (5e-324, 1.0)]),
        ("INT8", [(1, 2), (-(2**7), 0), (2**7 - 1, 1)]),
        ("INT16", [(1, 2), (-(2**15), 0), (2**15 - 1, 1)]),
        ("INT32", [(1, 2), (-(2**31), 0), (2**31 - 1, 1)]),
        ("UINT8", [(1, 2), (0, 0), (2**8 - 1, 1)]),
        ("UINT16", [(1, 2), (0, 0), (2**16 - 1, 1)]),
        ("UINT32", [(1, 2), (0, 0), (2**32 - 1, 1)]),
        ("INT64", [(1, 2), (-(2**63), 0), (2**63 - 1, 1)]),
        ("BOOL", [(True, False), (False, False), (True, True)]),
        ("STRING", [("a", "ü"), ("", "b"), ("\U0001f377", "c")]),
    ],
)
def test_many_rows_reach_the_model_as_each_of_them_does_alone(
    element_type: str, rows: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    wanted = getattr(TensorProto, element_type)
    first = helper.make_node("Gather", ["row", "place"], ["label"], axis=1)
    graph = helper.make_graph(
        [first, helper.make_node("Identity", ["label"], ["out"])],
        "first column",
        [helper.make_tensor_value_info("row", wanted, [None, 2])],
        [helper.make_tensor_value_info("out", wanted, [None, 1])],
        [helper.make_tensor("place", TensorProto.INT64, [1], [0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "m").write_bytes(model.SerializeToString())
    kind = "Categorical" if element_type == "STRING" else "Numerical"
    loaded = Model(tmp_path / "m", [Feature(name="a", type=kind), Feature(name="b", type=kind)], None)
    together = loaded.predict(rows)
    assert together == [loaded.predict([row])[0] for row in rows]
    if element_type in ("FLOAT", "DOUBLE"):
        assert [row.value for row in together] == pytest.approx([row[0] for row in rows])
    else:
        assert [row.label for row in together] == [str(row[0]) for row in rows]


def test_values_of_half_precision_are_answered(tmp_path: Path) -> None:
    path = _row_function(tmp_path / "m", [("Cast", {"to": TensorProto.FLOAT16})], TensorProto.FLOAT16)
    model = Model(path, THREE[:1], None)
    assert [row.value for row in model.predict([(0.5,), (1.25,)])] == [0.5, 1.25]
    assert interface_of(model, max_rows=1).outputs[0].description.datatype == "FP32"


@pytest.mark.parametrize("element_type", ["FLOAT16", "UINT64", "BFLOAT16"])
def test_an_input_of_another_type_is_refused_with_the_types_that_are_taken(tmp_path: Path, element_type: str) -> None:
    wanted = getattr(TensorProto, element_type)
    path = _row_function(tmp_path / "m", [("Cast", {"to": TensorProto.FLOAT})], TensorProto.FLOAT, wanted)
    with pytest.raises(
        ModelError, match=r"only tensors of float32, float64, int8, .*, uint32, bool, string can be served"
    ):
        Model(path, THREE[:1], None)


def test_a_model_that_answers_several_rows_with_one_value_is_refused(tmp_path: Path) -> None:
    path = _row_function(tmp_path / "m", [("ReduceSum", {"keepdims": 1})], TensorProto.FLOAT)
    with pytest.raises(ModelError, match="fails on an example row that is sent 2 times: the model gave 1 values for 2"):
        Model(path, THREE[:1], None)


def _row_function(
    path: Path, nodes: list[tuple[str, dict[str, Any]]], output: int, taken: int = TensorProto.FLOAT
) -> Path:
    """A model of one column and these operators, the one after the other."""
    names = ["a", *(f"value_{place}" for place in range(len(nodes)))]
    graph = helper.make_graph(
        [
            helper.make_node(operator, [names[place]], [names[place + 1]], **attributes)
            for place, (operator, attributes) in enumerate(nodes)
        ],
        "function",
        [helper.make_tensor_value_info("a", taken, [None, 1])],
        [helper.make_tensor_value_info(names[-1], output, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_the_digest_is_that_of_the_file(models: Any) -> None:
    import hashlib

    assert Model(models.matrix, THREE, None).sha256 == hashlib.sha256(models.matrix.read_bytes()).hexdigest()


@pytest.mark.parametrize("content", [b"", b"no model", b"\x00" * 100])
def test_a_broken_file_is_one_clear_sentence(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be loaded as an ONNX model") as caught:
        Model(tmp_path / "model.onnx", None, None)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx does not exist"):
        Model(tmp_path / "absent.onnx", None, None)


def test_features_that_do_not_fit_are_named(models: Any) -> None:
    with pytest.raises(ModelError, match="names 2 features, but the model's input 'X' has 3 columns"):
        Model(models.matrix, THREE[:2], None)


def test_onnxruntime_is_known_to_one_module_only() -> None:
    import driftmonitor_inference

    folder = Path(driftmonitor_inference.__file__).parent
    assert [path.name for path in folder.glob("*.py") if "import onnxruntime" in path.read_text()] == ["session.py"]
