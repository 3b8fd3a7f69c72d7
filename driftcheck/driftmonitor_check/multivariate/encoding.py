"""Pure: the columns of two tables -> two matrices of numbers, row for row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftmonitor_check.cleaning import ColumnFaultError, paired, raw_column
from driftmonitor_check.columns import Column, is_text

MAX_COLUMNS = 100
"""Columns that are looked at together: the first ones of more."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Matrices:
    """Both sides, row for row; NaN where there is no value. A category is its place by how often it occurs."""

    names: Sequence[str]
    categorical: NDArray[np.bool_]
    reference: Doubles
    window: Doubles
    left_out: Mapping[str, str]
    """Columns that cannot be among them, with the reason."""


def encode(columns: Sequence[Column], window: pa.Table, reference: pa.Table) -> Matrices:
    """The columns that are numbers or categories on both sides."""
    names: list[str] = []
    sides: list[tuple[Doubles, Doubles]] = []
    categorical: list[bool] = []
    left_out: dict[str, str] = {}
    for place, column in enumerate(columns):
        if place >= MAX_COLUMNS:
            left_out[column.name] = f"only the first {MAX_COLUMNS} columns are looked at together"
            continue
        try:
            sides.append(_encoded(column, window, reference))
        except (ColumnFaultError, pa.ArrowException) as error:
            left_out[column.name] = str(error)
            continue
        names.append(column.name)
        categorical.append(column.type in ("Categorical", "Boolean"))
    empty = np.empty((reference.num_rows, 0)), np.empty((window.num_rows, 0))
    before, after = (np.column_stack([pair[side] for pair in sides]) if sides else empty[side] for side in (0, 1))
    return Matrices(names, np.array(categorical, np.bool_), before, after, left_out)


def _encoded(column: Column, window: pa.Table, reference: pa.Table) -> tuple[Doubles, Doubles]:
    before = raw_column(reference, column.name, "reference")
    after = raw_column(window, column.name, "window")
    if column.type in ("Text", "Embedding"):
        raise ColumnFaultError("data_type_check", f"it is {column.type}: neither one number a row nor categories")
    pair = paired(column.name, column.type, before, after)
    if is_text(pair.reference.type):
        return _codes(pair.reference, pair.current)
    return _doubles(pair.reference), _doubles(pair.current)


def _doubles(values: pa.Array) -> Doubles:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _codes(before: pa.Array, after: pa.Array) -> tuple[Doubles, Doubles]:
    """The place of each category by how often it occurs, in both sides together."""
    both = pa.concat_arrays([before, after]).dictionary_encode()
    words, indices = both.dictionary.to_pylist(), both.indices
    present = np.asarray(indices.drop_null())
    counts = np.bincount(present, minlength=len(words))
    order = sorted(range(len(words)), key=lambda code: (-counts[code], words[code]))
    place = np.empty(len(words) + 1)
    place[order] = np.arange(len(words))
    place[-1] = np.nan
    codes = place[np.asarray(indices.fill_null(len(words)))]
    return codes[: len(before)], codes[len(before) :]
