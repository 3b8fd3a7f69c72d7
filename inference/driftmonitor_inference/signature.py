"""Pure: what a model takes, as the contracts decide it, and what it gives, as outputs.py does."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from driftmonitor_api.modelinputs import INTEGER_RANGE, Column, ElementType, Inputs, ModelError, Tensor, listed
from driftmonitor_inference.onnxfile import Labels

__all__ = [
    "INTEGER_RANGE",
    "Column",
    "ElementType",
    "Inputs",
    "ModelError",
    "OutputKind",
    "Outputs",
    "Tensor",
    "listed",
]

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
