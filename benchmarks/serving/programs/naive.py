"""What a tutorial writes: a `def` handler, a pydantic model of the row, a session with its defaults. It logs no row."""

import os
from typing import Any

import numpy
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel, create_model

FEATURES = os.environ["FEATURES"].split(",")
FIELDS: dict[str, Any] = dict.fromkeys(FEATURES, (float, ...))
Row: Any = create_model("Row", **FIELDS)
session = onnxruntime.InferenceSession(os.environ["MODEL_FILE"])
app = FastAPI()


class Request(BaseModel):
    """The body."""

    instances: list[Row]


class Prediction(BaseModel):
    """Of one row."""

    label: str
    score: float


class Answer(BaseModel):
    """The answer."""

    predictions: list[Prediction]


@app.post("/predict")
def predict(request: Request) -> Answer:
    """Predict the rows."""
    rows = [[getattr(row, name) for name in FEATURES] for row in request.instances]
    labels, scores = session.run(None, {"input": numpy.array(rows, dtype=numpy.float32)})
    return Answer(
        predictions=[Prediction(label=label, score=float(max(row))) for label, row in zip(labels, scores, strict=True)]
    )
