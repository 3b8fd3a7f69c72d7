"""The model: fits an ONNX file to `spec.model`, and predicts rows."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import numpy.typing
from msgspec.structs import force_setattr

from driftmonitor_api.modelinputs import inputs_of
from driftmonitor_api.v1alpha1 import Feature
from driftmonitor_inference.detector import DetectorError, OutlierDetector
from driftmonitor_inference.examples import Row, Value, guesses
from driftmonitor_inference.onnxfile import Hints
from driftmonitor_inference.outputs import outputs_of
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.session import OnnxSession, RunError, feed
from driftmonitor_inference.signature import Column, Inputs, ModelError, Outputs

Array = numpy.typing.NDArray[Any]

_REFUSING_OPERATORS = ("OneHotEncoder", "Cast")  # a category that is not known, a string that is no number
_WARM_UP_ROWS = (1, 1, 1, 2, 100)  # requests of so many rows; the first of a size is up to 10 times as slow
_FEW = 8  # up to so many numbers Python is faster than numpy


class PredictionError(Exception):
    """The model gave no answer for a row, though every value has its type."""

    def __init__(self, message: str, row: int, *, cause: Literal["row", "model"], operator: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.cause = cause
        self.operator = operator
        """The operator of the model that failed, where it is known."""


class Model:
    """One loaded model, with its outlier detector where it has one."""

    def __init__(
        self,
        path: Path,
        features: Sequence[Feature] | None,
        classes: Sequence[str] | None,
        *,
        outlier_path: Path | None = None,
        outlier_threshold: float | None = None,
    ) -> None:
        """Load, self-test and warm up; ModelError says what is wrong with the files or with `spec.model`."""
        self._session = OnnxSession(path)
        self.sha256 = self._session.sha256
        self.inputs: Inputs = inputs_of(self._session.inputs, features)
        self.outputs: Outputs = outputs_of(self._session.outputs, classes, self._session.hints)
        self._class_of_label = _class_of_label(self.outputs)
        self._detector: OutlierDetector | None = None
        self.example, self.example_works = self._self_test(self._session.hints)
        """A row that the model takes, in the order of the columns; and whether it answered it."""
        if outlier_path is not None:
            self._detector = OutlierDetector(outlier_path, self.columns, outlier_threshold)
            self.example_works = self.example_works and self._detector_self_test(self._detector)
        if self.example_works:
            self._warm_up()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The features in the model's order."""
        return self.inputs.columns

    @property
    def finds_outliers(self) -> bool:
        """Whether each prediction says if its row is an outlier."""
        return self._detector is not None

    def predict(self, rows: Sequence[Sequence[Value]]) -> list[RowPrediction]:
        """Predict rows of values in the order of the columns; PredictionError where the model gives no answer."""
        try:
            outputs = self._run(rows)
        except RunError as error:
            row = _first_refused(self._run, rows)
            message = f"the model refuses row {row}: {error}"
            raise PredictionError(message, row, cause="row", operator=error.operator) from error
        predictions = self._predictions(outputs, len(rows))
        if self._detector is not None:
            self._add_outliers(self._detector, rows, predictions)
        return predictions

    def _run(self, rows: Sequence[Sequence[Value]]) -> list[Any]:
        return self._session.run(self.outputs.names, feed(self.inputs.columns, self.inputs.matrix, rows))

    def _predictions(self, outputs: list[Any], count: int) -> list[RowPrediction]:
        match self.outputs.kind:
            case "values":
                return _values(outputs[0], count)
            case "labels":
                return [RowPrediction(label=str(label)) for label in outputs[0].reshape(-1).tolist()]
            case "zipmap":
                labels = self.outputs.labels or ()
                scores = numpy.array([[row[label] for label in labels] for row in outputs[1]])
            case "scores":
                scores = outputs[-1]
        return self._classified(outputs[0].reshape(-1).tolist() if len(outputs) > 1 else None, scores, count)

    def _classified(self, labels: list[Any] | None, scores: Array, count: int) -> list[RowPrediction]:
        classes = self.outputs.classes or ()
        if labels is None and len(classes) == 2 and scores.size == count:
            scores = _of_both(scores.reshape(-1), classes[1])
        if scores.shape != (count, len(classes)):
            raise PredictionError(
                f"the model gave scores of shape {list(scores.shape)} for {count} rows of {len(classes)} classes",
                0,
                cause="model",
            )
        _check_finite(scores)
        rows = scores.tolist()
        class_of_label = self._class_of_label
        if labels is not None and class_of_label.keys() >= set(labels):
            named = [class_of_label[label] for label in labels]
        else:  # the model gives no labels, or does not tell which are which
            named = [classes[row.index(max(row))] for row in rows]
        return [
            RowPrediction(label, scores[label], scores)
            for label, scores in zip(named, _by_class(classes, rows), strict=True)
        ]

    def _add_outliers(
        self, detector: OutlierDetector, rows: Sequence[Sequence[Value]], predictions: list[RowPrediction]
    ) -> None:
        try:
            found = detector.outliers(rows)
        except RunError as error:
            row = _first_refused(detector.outliers, rows)
            message = f"the outlier detector refuses row {row}: {error}"
            raise PredictionError(message, row, cause="row", operator=error.operator) from error
        except DetectorError as error:
            cause: Literal["row", "model"] = "model" if error.row is None else "row"
            raise PredictionError(f"the outlier detector fails: {error}", error.row or 0, cause=cause) from error
        for prediction, outlier in zip(predictions, found, strict=True):
            force_setattr(prediction, "outlier", outlier)  # nobody else has it yet

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

    def _detector_self_test(self, detector: OutlierDetector) -> bool:
        """Whether it answers the model's example row, where it need not know the values."""
        try:
            detector.check(self.example)
        except RunError as error:
            if error.operator not in _REFUSING_OPERATORS:
                raise ModelError(f"the outlier detector fails on an example row: {error}") from error
            return False
        except DetectorError as error:
            raise ModelError(f"the outlier detector fails on an example row: {error}") from error
        return True

    def _warm_up(self) -> None:
        """Predict the example row as requests will have it predicted, before the first of them comes."""
        for count in _WARM_UP_ROWS:
            try:
                self.predict([self.example] * count)
            except PredictionError as error:
                raise ModelError(f"the model fails on an example row that is sent {count} times: {error}") from error


