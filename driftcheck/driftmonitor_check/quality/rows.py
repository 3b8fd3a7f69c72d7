"""Pure: the faults of whole rows: how many there are, and how many are there twice."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import Quality
from driftmonitor_check.quality import chance
from driftmonitor_check.quality.levels import Finding, judged, levels

Bits = NDArray[np.uint64]
# 64 bits for each row: of a million rows that differ two share them once in 30 million times.
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MISSING = np.uint64(0x5851F42D4C957F2D)


def count(rows: int, quality: Quality) -> Iterator[Finding]:
    """Fewer or more rows than the object allows."""
    minimum, maximum = quality.row_count.minimum, quality.row_count.maximum
    if minimum is not None and rows < minimum:
        message = f"the window has {rows} rows; at least {minimum} are expected"
        yield Finding("row_count_check", rows, minimum, "Critical", message)
    if maximum is not None and rows > maximum:
        message = f"the window has {rows} rows or more; at most {maximum} are expected"
        yield Finding("row_count_check", rows, maximum, "Critical", message)


def duplicates(columns: Iterable[tuple[pa.Array, pa.Array]], quality: Quality) -> Iterator[Finding]:
    """Rows that are copies of an earlier one in all columns, more than the reference makes one expect.

    `columns` are the reference's and the window's values of each; they need not be in memory together.
    """
    sides: list[NDArray[np.uint64]] = []
    for pair in columns:
        if _plain(pair[0]) and _plain(pair[1]):
            sides = sides or [np.zeros(len(values), np.uint64) for values in pair]
            sides = [_mixed(side * _ODD + _bits(values)) for side, values in zip(sides, pair, strict=True)]
    if not sides:
        return
    (usual, before), (copies, rows) = ((len(side) - len(np.unique(side)), len(side)) for side in sides)
    noise = chance.of_duplicates(usual, before, rows)
    if said := judged(copies / rows, levels(quality.duplicates, "duplicates"), usual=usual / before, chance=noise):
        message = f"{copies} of the window's {rows} rows are copies of others, {usual} of the reference's {before}"
        yield Finding("duplicate_rows_check", copies / rows, said[1], said[0], message)


def _plain(values: pa.Array) -> bool:
    return not pa.types.is_nested(values.type) and not pa.types.is_interval(values.type)


def _bits(column: pa.Array) -> Bits:
    """64 bits for each value, the same for the same value of one column."""
    if pa.types.is_floating(column.type):
        doubles = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) + 0.0  # -0.0 becomes 0.0
        return np.where(np.isnan(doubles), _MISSING, doubles.view(np.uint64))
    codes = pc.dictionary_encode(column).indices.fill_null(-1).to_numpy(zero_copy_only=False)
    bits: Bits = codes.astype(np.int64).view(np.uint64)
    return bits


def _mixed(bits: Bits) -> Bits:
    """The finalizer of SplitMix64 (Steele, Lea and Flood 2014): each bit of the input changes half of the output's."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Bits = bits ^ (bits >> np.uint64(31))
    return mixed
