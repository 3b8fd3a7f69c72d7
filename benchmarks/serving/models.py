"""The models that are served, and rows for them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import numpy.typing

FEATURES = tuple(f"feature_{number:02}" for number in range(20))
SEED = 7
INPUT = "input"
MIB = 1 << 20

Matrix = numpy.typing.NDArray[numpy.float32]


@dataclass(frozen=True)
class ServedModel:
    """An ONNX file with the inputs FEATURES, and what its rows must be answered."""

    name: str
    file: Path
    rows: Matrix
    labels: list[str]
    """scikit-learn's own prediction of each row."""
    scores: list[float]
    """The probability of that label."""

    def write_config(self, folder: Path, **more: Any) -> Path:
        """The configuration file of our server for it."""
        config: dict[str, Any] = {"monitor": f"default/{self.name}", "modelName": self.name, "modelVersion": "1"}
        config["features"] = [{"name": name, "type": "Numerical"} for name in FEATURES]
        file = folder / f"{self.name}-{'-'.join(more) or 'plain'}.json"
        file.write_text(json.dumps(config | more))
        return file


def _data(rows: int) -> tuple[Matrix, list[str]]:
    random = numpy.random.default_rng(SEED)
    matrix = random.normal(size=(rows, len(FEATURES))).astype(numpy.float32).round(3)
    score = matrix[:, :5].sum(axis=1) + matrix[:, 5] * matrix[:, 6] + random.normal(size=rows)
    return matrix, ["late" if value > 0 else "on time" for value in score]


def _export(name: str, trained: Any, folder: Path) -> ServedModel:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    types = [(INPUT, FloatTensorType([None, len(FEATURES)]))]
    file = folder / f"{name}.onnx"
    file.write_bytes(to_onnx(trained, initial_types=types, options={"zipmap": False}).SerializeToString())
    rows, _ = _data(6400)
    scores = trained.predict_proba(rows)
    labels = [str(trained.classes_[place]) for place in scores.argmax(axis=1)]
    return ServedModel(name, file, rows, labels, [float(value) for value in scores.max(axis=1)])


def small(folder: Path) -> ServedModel:
    """The classifier that most figures are about: 100 trees of depth 3."""
    from sklearn.ensemble import GradientBoostingClassifier

    return _export("classifier", GradientBoostingClassifier(random_state=SEED).fit(*_data(3000)), folder)


def many_trees(folder: Path) -> ServedModel:
    """500 trees of depth 10."""
    from sklearn.ensemble import GradientBoostingClassifier

    trees = GradientBoostingClassifier(n_estimators=500, max_depth=10, max_features=4, subsample=0.5, random_state=SEED)
    return _export("trees", trees.fit(*_data(3000)), folder)


def wide_network(folder: Path) -> ServedModel:
    """A network with two layers of 2,048 neurons, trained for one pass: its speed is what counts."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier((2048, 2048), max_iter=1, random_state=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        network.fit(*_data(1000))
    return _export("network", network, folder)
