"""What each method needs to know of a column, pass by pass: generators that ask for passes and return a score.

A script yields a `Pass`: what is to take the numbers in. When it goes on, the pass is over.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

import numpy as np

from driftmonitor_api.v1alpha1 import Method
from driftmonitor_check.cleaning import ColumnFaultError
from driftmonitor_check.methods import Score
from driftmonitor_check.scoring import of_counts
from driftmonitor_check.statistics import bins, ranks
from driftmonitor_check.statistics.bins import Values
from driftmonitor_check.statistics.divergences import Counts
from driftmonitor_check.streaming import ordering
from driftmonitor_check.streaming.aggregates import Aggregate, Together
from driftmonitor_check.streaming.numbers import BinCounts, Extent, ValueCounts
from driftmonitor_check.streaming.ordering import Bounded, Ranks, Sample


@dataclass(frozen=True)
class Pass:
    """What takes the numbers of the reference and of the window in; None where they are not needed."""

    reference: Aggregate | None
    current: Aggregate | None


@dataclass(frozen=True)
class StreamedScore:
    """A score, and between which bounds the one of all rows in memory lies: the same two where it is exact."""

    score: Score
    lower: float
    upper: float

    @classmethod
    def exact(cls, score: Score) -> "StreamedScore":
        """A score that is the one of all rows in memory."""
        return cls(score, score.value, score.value)


Script = Generator[Pass, None, StreamedScore]


def binned(method: Method, enough: Callable[[int, int], None]) -> Script:
    """Bins of equal width over both sides, or value by value for a reference of few different numbers."""
    reference, current = Extent(), Extent()
    yield Pass(reference, current)
    enough(reference.count, current.count)
    if reference.few is not None:
        values = ValueCounts()
        yield Pass(None, values)
        return StreamedScore.exact(of_counts(method, *_by_value(reference.few, values.counts)))
    smallest, largest = min(reference.minimum, current.minimum), max(reference.maximum, current.maximum)
    edges = bins.equal_width_edges(smallest, largest, reference.count + current.count)
    sides = BinCounts(edges), BinCounts(edges)
    yield Pass(*sides)
    return StreamedScore.exact(of_counts(method, sides[0].counts, sides[1].counts))


def by_quantiles(method: Method, enough: Callable[[int, int], None]) -> Script:
    """Bins between quantiles of the reference, which are found exactly: a sketch, then the numbers around each."""
    extent, sample, others = Extent(), Sample(seed=0), Extent()
    yield Pass(Together([extent, sample]), others)
    enough(extent.count, others.count)
    sketch = Ranks(ordering.points([sample]))
    yield Pass(sketch, None)
    positions = bins.quantile_positions(extent.count)
    lower, upper = ordering.places_of(sketch, positions)
    between = _Between(lower, upper)
    if between.any():
        yield Pass(between, None)
    cuts = bins.cuts_of(between.quantiles(positions, sketch))
    counts = _CutCounts(cuts), _CutCounts(cuts)
    yield Pass(*counts)
    return StreamedScore.exact(of_counts(method, counts[0].counts, counts[1].counts))


def ordered(method: Method, enough: Callable[[int, int], None]) -> Script:
    """The tests of whole distribution functions, within bounds."""
    extents, samples = (Extent(), Extent()), (Sample(seed=0), Sample(seed=1))
    yield Pass(Together([extents[0], samples[0]]), Together([extents[1], samples[1]]))
    enough(extents[0].count, extents[1].count)
    at = ordering.points(samples)
    sides = Ranks(at), Ranks(at)
    yield Pass(*sides)
    if method == "wasserstein":
        unit = ranks.norm(extents[0].deviation)
        area = ordering.earth_movers_distance(*sides)
        return _scored(Bounded(area.lower / unit, area.upper / unit))
    statistic = ordering.ks_statistic(*sides)
    if method == "ks_statistic":
        return _scored(statistic)
    rows = extents[0].count, extents[1].count
    lower, upper = (ranks.ks_p_value_of(each, *rows) for each in (statistic.upper, statistic.lower))
    return StreamedScore(Score(upper, statistic.lower), lower, upper)


def by_moments(method: Method, enough: Callable[[int, int], None]) -> Script:
    """Student's test, for which means and deviations are enough."""
    from scipy import stats

    reference, current = Extent(), Extent()
    yield Pass(reference, current)
    enough(reference.count, current.count)
    sides = [(each.mean, _sample_deviation(each), each.count) for each in (reference, current)]
    with np.errstate(all="ignore"):
        p_value = float(stats.ttest_ind_from_stats(*sides[0], *sides[1]).pvalue)
        pooled = np.sqrt((reference.squares + current.squares) / max(reference.count + current.count - 2, 1))
        apart = abs(reference.mean - current.mean)
        effect = float(apart / pooled) if pooled else (0.0 if apart == 0 else np.inf)
    return StreamedScore.exact(Score(p_value, effect))


