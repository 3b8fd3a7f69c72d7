"""Pure: a column in the order of time -> the places of its values among all of them, as a bounded sequence."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftmonitor_check.sequential.detectors import LONGEST, Doubles

GRID = 20_000
"""Values that the others are placed among: all of a column with no more, else evenly chosen ones."""


@dataclass(frozen=True)
class Sequence:
    """Means of neighbouring rows; of single ones where there are no more than LONGEST."""

    values: Doubles
    rows: NDArray[np.int64]
    """The first row of each."""


def places(column: Doubles) -> Doubles:
    """The share of all values that are less, and half of those that are equal; NaN stays.

    They are as good for wild values and skewed columns as for others, and lie between 0 and 1, as ADWIN asks for.
    """
    present = column[~np.isnan(column)]
    grid = np.sort(present[:: math.ceil(len(present) / GRID) or 1])
    between = np.searchsorted(grid, column, "left") + np.searchsorted(grid, column, "right")
    return np.where(np.isnan(column), np.nan, between / max(1, 2 * len(grid)))


def sequence(values: Doubles) -> Sequence:
    """The values that are there, as LONGEST means at most."""
    rows = np.flatnonzero(~np.isnan(values))
    present = values[rows]
    size = math.ceil(len(present) / LONGEST) or 1
    starts = np.arange(0, len(present) - size + 1, size)  # without the rows of a last part that is shorter
    if not len(starts):
        return Sequence(np.array([]), np.array([], np.int64))
    sums = np.add.reduceat(present[: len(starts) * size], starts)
    return Sequence(sums / size, rows[starts])
