"""What rows are reduced to, part by part: aggregates that add up, whoever has counted which part."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftmonitor_check.streaming.sources import Source

Read = Callable[[pa.Array], Any]
"""What an aggregate takes of a column's batch."""


class Aggregate(Protocol):
    """Of one column of one side."""

    def add(self, values: Any, /) -> None:
        """Take one batch in."""
        ...

    def merge(self, other: Self, /) -> None:
        """Take in what another one of the same column has taken in of other rows."""
        ...

    def fresh(self, part: int, /) -> Self:
        """An empty one that merges with this one, for the part of the rows with this number."""
        ...


class Together:
    """Several aggregates of the same numbers."""

    def __init__(self, aggregates: Sequence[Aggregate]) -> None:
        self.aggregates = list(aggregates)

    def add(self, values: Any) -> None:
        """Take one batch in."""
        for each in self.aggregates:
            each.add(values)

    def merge(self, other: "Together") -> None:
        """Take in, one by one, what those of another one have."""
        for own, others in zip(self.aggregates, other.aggregates, strict=True):
            own.merge(others)

    def fresh(self, part: int) -> "Together":
        """Empty ones."""
        return Together([each.fresh(part) for each in self.aggregates])


@dataclass(frozen=True)
class Failed:
    """Why a column could not be reduced."""

    description: str

    @classmethod
    def of(cls, error: Exception) -> "Failed":
        """In words: errors of some kinds cannot be sent from one process to another."""
        return cls(f"{type(error).__name__}: {error}")


@runtime_checkable
class Distributed(Protocol):
    """A source whose parts are read elsewhere, side by side."""

    def reduce(self, aggregates: Mapping[str, Aggregate], read: Read) -> Mapping[str, Failed]:
        """Let each column's aggregate take its rows in; the columns with which that failed."""
        ...

    def take(self, chosen: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """The rows at these places, which are sorted."""
        ...

    def renamed(self, names: Mapping[str, str]) -> Source:
        """The same rows with the columns that `names` has, by their new names."""
        ...


def reduce(source: Source, aggregates: Mapping[str, Aggregate], read: Read) -> Mapping[str, Failed]:
    """Let each column's aggregate take the source's rows in; the columns with which that failed."""
    if not aggregates:
        return {}
    if isinstance(source, Distributed):
        return source.reduce(aggregates, read)
    return take_in(source.batches(list(aggregates)), aggregates, read)


def take_in(batches: Any, aggregates: Mapping[str, Aggregate], read: Read) -> dict[str, Failed]:
    """The same, of batches whose columns are in the order of the aggregates."""
    failed: dict[str, Failed] = {}
    for batch in batches:
        for (name, aggregate), values in zip(aggregates.items(), batch.columns, strict=True):
            if name not in failed:
                try:
                    aggregate.add(read(values))
                except Exception as error:  # whatever it is, it concerns no other column
                    failed[name] = Failed.of(error)
    return failed