SCRIPTS: Mapping[Method, Callable[[Method, Callable[[int, int], None]], Script]] = {
    "psi": binned,
    "jensenshannon": binned,
    "kl_div": binned,
    "psi_quantile": by_quantiles,
    "chi2_contingency": by_quantiles,
    "ks": ordered,
    "ks_statistic": ordered,
    "wasserstein": ordered,
    "t_test": by_moments,
}
"""By method of numbers. The others need all numbers at once: hellinger has bins by the number of different ones,
anderson and cramer_von_mises have ranks in the sum of both sides."""


def script(method: Method, enough: Callable[[int, int], None]) -> Script:
    """The script of a method. Raises ColumnFaultError for one that cannot be computed in batches."""
    if method not in SCRIPTS:
        raise ColumnFaultError(
            "statistic_check",
            f"{method} needs all values in memory at once, and there are too many; use one of {', '.join(SCRIPTS)}, or "
            "lower spec.checks.window.maxRows",
        )
    return SCRIPTS[method](method, enough)


class _Between:
    """The numbers strictly between pairs of bounds, among which quantiles are."""

    def __init__(self, lower: Values, upper: Values) -> None:
        self._lower, self._upper = lower, upper
        self._ranges = sorted({pair for pair in zip(lower.tolist(), upper.tolist(), strict=True) if pair[0] < pair[1]})
        self._found: dict[tuple[float, float], list[Values]] = {pair: [] for pair in self._ranges}

    def any(self) -> bool:
        """Whether some quantile is not one of the bounds."""
        return bool(self._ranges)

    def add(self, values: Values) -> None:
        """Take the numbers of one batch in."""
        for pair, found in self._found.items():
            found.append(values[(values > pair[0]) & (values < pair[1])])

    def merge(self, other: "_Between") -> None:
        """Take in what another one of the same bounds has found."""
        for pair, found in self._found.items():
            found.extend(other._found[pair])

    def fresh(self, part: int) -> "_Between":
        """An empty one of the same bounds."""
        return _Between(self._lower, self._upper)

    def quantiles(self, positions: Counts, sketch: Ranks) -> Values:
        """The numbers at these positions of the sorted column."""
        inside = {pair: np.sort(np.concatenate(found)) for pair, found in self._found.items()}
        below = dict(zip(sketch.at.tolist(), sketch.up_to.tolist(), strict=True))
        return np.array(
            [
                low if low == high else inside[low, high][position - below[low]]
                for low, high, position in zip(
                    self._lower.tolist(), self._upper.tolist(), positions.tolist(), strict=True
                )
            ]
        )


class _CutCounts:
    """How many numbers lie up to each cut and above the last one."""

    def __init__(self, cuts: Values) -> None:
        self._cuts = cuts
        self.counts: Counts = np.zeros(len(cuts) + 1, np.int64)

    def add(self, values: Values) -> None:
        """Take the numbers of one batch in."""
        self.counts += bins.counts_up_to(self._cuts, values)

    def merge(self, other: "_CutCounts") -> None:
        """Take in what another one of the same cuts has counted."""
        self.counts += other.counts

    def fresh(self, part: int) -> "_CutCounts":
        """An empty one of the same cuts."""
        return _CutCounts(self._cuts)


def _by_value(reference: Mapping[float, int], current: Mapping[float, int]) -> tuple[Counts, Counts]:
    values = sorted({*reference, *current})
    counts = [np.array([side.get(value, 0) for value in values], np.int64) for side in (reference, current)]
    return counts[0], counts[1]


def _scored(bounded: Bounded) -> StreamedScore:
    return StreamedScore(Score(bounded.lower), bounded.lower, bounded.upper)


def _sample_deviation(extent: Extent) -> float:
    return float(np.sqrt(extent.squares / (extent.count - 1))) if extent.count > 1 else float("nan")
