"""Pure: what the model takes and gives in the terms of the Open Inference Protocol, version 2, over HTTP or gRPC.

Inputs and outputs have the names, datatypes and shapes that the ONNX model declares. Beside that, an input may
be called by the name of its feature, and a model that takes one matrix takes one input for each of its features too.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from itertools import chain

from driftmonitor_inference.examples import Value
from driftmonitor_inference.model import Model
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.rows import RequestError
from driftmonitor_inference.signature import INTEGER_RANGE, Column, Inputs, Outputs, Tensor, listed
from driftmonitor_inference.tensors import DATATYPE, TAKEN, Slot, Values, in_columns

_OUTPUT_DATATYPE = {
    "tensor(float16)": "FP32",  # it has room for each of their values, and clients need know no other type
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    **{f"tensor({element_type})": DATATYPE[element_type] for element_type in INTEGER_RANGE},
    "tensor(bool)": "BOOL",
    "tensor(string)": "BYTES",
}
_READ_BACK: dict[str, Callable[[str], Value]] = {"BYTES": str, "BOOL": "True".__eq__}
"""Labels in predictions are texts: the model's own by the datatype of its output, an integer if it is not here."""
_FREE = -1
_MISLEADING = ("shared_memory_region", "classification")  # ignored, they would make a client misread the answer

SERVER_NAME = "driftmonitor"
PLATFORM = "onnxruntime_onnx"


@dataclass(frozen=True, slots=True)
class Description:
    """A tensor as metadata describes it; a free dimension is -1."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """A tensor that the model gives, and how its values are found in the predictions of rows."""

    description: Description
    values: Callable[[Sequence[RowPrediction]], list[Value]]
    """In row-major order."""

    def shape(self, rows: int) -> list[int]:
        """Of an answer for this number of rows."""
        return [rows, *self.description.shape[1:]]


class Interface:
    """What one model takes and gives."""

    def __init__(self, inputs: Inputs, outputs: Outputs, *, max_rows: int, with_outliers: bool = False) -> None:
        """`with_outliers`: whether each row's prediction says how much of an outlier it is."""
        self._columns, self._matrix, self._max_rows = inputs.columns, inputs.matrix, max_rows
        self._by_feature = {column.name: place for place, column in enumerate(inputs.columns)}
        # A feature's own name is no other feature's input: inputs and features of the same name are always a pair.
        by_input = {column.input: place for place, column in enumerate(inputs.columns)} if not inputs.matrix else {}
        self._by_name = self._by_feature | by_input
        self.inputs = _input_descriptions(inputs)
        self.outputs = _outputs(outputs, with_outliers)
        self._output_by_name = {output.description.name: output for output in self.outputs}

    def slots(self, tensors: Sequence[Description]) -> list[Slot]:
        """What the input tensors of a request carry, in their order; RequestError where one does not fit, is missing
        or is not known."""
        if len(tensors) == 1 and tensors[0].name == self._matrix:
            found = [self._slot(tensors[0], 0, self._columns)]
        else:
            found = [
                self._slot(tensor, place, self._columns[place : place + 1]) for tensor, place in self._find(tensors)
            ]
        rows = found[0].shape[0]
        for slot in found:
            if slot.shape[0] != rows:
                raise RequestError(
                    400, f"Input {slot.input!r} has {slot.shape[0]} rows, but {found[0].input!r} has {rows}."
                )
        return found

    def columns(self, slots: Sequence[Slot], values: Sequence[Values]) -> list[list[Value]]:
        """The values of each feature in the model's order; RequestError for one that the model cannot hold."""
        if len(slots) == 1:
            return in_columns(slots[0], values[0])
        columns: list[list[Value]] = [[]] * len(self._columns)
        for slot, tensor in zip(slots, values, strict=True):
            columns[slot.first] = in_columns(slot, tensor)[0]
        return columns

    def wanted(self, name: str) -> Output:
        """The output of this name; RequestError if there is none."""
        if (output := self._output_by_name.get(name)) is None:
            known = listed(list(self._output_by_name))
            raise RequestError(400, f"The model has no output {name[:200]!r}; it has {known}.")
        return output

    def _find(self, tensors: Sequence[Description]) -> list[tuple[Description, int]]:
        found: dict[int, Description] = {}
        for tensor in tensors:
            place = self._by_name.get(tensor.name)
            if place is None:
                raise RequestError(400, f"The model has no input {tensor.name[:200]!r}; it takes {self._takes()}.")
            if place in found:
                raise RequestError(400, f"Input {tensor.name!r} is given more than once.")
            found[place] = tensor
        for place, column in enumerate(self._columns):
            if place not in found:
                missing = column.name if self._matrix else column.input
                raise RequestError(400, f"The input {missing!r} is missing; the model takes {self._takes()}.")
        return [(tensor, place) for place, tensor in found.items()]

    def _takes(self) -> str:
        if self._matrix is None:
            return listed([description.name for description in self.inputs])
        shape = list(self.inputs[0].shape)
        return f"{self._matrix!r} of shape {shape}, or one input for each feature: {listed(list(self._by_feature))}"

    def _slot(self, tensor: Description, first: int, columns: tuple[Column, ...]) -> Slot:
        name, shape = tensor.name, tensor.shape
        taken = TAKEN[columns[0].element_type]
        if tensor.datatype not in taken:
            raise RequestError(
                400, f"Input {name!r} has the datatype {tensor.datatype[:40]!r}; it takes {', '.join(taken)}."
            )
        of_matrix = name == self._matrix and columns is self._columns
        if not ((len(shape) == 2 and shape[1] == len(columns)) or (len(shape) == 1 and not of_matrix)):
            takes = f"[rows, {len(columns)}]" if of_matrix else "[rows] or [rows, 1]"
            raise RequestError(400, f"Input {name!r} has the shape {_shown(shape)}; it takes {takes}.")
        if shape[0] < 1:
            raise RequestError(400, f"Input {name!r} has the shape {_shown(shape)}; send at least one row.")
        if shape[0] > self._max_rows:
            raise RequestError(413, f"Input {name!r} has {shape[0]} rows; at most {self._max_rows} are taken at once.")
        return Slot(name, tensor.datatype, shape, first, columns)


