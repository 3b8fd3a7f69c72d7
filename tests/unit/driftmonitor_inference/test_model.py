from pathlib import Path
from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import Feature
from driftmonitor_inference.model import Model, PredictionError
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


def test_an_answer_that_is_no_finite_number_is_an_error_of_the_model(models: Any) -> None:
    with pytest.raises(PredictionError, match="answer for row 1 is not a finite number") as caught:
        Model(models.regressor, THREE, None).predict([(1.0, 1.0, 1.0), (3e38, 3e38, 3e38)])
    assert (caught.value.row, caught.value.cause) == (1, "model")


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
    assert [path.name for path in folder.glob("*.py") if "import onnxruntime" in path.read_text()] == ["model.py"]
