"""Numbers in batches -> what they all lie between, and counts in bins; both add up."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check import cleaning
from driftmonitor_check.columns import is_duration, is_number, is_text
from driftmonitor_check.statistics.bins import FEW_VALUES, Values, counts_between
from driftmonitor_check.statistics.divergences import Counts
from driftmonitor_check.streaming.tally import MAX_DIFFERENT, TooManyValuesError


def doubles(column: pa.Array) -> Values:
    """The finite numbers of a column, those that texts say, too; of other types there are none."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_text(column.type):
        try:
            column = cleaning.numbers(column, "batch").finite
        except cleaning.ColumnFaultError:  # none of its texts is a number; those of another batch may be
            return np.empty(0)
    if column.null_count:
        column = column.drop_null()
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if not is_number(column.type):
        return np.empty(0)
    if is_duration(column.type):
        column = cleaning.seconds(column)
    if column.type != pa.float64():
        column = pc.cast(column, pa.float64(), safe=False)
    values: Values = column.to_numpy(zero_copy_only=False)
    if len(values) and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        values = values[np.isfinite(values)]
    return values


@dataclass
class Extent:
    """How many numbers a column has, between which bounds, with which deviation, and which ones if they are few."""

    count: int = 0
    minimum: float = np.inf
    maximum: float = -np.inf
    mean: float = 0.0
    squares: float = 0.0
    """Sum of the squared differences from the mean."""
    few: dict[float, int] | None = field(default_factory=dict)
    """Each different number with its count; None once there are more than FEW_VALUES."""

    @property
    def deviation(self) -> float:
        """The standard deviation of the whole, as of a population."""
        return float(np.sqrt(self.squares / self.count)) if self.count else 0.0

    def add(self, values: Values) -> None:
        """Take the numbers of one batch in."""
        if not len(values):
            return
        self.merge(
            Extent(
                count=len(values),
                minimum=float(values.min()),
                maximum=float(values.max()),
                mean=(mean := float(values.mean())),
                squares=float(np.square(values - mean).sum()),
                few=None if self.few is None else _few(values),
            )
        )

    def merge(self, other: "Extent") -> None:
        """Take in what another one has seen; the deviation by the formula of Chan, Golub and LeVeque (1979)."""
        count = self.count + other.count
        if not other.count:
            return
        apart = other.mean - self.mean
        self.squares += other.squares + apart * apart * self.count * other.count / count
        self.mean += apart * other.count / count
        self.count = count
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        self.few = _together(self.few, other.few)

    def fresh(self, part: int) -> "Extent":
        """An empty one."""
        return Extent()


class ValueCounts:
    """How often each number occurs."""

    def __init__(self, limit: int = MAX_DIFFERENT) -> None:
        self.counts: dict[float, int] = {}
        self._limit = limit

    def add(self, values: Values) -> None:
        """Take the numbers of one batch in. Raises TooManyValuesError."""
        different, counts = np.unique(values, return_counts=True)
        self._take(dict(zip(different.tolist(), counts.tolist(), strict=True)))

    def merge(self, other: "ValueCounts") -> None:
        """Take in what another one has counted. Raises TooManyValuesError."""
        self._take(other.counts)

    def fresh(self, part: int) -> "ValueCounts":
        """An empty one."""
        return ValueCounts(self._limit)

    def _take(self, counts: dict[float, int]) -> None:
        for value, count in counts.items():
            self.counts[value] = self.counts.get(value, 0) + count
        if len(self.counts) > self._limit:
            raise TooManyValuesError(self._limit)


class BinCounts:
    """How many numbers lie in each of the bins of `equal_width_edges`."""

    def __init__(self, edges: Values) -> None:
        self._edges = edges
        self.counts: Counts = np.zeros(len(edges) - 1, np.int64)

    def add(self, values: Values) -> None:
        """Take the numbers of one batch in."""
        self.counts += counts_between(self._edges, values)

    def merge(self, other: "BinCounts") -> None:
        """Take in what another one of the same edges has counted."""
        self.counts += other.counts

    def fresh(self, part: int) -> "BinCounts":
        """An empty one of the same edges."""
        return BinCounts(self._edges)


_GLANCE = 256


def _few(values: Values) -> dict[float, int] | None:
    if len(np.unique(values[:_GLANCE])) > FEW_VALUES:
        return None
    different, counts = np.unique(values, return_counts=True)
    if len(different) > FEW_VALUES:
        return None
    return dict(zip(different.tolist(), counts.tolist(), strict=True))


def _together(one: dict[float, int] | None, other: dict[float, int] | None) -> dict[float, int] | None:
    if one is None or other is None:
        return None
    both = dict(one)
    for value, count in other.items():
        both[value] = both.get(value, 0) + count
    return both if len(both) <= FEW_VALUES else None