def interface_of(model: Model, *, max_rows: int) -> Interface:
    """What a loaded model takes and gives."""
    return Interface(model.inputs, model.outputs, max_rows=max_rows, with_outliers=model.finds_outliers)


def unknown_model(model_name: str, model_version: str, name: str, version: str | None) -> RequestError | None:
    """Why a model that is asked for is not served here; None if it is. No version, or an empty one, is any version."""
    if name != model_name:
        return RequestError(404, f"There is no model {name[:200]!r}; {model_name!r} is served here.")
    if version and version != model_version:
        return RequestError(
            404, f"There is no version {version[:200]!r} of {name!r}; version {model_version!r} is served here."
        )
    return None


def check_parameters(where: str, names: Container[str]) -> None:
    """RequestError for a parameter of a tensor that must not be ignored; `where` names the tensor."""
    for name in _MISLEADING:
        if name in names:
            raise RequestError(400, f"{where} has the parameter {name!r}, which this server does not offer; remove it.")


def _shown(shape: tuple[int, ...]) -> str:
    return str(list(shape)) if len(shape) <= 8 else f"of {len(shape)} dimensions"


def _input_descriptions(inputs: Inputs) -> tuple[Description, ...]:
    columns = inputs.columns
    if inputs.matrix is not None:
        return (Description(inputs.matrix, DATATYPE[columns[0].element_type], (_FREE, len(columns))),)
    return tuple(
        Description(column.input, DATATYPE[column.element_type], (_FREE,) if column.rank == 1 else (_FREE, 1))
        for column in columns
    )


def _outputs(outputs: Outputs, with_outliers: bool) -> tuple[Output, ...]:
    tensors = outputs.tensors
    match outputs.kind:
        case "values":
            found = [Output(_one_a_row(tensors[0]), lambda rows: [row.value for row in rows])]  # type: ignore[misc]
        case "labels":
            found = [_label(tensors[0], outputs)]
        case _:
            found = [_label(tensor, outputs) for tensor in tensors[:-1]] + [_scores(tensors[-1], outputs)]
    if with_outliers:
        # Where the model has an output of the same name, that name is the model's.
        names = outputs.names
        found += [output for output in _OUTLIER_OUTPUTS if output.description.name not in names]
    return tuple(found)


_OUTLIER_OUTPUTS = (
    Output(
        Description("outlier_flag", "BOOL", (_FREE,)),
        lambda rows: [row.outlier.flag for row in rows if row.outlier is not None],
    ),
    Output(
        Description("outlier_score", "FP64", (_FREE,)),
        lambda rows: [row.outlier.score for row in rows if row.outlier is not None],
    ),
)


def _one_a_row(tensor: Tensor, datatype: str | None = None) -> Description:
    shape = (_FREE, 1) if len(tensor.shape) == 2 else (_FREE,)
    return Description(tensor.name, datatype or _OUTPUT_DATATYPE[tensor.type], shape)


def _label(tensor: Tensor, outputs: Outputs) -> Output:
    """The model's own labels; class names, as strings, where only `spec.model.classes` tells the classes."""
    if outputs.classes is None:
        own = _READ_BACK.get(_OUTPUT_DATATYPE[tensor.type], int)
        return Output(_one_a_row(tensor), lambda rows: [own(row.label or "") for row in rows])
    if outputs.labels is None:
        return Output(_one_a_row(tensor, "BYTES"), lambda rows: [row.label or "" for row in rows])
    label_of: dict[str | None, Value] = dict(zip(outputs.classes, outputs.labels, strict=True))
    return Output(_one_a_row(tensor), lambda rows: [label_of[row.label] for row in rows])


def _scores(tensor: Tensor, outputs: Outputs) -> Output:
    datatype = _OUTPUT_DATATYPE.get(tensor.type, "FP32")  # the maps of a ZipMap hold FP32
    description = Description(tensor.name, datatype, (_FREE, len(outputs.classes or ())))
    return Output(
        description, lambda rows: list(chain.from_iterable([row.scores.values() for row in rows if row.scores]))
    )
