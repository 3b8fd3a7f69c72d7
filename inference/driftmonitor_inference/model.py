"""The ONNX model: loads it, fits it to `spec.model`, and predicts rows. The only module that knows onnxruntime."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import numpy.typing
import onnxruntime

from driftmonitor_api.v1alpha1 import Feature
from driftmonitor_inference.examples import Row, Value, guesses
from driftmonitor_inference.inputs import inputs_of
from driftmonitor_inference.onnxfile import Hints, read_hints
from driftmonitor_inference.outputs import outputs_of
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.signature import Column, Inputs, ModelError, Outputs, Tensor

Array = numpy.typing.NDArray[Any]

_DTYPES: dict[str, Any] = {
    "float32": numpy.float32,
    "float64": numpy.float64,
    "int32": numpy.int32,
    "int64": numpy.int64,
    "bool": numpy.bool_,
    "string": numpy.object_,
}
_FAILING_OPERATOR = re.compile(r"while running (?P<name>\w+) node")
_REFUSING_OPERATORS = ("OneHotEncoder", "Cast")  # a category that is not known, a string that is no number
_SILENT = 4  # onnxruntime's severity "fatal": it writes to stderr on its own what it also raises


class PredictionError(Exception):
    """The model gave no answer for a row, though every value has its type."""

    def __init__(self, message: str, row: int, *, cause: Literal["row", "model"]) -> None:
        super().__init__(message)
        self.row = row
        self.cause = cause


class Model:
    """One loaded model."""

    def __init__(self, path: Path, features: Sequence[Feature] | None, classes: Sequence[str] | None) -> None:
        """Load and self-test; ModelError says what is wrong with the file or with `spec.model`."""
        self._session, hints = _session(path), _hints(path)
        self.sha256 = _digest(path)
        self.inputs: Inputs = inputs_of([_tensor(item) for item in self._session.get_inputs()], features)
        self.outputs: Outputs = outputs_of([_tensor(item) for item in self._session.get_outputs()], classes, hints)
        self._class_of_label = _class_of_label(self.outputs)
        self.example, self.example_works = self._self_test(hints)
        """A row that the model takes, in the order of the columns; and whether it answered it."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The features in the model's order."""
        return self.inputs.columns

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[RowPrediction]:
        """Predict rows of values in the order of the columns; PredictionError where the model gives no answer."""
        try:
            outputs = self._session.run(self.outputs.names, self._feed(rows))
        except Exception as error:  # onnxruntime raises a dozen types that share no other base
            row = self._first_refused(rows)
            raise PredictionError(f"the model refuses row {row}: {_reason(error)}", row, cause="row") from error
        match self.outputs.kind:
            case "values":
                return self._values(outputs[0], len(rows))
            case "labels":
                return [RowPrediction(label=str(label)) for label in outputs[0].reshape(-1).tolist()]
            case "zipmap":
                labels = self.outputs.labels or ()
                scores = numpy.array([[row[label] for label in labels] for row in outputs[1]])
            case "scores":
                scores = outputs[-1]
        return self._classified(outputs[0].reshape(-1).tolist() if len(outputs) > 1 else None, scores, len(rows))

    def _feed(self, rows: Sequence[Sequence[Value]]) -> dict[str, Array]:
        columns = self.columns
        if self.inputs.matrix is not None:
            return {self.inputs.matrix: numpy.array(rows, _DTYPES[columns[0].element_type])}
        feed = {}
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            array = numpy.array(values, _DTYPES[column.element_type])
            feed[column.input] = array.reshape(-1, 1) if column.rank == 2 else array
        return feed

    def _values(self, values: Array, count: int) -> list[RowPrediction]:
        if values.size != count:
            raise PredictionError(f"the model gave {values.size} values for {count} rows", 0, cause="model")
        flat = values.reshape(-1)
        _check_finite(flat)
        return [RowPrediction(value=value) for value in flat.tolist()]

    def _classified(self, labels: list[Any] | None, scores: Array, count: int) -> list[RowPrediction]:
        classes = self.outputs.classes or ()
        if scores.shape != (count, len(classes)):
            raise PredictionError(
                f"the model gave scores of shape {list(scores.shape)} for {count} rows of {len(classes)} classes",
                0,
                cause="model",
            )
        _check_finite(scores)
        best = scores.argmax(axis=1).tolist()
        predictions = []
        for place, row in enumerate(scores.tolist()):
            name = self._class_of_label.get(labels[place]) if labels is not None else None
            by_class = dict(zip(classes, row, strict=True))
            label = classes[best[place]] if name is None else name
            predictions.append(RowPrediction(label=label, score=by_class[label], scores=by_class))
        return predictions

    def _first_refused(self, rows: Sequence[Sequence[Value]]) -> int:
        """Halve the rows until the first that the model refuses is found."""
        low, high = 0, len(rows)
        while high - low > 1:
            middle = (low + high) // 2
            try:
                self._session.run(self.outputs.names, self._feed(rows[low:middle]))
            except Exception:  # see predict
                high = middle
            else:
                low = middle
        return low

    def _self_test(self, hints: Hints) -> tuple[Row, bool]:
        """Predict an example row, so that a model that cannot predict is never served. Where an operator refused the
        value of every row that can be guessed, the model's first request must prove it."""
        problem: PredictionError | None = None
        rows = list(guesses(self.columns, hints))
        for row in rows:
            try:
                self.predict([row])
            except PredictionError as error:
                if problem is None or _refuses_values(problem):
                    problem = error
            else:
                return row, True
        if problem is not None and not _refuses_values(problem):
            raise ModelError(f"the model fails on an example row: {problem}") from problem
        return rows[0], False


def _refuses_values(error: PredictionError) -> bool:
    """Whether it is the values that the model refuses, rather than that it cannot predict any row."""
    operator = _FAILING_OPERATOR.search(str(error.__cause__))
    return error.cause == "row" and operator is not None and operator["name"] in _REFUSING_OPERATORS


def _session(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise ModelError(f"the model file {path} does not exist")
    onnxruntime.set_default_logger_severity(_SILENT)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a row's work is too small to share; more threads cost 1.7 to 2.3 x the CPU
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen types that share no other base
        raise ModelError(f"{path} cannot be loaded as an ONNX model: {_reason(error)}") from error


def _hints(path: Path) -> Hints:
    try:
        return read_hints(path)
    except OSError as error:
        raise ModelError(f"the model file {path} cannot be read: {error.strerror}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tensor(item: Any) -> Tensor:
    return Tensor(item.name, item.type, tuple(size if isinstance(size, int) else None for size in item.shape))


def _class_of_label(outputs: Outputs) -> dict[int | str, str]:
    """From the model's label to the class name. Where the model does not tell its labels, its strings are the names."""
    if outputs.classes is None:
        return {}
    return dict(zip(outputs.labels or outputs.classes, outputs.classes, strict=True))


def _check_finite(numbers: Array) -> None:
    finite = numpy.isfinite(numbers)
    if not finite.all():
        row = int(numpy.argwhere(~finite)[0][0])
        raise PredictionError(f"the model's answer for row {row} is not a finite number", row, cause="model")


def _reason(error: Exception) -> str:
    """onnxruntime's message without its codes and node names, on one line."""
    text = " ".join(str(error).split())
    for mark in ("Status Message: ", "] : "):
        text = text.rsplit(mark, 1)[-1]
    return text[:300]
