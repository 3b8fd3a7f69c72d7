"""A BentoML service as its documentation writes one, with each row and its prediction given to `bentoml.monitor`."""

import os
from typing import Any

import bentoml
import numpy
import onnxruntime
from pydantic import BaseModel, create_model

FEATURES = os.environ["FEATURES"].split(",")
FIELDS: dict[str, Any] = dict.fromkeys(FEATURES, (float, ...))
Row: Any = create_model("Row", **FIELDS)


class Prediction(BaseModel):
    """Of one row."""

    label: str
    score: float


@bentoml.service
class Classifier:
    """The service."""

    def __init__(self) -> None:
        """Load the model."""
        self.session = onnxruntime.InferenceSession(os.environ["MODEL_FILE"])

    @bentoml.api  # type: ignore[untyped-decorator]  # BentoML lives in an environment of its own
    def predict(self, instances: list[Row]) -> list[Prediction]:
        """Predict the rows."""
        rows = [[getattr(row, name) for name in FEATURES] for row in instances]
        labels, scores = self.session.run(None, {"input": numpy.array(rows, dtype=numpy.float32)})
        predictions = [
            Prediction(label=label, score=float(max(row))) for label, row in zip(labels, scores, strict=True)
        ]
        # `log_batch` would warn of each value after the first as of a duplicate.
        for row, prediction in zip(rows, predictions, strict=True):
            with bentoml.monitor("classifier") as monitor:
                for name, value in zip(FEATURES, row, strict=True):
                    monitor.log(value, name=name, role="feature", data_type="numerical")
                monitor.log(prediction.label, name="label", role="prediction", data_type="categorical")
        return predictions
