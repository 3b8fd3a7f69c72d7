"""Numbers in batches -> exact shares at chosen points, and what lies between them: a sketch of the order of a column.

What is between two points is known by its number and its sum, so that the largest distance of two distribution
functions and the area between them are known within bounds that come from the data themselves, without any assumption.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from driftmonitor_check.statistics.bins import Values
from driftmonitor_check.statistics.divergences import Counts

POINTS = 2048
"""Points from each side's sample. Their number bounds the error: a bin holds about 1 / POINTS of a side's rows."""
SAMPLE_ROWS = 1 << 16
"""Rows of a side from which its points are chosen."""


EXTREMES = 128
"""Smallest and largest numbers of a side that are points, too."""


@dataclass(frozen=True)
class Bounded:
    """A number that is known to lie between two bounds, which are equal where it is known exactly."""

    lower: float
    upper: float


class Sample:
    """Some numbers of a column, each with the same chance: those to which a generator gave the smallest keys.

    And its EXTREMES, which lie far apart where tails are heavy, so that little of them is in a sample.
    """

    def __init__(self, seed: int | tuple[int, int], rows: int = SAMPLE_ROWS) -> None:
        self._smallest, self._largest = np.empty(0), np.empty(0)
        self._seed, self._random, self._rows = seed, np.random.default_rng(seed), rows
        self._keys, self._values = np.empty(0), np.empty(0)
        self._below = 1.0

    def add(self, values: Values) -> None:
        """Take the numbers of one batch in."""
        keys = self._random.random(len(values))
        taken = keys < self._below
        self._keys = np.concatenate([self._keys, keys[taken]])
        self._values = np.concatenate([self._values, values[taken]])
        if len(self._keys) > 2 * self._rows:
            self._shrink()
        self._smallest = _least(np.concatenate([self._smallest, values]))
        self._largest = -_least(-np.concatenate([self._largest, values]))

    def merge(self, other: "Sample") -> None:
        """Take in what another one has seen, whose seed is another one."""
        self._keys = np.concatenate([self._keys, other._keys])
        self._values = np.concatenate([self._values, other._values])
        self._shrink()
        self._smallest = _least(np.concatenate([self._smallest, other._smallest]))
        self._largest = -_least(-np.concatenate([self._largest, other._largest]))

    def fresh(self, part: int) -> "Sample":
        """An empty one, with keys of its own for each part."""
        return Sample((self._seed if isinstance(self._seed, int) else self._seed[0], part + 1), self._rows)

    def values(self) -> Values:
        """The sample, in no order."""
        self._shrink()
        return self._values

    def extremes(self) -> Values:
        """The smallest and the largest numbers of the whole column."""
        return np.concatenate([self._smallest, self._largest])

    def _shrink(self) -> None:
        if len(self._keys) > self._rows:
            smallest = np.argpartition(self._keys, self._rows)[: self._rows]
            self._keys, self._values = self._keys[smallest], self._values[smallest]
            self._below = float(self._keys.max())


def points(samples: Sequence[Sample], number: int = POINTS) -> Values:
    """Where to count: the extremes of each side and quantiles of its sample, sorted, each once.

    A sample of no more values than twice the number is taken whole: every value of a small column is then a point.
    """
    levels = np.linspace(0, 1, number + 1)
    chosen = [
        values if len(values) <= 2 * number else np.quantile(values, levels, method="inverted_cdf")
        for values in (sample.values() for sample in samples)
    ]
    return np.unique(np.concatenate([*chosen, *(sample.extremes() for sample in samples)]))


def _least(values: Values) -> Values:
    return np.partition(values, EXTREMES)[:EXTREMES] if len(values) > EXTREMES else values


class Ranks:
    """Of one side: how many numbers are below each point, how many up to it, and the distances between the points."""

    def __init__(self, at: Values) -> None:
        """`at` are points that include all numbers between the first and the last one."""
        self.at = at
        self.below: Counts = np.zeros(len(at), np.int64)
        self.up_to: Counts = np.zeros(len(at), np.int64)
        self.reach: Values = np.zeros(len(at) - 1)
        """Of the numbers strictly between two points, the sum of their distances to the upper one."""

    @property
    def count(self) -> int:
        return int(self.up_to[-1])

    def add(self, values: Values) -> None:
        """Take the numbers of one batch in."""
        values = np.sort(values)
        below, up_to = np.searchsorted(values, self.at, "left"), np.searchsorted(values, self.at, "right")
        self.below += below
        self.up_to += up_to
        first, inside = up_to[:-1], below[1:] - up_to[:-1]
        bins = np.repeat(np.arange(len(inside)), inside)
        places = np.arange(len(bins)) + np.repeat(first - (np.cumsum(inside) - inside), inside)
        # Differences before sums: numbers far from zero would lose the distances in rounding.
        self.reach += np.bincount(bins, self.at[bins + 1] - values[places], minlength=len(inside))

    def merge(self, other: "Ranks") -> None:
        """Take in what another one at the same points has counted."""
        self.below += other.below
        self.up_to += other.up_to
        self.reach += other.reach

    def fresh(self, part: int) -> "Ranks":
        """An empty one at the same points."""
        return Ranks(self.at)


def ks_statistic(reference: Ranks, current: Ranks) -> Bounded:
    """The Kolmogorov-Smirnov statistic of two sides counted at the same points.

    It is attained at a point or beside one, or it lies between two points, where it exceeds what is known by no more
    than one side's share of rows there.
    """
    r, c = _shares(reference), _shares(current)
    known = max(float(np.abs(r.up_to - c.up_to).max()), float(np.abs(r.below - c.below).max()))
    between = np.maximum(r.below[1:] - c.up_to[:-1], c.below[1:] - r.up_to[:-1])
    return Bounded(known, max(known, float(between.max(initial=0.0))))


def earth_movers_distance(reference: Ranks, current: Ranks) -> Bounded:
    """The area between the two distribution functions.

    Between two points the difference of the areas under both is known exactly; it is the area between them unless the
    functions cross there. If they may, the area is bounded by how far apart they can be at all.
    """
    r, c = _shares(reference), _shares(current)
    widths = np.diff(reference.at)
    signed = widths * (r.up_to[:-1] - c.up_to[:-1]) + reference.reach / reference.count - current.reach / current.count
    highest, lowest = r.below[1:] - c.up_to[:-1], r.up_to[:-1] - c.below[1:]
    lower = np.abs(signed)
    crossing = (highest > 0) & (lowest < 0)
    upper = lower.copy()
    if crossing.any():
        high, low = highest[crossing], -lowest[crossing]
        # Of an area P above and N below zero, P - N is known; P <= high * its width, N <= low * the rest of the width.
        most = (widths[crossing] - signed[crossing] / high) / (1 / high + 1 / low)
        upper[crossing] = np.maximum(lower[crossing], signed[crossing] + 2 * np.maximum(most, 0))
    return Bounded(float(lower.sum()), float(upper.sum()))


def places_of(ranks: Ranks, positions: Counts) -> tuple[Values, Values]:
    """Between which points the numbers at these positions of the sorted column lie (position 0 is the smallest).

    Both bounds are the number itself where it is a point; else it lies strictly between them.
    """
    upper = np.searchsorted(ranks.up_to, positions, "right")
    exact = ranks.below[upper] <= positions
    return np.where(exact, ranks.at[upper], ranks.at[np.maximum(upper - 1, 0)]), ranks.at[upper]


@dataclass(frozen=True)
class _Shares:
    below: Values
    up_to: Values


def _shares(ranks: Ranks) -> _Shares:
    return _Shares(ranks.below / ranks.count, ranks.up_to / ranks.count)
