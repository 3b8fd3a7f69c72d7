"""Outlier detectors as skl2onnx exports them, beside a model and on their own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest

from driftmonitor_api.records import PredictionRecord
from driftmonitor_api.v1alpha1 import Feature
from driftmonitor_inference.model import Model, PredictionError
from driftmonitor_inference.signature import ModelError

THREE = [Feature(name=name, type="Numerical") for name in ("a", "b", "c")]
ORDINARY, STRANGE = (0.5, 0.5, 0.5), (9.0, -9.0, 9.0)


@dataclass
class Detectors:
    """Detectors of the data that the models are trained on, and what scikit-learn itself says of two rows."""

    forest: Path
    boundary: Path
    neighbours: Path
    categories: Path
    """Takes `distance` and `origin`, each in a tensor of its own, in the other order than the model."""
    decisions: dict[str, list[float]]


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> Detectors:
    import pandas
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import OneClassSVM

    folder = tmp_path_factory.mktemp("detectors")
    matrix = numpy.random.default_rng(7).random((200, 3)).astype(numpy.float32)
    operators = {"": 18, "ai.onnx.ml": 3}

    def save(name: str, trained: Any, **arguments: Any) -> Path:
        path = folder / f"{name}.onnx"
        path.write_bytes(to_onnx(trained, target_opset=operators, **arguments).SerializeToString())
        return path

    trained = {
        "forest": IsolationForest(n_estimators=20, random_state=1).fit(matrix),
        "boundary": OneClassSVM(nu=0.1).fit(matrix),
        "neighbours": LocalOutlierFactor(novelty=True).fit(matrix),
    }
    rows = numpy.array([ORDINARY, STRANGE], numpy.float32)
    decisions = {name: model.decision_function(rows).tolist() for name, model in trained.items()}
    paths = {name: save(name, model, X=matrix[:1]) for name, model in trained.items()}
    frame = pandas.DataFrame({"distance": matrix[:, 0], "origin": numpy.where(matrix[:, 1] > 0.5, "JFK", "LGA")})
    encoder = ColumnTransformer(
        [("n", StandardScaler(), ["distance"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["origin"])]
    )
    columns = [("origin", StringTensorType([None, 1])), ("distance", FloatTensorType([None, 1]))]
    pipeline = make_pipeline(encoder, IsolationForest(n_estimators=20, random_state=1)).fit(frame)
    return Detectors(**paths, categories=save("categories", pipeline, initial_types=columns), decisions=decisions)


@pytest.mark.parametrize("name", ["forest", "boundary", "neighbours"])
def test_scikit_learns_detectors_flag_what_they_label_an_outlier(name: str, detectors: Detectors, models: Any) -> None:
    model = Model(models.matrix, THREE, None, outlier_path=getattr(detectors, name))
    ordinary, strange = model.predict([ORDINARY, STRANGE])
    assert ordinary.outlier is not None and strange.outlier is not None
    assert (ordinary.outlier.flag, strange.outlier.flag) == (False, True)
    expected = [-decision for decision in detectors.decisions[name]]
    assert [ordinary.outlier.score, strange.outlier.score] == pytest.approx(expected, abs=1e-4)
    assert ordinary.label == Model(models.matrix, THREE, None).predict([ORDINARY])[0].label


def test_the_threshold_moves_the_border(detectors: Detectors, models: Any) -> None:
    scores = [-decision for decision in detectors.decisions["forest"]]
    for threshold, flags in ((min(scores) - 0.01, [True, True]), (max(scores) + 0.01, [False, False])):
        model = Model(models.matrix, THREE, None, outlier_path=detectors.forest, outlier_threshold=threshold)
        found = [row.outlier for row in model.predict([ORDINARY, STRANGE])]
        assert [outlier.flag for outlier in found if outlier is not None] == flags


def test_columns_go_to_the_detector_by_name(detectors: Detectors, models: Any) -> None:
    model = Model(models.columns, None, None, outlier_path=detectors.categories)
    ordinary, strange = model.predict([(0.5, "JFK"), (1000.0, "Mars")])
    assert ordinary.outlier is not None and strange.outlier is not None
    assert (ordinary.outlier.flag, strange.outlier.flag) == (False, True)
    assert model.finds_outliers and not Model(models.columns, None, None).finds_outliers


def test_a_regressor_serves_as_a_detector_of_one_number(models: Any) -> None:
    model = Model(models.matrix, THREE, None, outlier_path=models.regressor, outlier_threshold=2.0)
    flags = [row.outlier.flag for row in model.predict([(0.1, 0.1, 0.1), (1.0, 1.0, 1.0)]) if row.outlier is not None]
    assert flags == [False, True]


def test_without_a_detector_nothing_is_said_of_outliers(models: Any) -> None:
    assert Model(models.matrix, THREE, None).predict([ORDINARY])[0].outlier is None


@pytest.mark.parametrize(
    ("detector", "threshold", "complaint"),
    [
        (lambda models, _: models.matrix, None, "'probabilities' has 2 columns"),
        (lambda models, _: models.columns, None, "the outlier detector: it takes 2 features and the model 3"),
        (lambda models, _: models.regressor, None, "set spec.model.outlierDetector.threshold"),
        (lambda _, folder: folder / "absent", 1.0, "does not exist"),
        (lambda _, folder: _written(folder / "text", b"text"), 1.0, "cannot be loaded as an ONNX model"),
        (lambda _, folder: _labelled(folder / "m"), None, r"example row: its label 'label' is \[0\], where"),
        (lambda _, folder: _summing(folder / "m"), 1.0, "sent 2 times.*it gave 1 scores for 2 rows"),
    ],
)
def test_a_detector_that_cannot_serve_is_refused_at_the_start(
    detector: Callable[[Any, Path], Path], threshold: float | None, complaint: str, models: Any, tmp_path: Path
) -> None:
    path = detector(models, tmp_path)
    with pytest.raises(ModelError, match=complaint) as caught:
        Model(models.zipmap, THREE, None, outlier_path=path, outlier_threshold=threshold)
    assert "outlier detector" in str(caught.value)


def test_a_score_that_is_no_finite_number_names_the_row(models: Any) -> None:
    model = Model(models.matrix, THREE, None, outlier_path=models.regressor, outlier_threshold=1.0)
    with pytest.raises(PredictionError, match="the outlier detector fails: its score for row 1 is not") as caught:
        model.predict([ORDINARY, (3e38, 3e38, 3e38)])
    assert (caught.value.row, caught.value.cause) == (1, "row")


def test_answers_records_and_metrics_say_which_rows_are_outliers(
    detectors: Detectors, start_server: Callable[..., Any]
) -> None:
    server = start_server(OUTLIER_MODEL_FILE=str(detectors.categories))
    server.wait_ready()
    rows = [{"distance": 0.5, "origin": "JFK"}, {"distance": 1000.0, "origin": "Mars"}]
    answer = server.http.post("/predict", json={"instances": rows}).json()
    outliers = [row["outlier"] for row in answer["predictions"]]
    assert [outlier["flag"] for outlier in outliers] == [False, True]
    assert outliers[0]["score"] < 0 < outliers[1]["score"]
    assert [record["outlier"] for record in server.records()] == outliers
    assert [PredictionRecord.model_validate(record).outlier is not None for record in server.records()] == [True, True]
    metrics = server.http.get("/metrics").text
    assert 'model_outliers_total{model="flights",model_version="3"} 1.0' in metrics
    assert server.terminate()[0] == 0


def test_a_server_with_a_detector_of_other_features_ends_with_a_sentence(
    models: Any, environment: dict[str, str], tmp_path: Path, run_to_end: Callable[..., tuple[int, str, str]]
) -> None:
    (tmp_path / "termination").touch()
    status, _, errors = run_to_end("serve", environment | {"OUTLIER_MODEL_FILE": str(models.matrix)})
    sentence = (tmp_path / "termination").read_text()
    assert status == 1
    assert "the outlier detector: it takes 3 features and the model 2" in sentence
    assert sentence in errors


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _graph(path: Path, nodes: list[Any], outputs: list[Any]) -> Path:
    from onnx import TensorProto, helper

    row = helper.make_tensor_value_info("row", TensorProto.FLOAT, [None, 3])
    graph = helper.make_graph(nodes, "detector", [row], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return _written(path, model.SerializeToString())


def _labelled(path: Path) -> Path:
    """Label 0 for a row of zeros, and a score."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("ReduceSum", ["row"], ["scores"], keepdims=1, noop_with_empty_axes=0),
        helper.make_node("Cast", ["scores"], ["label"], to=TensorProto.INT64),
    ]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None, 1]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1]),
    ]
    return _graph(path, nodes, outputs)


def _summing(path: Path) -> Path:
    """One number for all rows together."""
    from onnx import TensorProto, helper

    node = helper.make_node("ReduceSum", ["row"], ["score"], keepdims=1)
    return _graph(path, [node], [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])])
