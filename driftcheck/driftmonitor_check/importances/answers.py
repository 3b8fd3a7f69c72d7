"""Pure: what a model has answered -> numbers, and how far two answers are apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from driftmonitor_api.modelinputs import ModelError, Tensor

_FLOATS = ("tensor(float)", "tensor(double)", "tensor(float16)")


@dataclass(frozen=True)
class Output:
    """The output to look at."""

    name: str
    kind: Literal["maps", "numbers", "labels"]


def output_of(tensors: Sequence[Tensor]) -> Output:
    """The scores or the value, else the labels; ModelError where there are several of them."""
    maps = [tensor for tensor in tensors if tensor.type.startswith("seq(map(")]
    numbers = [tensor for tensor in tensors if tensor.type in _FLOATS]
    labels = [tensor for tensor in tensors if tensor not in maps and tensor not in numbers]
    if len(maps) == 1 and not numbers:
        return Output(maps[0].name, "maps")
    if len(numbers) == 1 and not maps:
        return Output(numbers[0].name, "numbers")
    if len(labels) == 1 and not maps and not numbers:
        return Output(labels[0].name, "labels")
    names = ", ".join(f"{tensor.name} {tensor.type}" for tensor in tensors)
    raise ModelError(f"the model's outputs ({names}) are neither one of scores or values nor one of labels")


def answers(output: Output, raw: Any, rows: int) -> NDArray[Any]:
    """The scores of each row in a row of a matrix, a column for a value, or the labels in one. ModelError."""
    if output.kind == "labels":
        said = np.asarray(raw).reshape(-1, 1)
    elif output.kind == "maps":
        names = sorted(raw[0])
        said = np.array([[row[name] for name in names] for row in raw], np.float64)
    else:
        said = np.asarray(raw, np.float64).reshape(rows, -1)
    if said.shape[0] != rows or said.shape[1] == 0:
        raise ModelError(f"the model gave {said.size} values for {rows} rows")
    if output.kind != "labels" and not np.isfinite(said).all():
        raise ModelError("the model's answer for some rows of the reference is not a finite number")
    return said


def change(output: Output, before: NDArray[Any], after: NDArray[Any]) -> float:
    """Mean absolute change of the value or of the score of the class predicted before; of labels the share that
    changed."""
    if output.kind == "labels":
        return float(np.mean(before != after))
    predicted = np.argmax(before, axis=1)[:, None]
    moved = np.take_along_axis(after, predicted, axis=1) - np.take_along_axis(before, predicted, axis=1)
    return float(np.abs(moved).mean())
