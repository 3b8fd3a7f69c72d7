"""Small ONNX models whose importances are known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def linear(path: Path, weights: Sequence[float]) -> Path:
    """One float input of a column for each weight; the value is their weighted sum."""
    from onnx import TensorProto, helper, numpy_helper

    matrix = np.array(weights, np.float32).reshape(-1, 1)
    return saved(
        path,
        [helper.make_node("MatMul", ["rows", "weights"], ["value"])],
        {"rows": (TensorProto.FLOAT, len(weights))},
        {"value": (TensorProto.FLOAT, 1)},
        [numpy_helper.from_array(matrix, "weights")],
    )


def saved(
    path: Path,
    nodes: Sequence[Any],
    inputs: Mapping[str, tuple[int, int | None]],
    outputs: Mapping[str, tuple[int, int | None]],
    constants: Sequence[Any] = (),
) -> Path:
    """The file of a graph; inputs and outputs by name, with element type and number of columns."""
    from onnx import helper

    described = [
        [helper.make_tensor_value_info(name, kind, [None, width]) for name, (kind, width) in side.items()]
        for side in (inputs, outputs)
    ]
    graph = helper.make_graph(list(nodes), "small", *described, list(constants))
    operators = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)]
    path.write_bytes(helper.make_model(graph, opset_imports=operators, ir_version=8).SerializeToString())
    return path
