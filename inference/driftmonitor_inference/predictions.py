"""What the model says of a row, in the form that every protocol answers from."""

import msgspec


class Outlier(msgspec.Struct, frozen=True, gc=False):
    """What the outlier model says of a row."""

    flag: bool
    score: float


class RowPrediction(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Label and scores by class of a classifier, or the value of a regressor. It encodes to its JSON in an answer:
    what the model does not give is left out."""

    label: str | None = None
    score: float | None = None
    scores: dict[str, float] | None = None
    value: float | None = None
    outlier: Outlier | None = None
