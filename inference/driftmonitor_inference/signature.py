"""Pure: what a model takes and gives, as inputs.py and outputs.py decide it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_inference.onnxfile import Labels

ElementType = Literal[
    "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bool", "string"
]
INTEGER_RANGE: dict[ElementType, tuple[int, int]] = {
    "int8": (-(1 << 7), (1 << 7) - 1),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint8": (0, (1 << 8) - 1),
    "uint16": (0, (1 << 16) - 1),
    "uint32": (0, (1 << 32) - 1),
}
"""The smallest and the largest integer of each type."""


class ModelError(Exception):
    """The model cannot be served, or does not fit `spec.model`; the message says what to change."""


@dataclass(frozen=True)
class Tensor:
    """An input or output as onnxruntime describes it; a free dimension is None."""

    name: str
    type: str
    shape: tuple[int | None, ...]

    @property
    def width(self) -> int | None:
        """Number of columns; None where it is free."""
        return self.shape[1] if len(self.shape) > 1 else 1


@dataclass(frozen=True)
class Column:
    """One feature: its name in requests and records, and the tensor that takes it."""

    name: str
    type: FeatureType
    element_type: ElementType
    input: str
    rank: int
    """Of the input: 1 for [N], 2 for [N,1]."""


@dataclass(frozen=True)
class Inputs:
    """What the model takes."""

    columns: tuple[Column, ...]
    matrix: str | None
    """Name of the one input tensor that takes all columns; None where each column has its own."""


OutputKind = Literal["zipmap", "scores", "labels", "values"]


@dataclass(frozen=True)
class Outputs:
    """What the model gives."""

    kind: OutputKind
    tensors: tuple[Tensor, ...]
    """Outputs to ask for: label and scores, only scores, only labels, or values."""
    labels: Labels | None
    """The model's own labels in the order of its scores; None where it does not tell them."""
    classes: tuple[str, ...] | None
    """Their names in answers and records; None for a regressor, or a model that gives nothing but labels."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs to ask for."""
        return tuple(tensor.name for tensor in self.tensors)


def listed(names: Sequence[str]) -> str:
    """Names for a message, at most 20 of them."""
    shown = ", ".join(repr(name) for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
