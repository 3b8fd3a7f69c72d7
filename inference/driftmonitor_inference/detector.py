"""The outlier detector: a second ONNX file, asked about the rows that the model predicts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from driftmonitor_inference.examples import Row, Value
from driftmonitor_inference.outliers import detector_inputs, detector_outputs, outliers, places
from driftmonitor_inference.predictions import Outlier
from driftmonitor_inference.session import OnnxSession, feed
from driftmonitor_inference.signature import Column, ModelError


class DetectorError(Exception):
    """The detector gave no usable score; `row` is the first row that has none where others may have one."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class OutlierDetector:
    """One loaded detector."""

    def __init__(self, path: Path, columns: Sequence[Column], threshold: float | None) -> None:
        """`columns` are those of the model. ModelError says what is wrong with the file, or does not fit."""
        try:
            self._session = OnnxSession(path)
            self._inputs = detector_inputs(self._session.inputs, columns)
            self._outputs = detector_outputs(self._session.outputs, threshold)
        except ModelError as error:
            raise ModelError(f"the outlier detector: {error}") from error
        self._places = places(self._inputs, columns)
        self.sha256 = self._session.sha256

    def check(self, row: Row) -> None:
        """Ask about a row that the model takes; DetectorError where it does not answer as a detector does; RunError."""
        self.outliers([row])
        if (name := self._outputs.label) is not None:
            label = self._run([name], [row])[0].reshape(-1).tolist()
            if label not in ([1], [-1]):
                raise DetectorError(f"its label {name!r} is {label}, where a detector says 1 or -1")

    def outliers(self, rows: Sequence[Sequence[Value]]) -> list[Outlier]:
        """One for each row of values in the order of the model's columns. DetectorError, RunError."""
        scores = self._run([self._outputs.score], rows)[0]
        if scores.size != len(rows):
            raise DetectorError(f"it gave {scores.size} scores for {len(rows)} rows")
        finite = numpy.isfinite(scores.reshape(-1))
        if not finite.all():
            row = int(finite.argmin())
            raise DetectorError(f"its score for row {row} is not a finite number", row)
        return outliers(scores.reshape(-1).tolist(), self._outputs)

    def _run(self, names: list[str], rows: Sequence[Sequence[Value]]) -> list[Any]:
        if self._places is not None:
            rows = [[row[place] for place in self._places] for row in rows]
        with numpy.errstate(over="ignore"):  # what is beyond single precision is infinite, and as such far out
            tensors = feed(self._inputs.columns, self._inputs.matrix, rows)
        return self._session.run(names, tensors)
