"""Files that onnxruntime takes, and what is said of those that it does not."""

from pathlib import Path
from typing import Any

import numpy
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from driftmonitor_inference.session import OnnxSession
from driftmonitor_inference.signature import ModelError


def _model(opset: int = 15, ir_version: int = 8, size: int = 2) -> Any:
    weights = numpy_helper.from_array(numpy.ones((size, 1), numpy.float32), "weights")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["row", "weights"], ["value"])],
        "sum",
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, [None, size])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def _saved(path: Path, model: Any) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def test_a_file_tells_its_tensors_and_is_run(tmp_path: Path) -> None:
    session = OnnxSession(_saved(tmp_path / "m", _model()))
    assert [(tensor.name, tensor.type, tensor.shape) for tensor in session.inputs] == [
        ("row", "tensor(float)", (None, 2))
    ]
    (values,) = session.run(["value"], {"row": numpy.array([[1, 2]], numpy.float32)})
    assert values.tolist() == [[3.0]]


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (_model(opset=1000), r"exported for opset 1000 of ai\.onnx, .* none newer than (\d+); .*target_opset=\1 or"),
        (_model(ir_version=1000), r"version 1000 of the ONNX format \(ir_version\).* newer than (\d+); .*to \1 before"),
    ],
    ids=["opset", "ir_version"],
)
def test_a_file_that_is_newer_than_the_runtime_says_so_and_what_to_do(
    model: Any, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=complaint):
        OnnxSession(_saved(tmp_path / "m", model))


def test_weights_in_another_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(_model(size=1000), str(path), save_as_external_data=True, location="weights of it.bin")
    complaint = r"keeps weights in 'weights of it\.bin' beside it.*save_as_external_data=False"
    with pytest.raises(ModelError, match=complaint):
        OnnxSession(path)


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = _model(size=1000).SerializeToString()
    for length in (len(whole) // 2, len(whole) - 1):
        (tmp_path / "m").write_bytes(whole[:length])
        with pytest.raises(ModelError, match="cannot be loaded as an ONNX model"):
            OnnxSession(tmp_path / "m")
