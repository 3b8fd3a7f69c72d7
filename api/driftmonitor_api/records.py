"""The prediction record: one line of JSON for each row predicted, from the server over the shipper to the store."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import SpecModel
from driftmonitor_api.limits import MAX_CLASS_NAME, MAX_CLASSES

FEATURE_COLUMN_PREFIX = "feature_"
"""In the store each feature is a column of this prefix and its name."""

PREDICTION_LABEL_COLUMN = "prediction_label"
PREDICTION_SCORE_COLUMN = "prediction_score"
PREDICTION_VALUE_COLUMN = "prediction_value"
CLASS_SCORE_COLUMN_PREFIX = "prediction_score_"
"""In the store the score of each class is a column of this prefix and the class's name."""
OUTLIER_FLAG_COLUMN = "outlier_flag"
OUTLIER_SCORE_COLUMN = "outlier_score"

FeatureValue = float | str | bool | None


class RecordModel(SpecModel):
    """A part of the record: its names are snake-case on the wire, as ML logging formats have them."""

    model_config = {"alias_generator": None, "extra": "ignore"}


class Prediction(RecordModel):
    """What the model said of one row: a class with its score, or a value."""

    label: str | None = None
    """The class predicted; null for a regressor."""
    score: float | None = None
    """The probability of that class, 0 to 1; null where the model gives none."""
    scores: (
        Annotated[dict[Annotated[str, Field(max_length=MAX_CLASS_NAME)], float], Field(max_length=MAX_CLASSES)] | None
    ) = None
    """The probability of each class, where `spec.logging.scores` is `All`; null for a regressor."""
    value: float | None = None
    """The value predicted by a regressor; null for a classifier."""


class Outlier(RecordModel):
    """What the outlier detector said of one row."""

    flag: bool
    """Whether the row is unlike those that the detector was trained on: its score is above the threshold."""
    score: float
    """How unlike: the higher, the more."""


class PredictionRecord(RecordModel):
    """One row predicted."""

    request_id: Annotated[str, Field(min_length=1, max_length=256)]
    """Given by the caller's `X-Request-Id` header, else made by the server."""
    row: Annotated[int, Field(ge=0)]
    """The row's place in its request, from 0."""
    timestamp: datetime
    """When the row was predicted, UTC."""
    monitor: str
    """`namespace/name` of the DriftMonitor."""
    model: str
    """The model's name."""
    model_version: str
    """`spec.model.version` when the row was predicted."""
    writer: Annotated[str, Field(min_length=1, max_length=256)]
    """The one process start that wrote the line: `pod-uid/worker/start`."""
    seq: Annotated[int, Field(ge=1)]
    """1, 2, 3, ... without gaps for each writer: what makes loss and duplicates countable."""
    features: dict[str, FeatureValue]
    """The row as it was sent, by feature name."""
    prediction: Prediction
    """The answer."""
    latency_ms: Annotated[float, Field(ge=0)] = 0.0
    """Time from the decoded request to its predictions, milliseconds, the same for each row of a request."""
    trace_id: str | None = None
    """The trace id of the caller's W3C `traceparent` header."""
    outlier: Outlier | None = None
    """None where the monitor has no outlier detector."""
