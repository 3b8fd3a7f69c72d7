"""Values in batches -> how often each occurs; adds up, and is bounded by a number of different values."""

from collections.abc import Hashable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.statistics.divergences import Counts

MAX_DIFFERENT = 1_000_000
"""Different values of a column that are counted; an id has more and is no category."""


class TooManyValuesError(Exception):
    """A column has more different values than can be counted one by one."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"it has more than {limit:,} different values, which cannot all be counted")


class Tally:
    """How often each value of a column occurs."""

    def __init__(self, type_: pa.DataType, limit: int = MAX_DIFFERENT) -> None:
        self.type = type_.value_type if pa.types.is_dictionary(type_) else type_
        self.counts: dict[Hashable, int] = {}
        self._limit = limit

    def add(self, column: pa.Array) -> None:
        """Take the values of one batch in; nulls are none. Raises TooManyValuesError."""
        if pa.types.is_dictionary(column.type):
            column = column.cast(self.type)
        found = pc.value_counts(column.drop_null())
        self._take(found.field("values").to_pylist(), found.field("counts").to_pylist())

    def merge(self, other: "Tally") -> None:
        """Take in what another one has counted. Raises TooManyValuesError."""
        self._take(list(other.counts), list(other.counts.values()))

    def fresh(self, part: int) -> "Tally":
        """An empty one of the same type."""
        return Tally(self.type, self._limit)

    def different(self) -> tuple[pa.Array, Counts]:
        """The values, in a fixed order, and their counts."""
        values = pa.array(list(self.counts), self.type)
        return values, np.fromiter(self.counts.values(), np.int64, len(self.counts))

    def _take(self, values: list[Hashable], counts: list[int]) -> None:
        for value, count in zip(values, counts, strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
        if len(self.counts) > self._limit:
            raise TooManyValuesError(self._limit)
