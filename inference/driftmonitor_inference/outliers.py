"""Pure: what an outlier detector takes and gives, and which rows it flags."""

from collections.abc import Sequence
from dataclasses import dataclass

from driftmonitor_api.modelinputs import inputs_of
from driftmonitor_api.v1alpha1 import Feature
from driftmonitor_inference.predictions import Outlier
from driftmonitor_inference.signature import INTEGER_RANGE, Column, ElementType, Inputs, ModelError, Tensor, listed

_LABELS = tuple(f"tensor({element_type})" for element_type in INTEGER_RANGE)
_SCORES = ("tensor(float)", "tensor(double)", "tensor(float16)")
_BORDER = 0.0
"""Of a detector of label and scores: scikit-learn's labels change where the score does its sign."""


_WHOLE: dict[ElementType, tuple[int, int]] = {"bool": (0, 1), **INTEGER_RANGE}
_NUMBERS: tuple[ElementType, ...] = (*_WHOLE, "float32", "float64")
_TAKES: dict[ElementType, tuple[ElementType, ...]] = {
    "string": ("string",),
    **{
        taker: tuple(given for given, (low, high) in _WHOLE.items() if smallest <= low and high <= largest)
        for taker, (smallest, largest) in _WHOLE.items()
    },
    "float32": _NUMBERS,
    "float64": _NUMBERS,
}
"""By a detector's type, the types of the model whose values it has all of, single precision aside."""


@dataclass(frozen=True)
class DetectorOutputs:
    """What a detector gives."""

    score: str
    """The output with one number for each row."""
    label: str | None
    """The output with 1 for an ordinary row and -1 for an outlier; None where there is none."""
    threshold: float
    """A row whose score is above it is flagged."""

    @property
    def sign(self) -> int:
        """What the output is multiplied with, so that more is more unusual: scikit-learn has it the other way round."""
        return 1 if self.label is None else -1


def detector_outputs(tensors: Sequence[Tensor], threshold: float | None) -> DetectorOutputs:
    """What a detector's outputs mean; ModelError says what it must give instead."""
    labels = [tensor for tensor in tensors if tensor.type in _LABELS]
    scores = [tensor for tensor in tensors if tensor.type in _SCORES]
    if len(scores) != 1 or len(labels) > 1 or len(labels) + len(scores) != len(tensors):
        given = ", ".join(f"{tensor.name} {tensor.type}" for tensor in tensors)
        raise ModelError(f"its outputs ({given}) are neither label and scores nor one number for each row")
    if len(scores[0].shape) > 2 or scores[0].width not in (1, None):
        raise ModelError(
            f"its output {scores[0].name!r} has {scores[0].width} columns, where a detector gives one number for each"
            " row, such as the error of a reconstruction and not the reconstruction"
        )
    if labels:
        return DetectorOutputs(scores[0].name, labels[0].name, _BORDER if threshold is None else threshold)
    if threshold is None:
        raise ModelError(
            f"it gives one number for each row, {scores[0].name!r}, and no label that says which are too high; set"
            " spec.model.outlierDetector.threshold"
        )
    return DetectorOutputs(scores[0].name, None, threshold)


def detector_inputs(tensors: Sequence[Tensor], columns: Sequence[Column]) -> Inputs:
    """Match a detector's inputs with the columns of the model; ModelError where it takes others."""
    single = len(tensors) == 1 and tensors[0].width != 1
    width = tensors[0].width if single else len(tensors)
    if width not in (None, len(columns)):
        raise ModelError(
            f"it takes {width} features and the model {len(columns)}; train it on the features of the model:"
            f" {listed([column.name for column in columns])}"
        )
    inputs = inputs_of(tensors, [Feature(name=column.name, type=column.type) for column in columns])
    own = {column.name: column for column in columns}
    for column in inputs.columns:
        if own[column.name].element_type not in _TAKES[column.element_type]:
            raise ModelError(
                f"its input {column.input!r} takes {column.element_type}, and the model's feature {column.name!r} is"
                f" {own[column.name].element_type}"
            )
    return inputs


def places(inputs: Inputs, columns: Sequence[Column]) -> list[int] | None:
    """Where in a row of the model each column of the detector stands; None where all stand in their own place."""
    names = [column.name for column in columns]
    found = [names.index(column.name) for column in inputs.columns]
    return None if found == list(range(len(names))) else found


def outliers(scores: Sequence[float], outputs: DetectorOutputs) -> list[Outlier]:
    """What the detector says of each row, by the output `outputs.score`."""
    sign, threshold = outputs.sign, outputs.threshold
    # The sum turns -0.0 into 0.0.
    return [Outlier(score > threshold, score) for score in (sign * number + 0.0 for number in scores)]
