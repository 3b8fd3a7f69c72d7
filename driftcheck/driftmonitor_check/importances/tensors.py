"""Pure: rows of the reference -> the values that the model takes, a column each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftmonitor_api.modelinputs import INTEGER_RANGE, Column, Inputs
from driftmonitor_check.columns import is_text

Values = NDArray[Any]


class RowsError(Exception):
    """The rows cannot be given to the model; the message says why."""


def complete(columns: Sequence[Column], table: pa.Table) -> dict[str, Values]:
    """The values of each column by its name, of the rows that have all of them: the server takes no others."""
    arrays = {column.name: _cast(column, _of(table, column.name)) for column in columns}
    whole = np.ones(table.num_rows, np.bool_)
    for values in arrays.values():
        whole &= np.asarray(values.is_valid())
    kept = pa.array(whole)
    return {column.name: _numpy(column, arrays[column.name].filter(kept)) for column in columns}


def feed(inputs: Inputs, values: Mapping[str, Values]) -> dict[str, Values]:
    """The tensors of the model's inputs."""
    if inputs.matrix is not None:
        return {inputs.matrix: np.column_stack([values[column.name] for column in inputs.columns])}
    return {
        column.input: values[column.name].reshape(-1, 1) if column.rank == 2 else values[column.name]
        for column in inputs.columns
    }


def _of(table: pa.Table, name: str) -> pa.Array:
    places = table.schema.get_all_field_indices(name)
    if len(places) != 1:
        found = f"{len(places)} columns" if places else "no column"
        raise RowsError(f"the reference has {found} {name!r}, which the model takes")
    values = table.column(places[0]).combine_chunks()
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _cast(column: Column, values: pa.Array) -> pa.Array:
    """As text, booleans or numbers; null where the server would refuse the value."""
    if column.element_type == "string":
        if not is_text(values.type) and not pa.types.is_integer(values.type) and not pa.types.is_null(values.type):
            raise RowsError(f"the model takes {column.name!r} as text, and the reference has it as {values.type}")
        return values.cast(pa.string())
    try:
        if column.element_type == "bool":
            return values.cast(pa.bool_())
        if column.element_type in INTEGER_RANGE:
            return _integers(column, values)
        numbers = values.cast(pa.float64())
    except pa.ArrowException as error:
        raise RowsError(
            f"the model takes {column.name!r} as {column.element_type}, and the reference's values are not: {error}"
        ) from error
    largest = float(np.finfo(column.element_type).max)
    return _where(pc.less_equal(pc.abs(numbers), largest), numbers)  # neither NaN nor an infinity


def _integers(column: Column, values: pa.Array) -> pa.Array:
    if pa.types.is_floating(values.type):
        values = _where(pc.is_finite(values), values)
    numbers = values.cast(pa.int64())
    smallest, largest = INTEGER_RANGE[column.element_type]
    return _where(pc.and_(pc.greater_equal(numbers, smallest), pc.less_equal(numbers, largest)), numbers)


def _where(usable: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(usable, values, pa.scalar(None, values.type))


def _numpy(column: Column, values: pa.Array) -> Values:
    array: Values = values.to_numpy(zero_copy_only=False)
    return array.astype(np.object_ if column.element_type == "string" else column.element_type)
