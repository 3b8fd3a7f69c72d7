"""A loaded ONNX file. The only module of the check that knows onnxruntime."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from driftmonitor_api.modelinputs import ModelError, Tensor
from driftmonitor_check.importances.tensors import Values

_SILENT = 4  # onnxruntime's severity "fatal": it writes to stderr on its own what it also raises
_LENGTH = 300


class Session:
    """One model, on one thread, so that the order of its sums is always the same."""

    def __init__(self, path: Path) -> None:
        """ModelError says why the file cannot be loaded."""
        onnxruntime.set_default_logger_severity(_SILENT)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen types that share no other base
            raise ModelError(f"the model cannot be loaded: {_short(error)}") from error
        self.inputs: Sequence[Tensor] = [_tensor(item) for item in self._session.get_inputs()]
        self.outputs: Sequence[Tensor] = [_tensor(item) for item in self._session.get_outputs()]

    def run(self, output: str, feed: Mapping[str, Values]) -> Any:
        """One output for that input; ModelError where the model refuses it."""
        try:
            return self._session.run([output], dict(feed))[0]
        except Exception as error:  # the same dozen
            raise ModelError(f"the model fails on rows of the reference: {_short(error)}") from error


def _tensor(item: Any) -> Tensor:
    return Tensor(item.name, item.type, tuple(size if isinstance(size, int) else None for size in item.shape))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:_LENGTH]
