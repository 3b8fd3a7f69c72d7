"""A loaded ONNX file. The only module that knows onnxruntime."""

import hashlib
import itertools
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import numpy.typing
import onnxruntime

from driftmonitor_inference.onnxfile import Hints, read_hints
from driftmonitor_inference.signature import Column, ElementType, ModelError, Tensor, listed

Array = numpy.typing.NDArray[Any]

_PACKED: dict[ElementType, str] = {
    "float32": "f",
    "float64": "d",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
}
_SILENT = 4  # onnxruntime's severity "fatal": it writes to stderr on its own what it also raises
_NEW_OPSET = re.compile(r"Opset (?P<opset>\d+) is under development.*support for domain (?P<domain>\S+) is till opset (?P<last>\d+)")  # fmt: skip  # noqa: E501  # one message
_NEW_FORMAT = re.compile(r"Unsupported model IR version: (?P<version>\d+), max supported IR version: (?P<last>\d+)")


_FAILING_OPERATOR = re.compile(r"while running (?P<name>\w+) node")


class RunError(Exception):
    """The file cannot be run on these rows; the message is onnxruntime's, on one line and without its codes."""

    def __init__(self, error: str) -> None:
        """`error` is onnxruntime's own message."""
        super().__init__(_short(" ".join(error.split())))
        found = _FAILING_OPERATOR.search(error)
        self.operator = found["name"] if found is not None else None
        """The operator that failed, where it is told."""


class OnnxSession:
    """One loaded file."""

    def __init__(self, path: Path) -> None:
        """ModelError says what is wrong with the file."""
        if not path.is_file():
            raise ModelError(f"the model file {path} does not exist")
        self.hints: Hints = _hints(path)
        if self.hints.external_files:
            raise ModelError(
                f"{path} keeps weights in {listed(sorted(set(self.hints.external_files)))} beside it, and only the"
                " model file is fetched; export it as one file (save_as_external_data=False in onnx.save_model and in"
                " mlflow.onnx.log_model)"
            )
        self._session = _session(path)
        self.sha256 = _digest(path)
        self.inputs: list[Tensor] = [_tensor(item) for item in self._session.get_inputs()]
        self.outputs: list[Tensor] = [_tensor(item) for item in self._session.get_outputs()]

    def run(self, names: Sequence[str], feed: dict[str, Array]) -> list[Any]:
        """These outputs for that input. RunError."""
        try:
            outputs: list[Any] = self._session.run(names, feed)
        except Exception as error:  # onnxruntime raises a dozen types that share no other base
            raise RunError(str(error)) from error
        return outputs


def feed(columns: Sequence[Column], matrix: str | None, rows: Sequence[Sequence[Any]]) -> dict[str, Array]:
    """The tensors that rows of values in the order of the columns make; `matrix` is the input that takes them all."""
    if matrix is not None:
        element_type, count = columns[0].element_type, len(rows)
        if count > 1 and element_type in _PACKED:  # numpy itself takes half as long again
            packed = struct.pack(f"{count * len(columns)}{_PACKED[element_type]}", *itertools.chain.from_iterable(rows))
            return {matrix: numpy.frombuffer(packed, element_type).reshape(count, len(columns))}
        return {matrix: numpy.array(rows, _dtype(element_type))}
    tensors = {}
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        array = numpy.array(values, _dtype(column.element_type))
        tensors[column.input] = array.reshape(-1, 1) if column.rank == 2 else array
    return tensors


def _dtype(element_type: ElementType) -> Any:
    return numpy.object_ if element_type == "string" else element_type  # numpy knows the others by their names


def _session(path: Path) -> onnxruntime.InferenceSession:
    onnxruntime.set_default_logger_severity(_SILENT)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a row's work is too small to share; more threads cost 1.7 to 2.3 x the CPU
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen types that share no other base
        raise ModelError(load_problem(path, str(error))) from error


def load_problem(path: Path, error: str) -> str:
    """Why a file cannot be loaded, and where it is too new what to do, by onnxruntime's message."""
    text, runtime = " ".join(error.split()), f"onnxruntime {onnxruntime.__version__}"
    if match := _NEW_OPSET.search(text):
        return (
            f"{path} was exported for opset {match['opset']} of {match['domain']}, and {runtime} knows none newer than"
            f" {match['last']}; export it with target_opset={match['last']} or less"
        )
    if match := _NEW_FORMAT.search(text):
        return (
            f"{path} has version {match['version']} of the ONNX format (ir_version), and {runtime} knows none newer"
            f" than {match['last']}; set model.ir_version to {match['last']} before you save it, or export it with an"
            " older version of onnx"
        )
    return f"{path} cannot be loaded as an ONNX model: {_short(text)}"


def _hints(path: Path) -> Hints:
    try:
        return read_hints(path)
    except OSError as error:
        raise ModelError(f"the model file {path} cannot be read: {error.strerror}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tensor(item: Any) -> Tensor:
    return Tensor(item.name, item.type, tuple(size if isinstance(size, int) else None for size in item.shape))


def _short(text: str) -> str:
    """onnxruntime's message without its codes and node names."""
    for mark in ("Status Message: ", "] : "):
        text = text.rsplit(mark, 1)[-1]
    return text[:300]