def _refuses_values(error: PredictionError) -> bool:
    """Whether it is the values that the model refuses, rather than that it cannot predict any row."""
    return error.cause == "row" and error.operator in _REFUSING_OPERATORS


def _first_refused(run: Callable[[Sequence[Sequence[Value]]], object], rows: Sequence[Sequence[Value]]) -> int:
    """Halve the rows until the first that is refused is found."""
    low, high = 0, len(rows)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            run(rows[low:middle])
        except (RunError, DetectorError):
            high = middle
        else:
            low = middle
    return low


def _class_of_label(outputs: Outputs) -> dict[int | str, str]:
    """From the model's label to the class name. Where the model does not tell its labels, its strings are the names."""
    if outputs.classes is None:
        return {}
    return dict(zip(outputs.labels or outputs.classes, outputs.classes, strict=True))


def _by_class(classes: Sequence[str], rows: list[list[float]]) -> list[dict[str, float]]:
    """The scores of each row by class, which is a third of what answering many rows costs."""
    if len(classes) == 2:
        first, second = classes
        return [{first: one, second: other} for one, other in rows]
    return [dict(zip(classes, row)) for row in rows]  # noqa: B905 - the shape was checked; strict takes half as long again


def _values(values: Array, count: int) -> list[RowPrediction]:
    if values.size != count:
        raise PredictionError(f"the model gave {values.size} values for {count} rows", 0, cause="model")
    flat = values.reshape(-1)
    _check_finite(flat)
    return [RowPrediction(value=value) for value in flat.tolist()]


def _of_both(probabilities: Array, second: str) -> Array:
    """Scores of both classes, where a model gives the probability of the second class alone."""
    for row, value in enumerate(probabilities.tolist()):
        if not 0 <= value <= 1:
            raise PredictionError(
                f"the model's answer for row {row} is {value}, and no probability of the class {second!r}",
                row,
                cause="model",
            )
    return numpy.stack((1 - probabilities, probabilities), axis=1)


def _check_finite(numbers: Array) -> None:
    if numbers.size <= _FEW and all(map(math.isfinite, numbers.reshape(-1).tolist())):
        return
    finite = numpy.isfinite(numbers)
    if not finite.all():
        row = int(numpy.argwhere(~finite)[0][0])
        # Other rows have an answer, the example row among them: it is what this row holds that leads to none.
        raise PredictionError(f"the model's answer for row {row} is not a finite number", row, cause="row")
