"""Pure: values -> counts of bins."""

import numpy as np
from numpy.typing import NDArray

from driftmonitor_check.statistics.divergences import Counts

Values = NDArray[np.float64]

FEW_VALUES = 20
"""With no more different numbers in the reference, Evidently counts each number instead of bins."""
QUANTILES = 10
"""Bins of the reference that hold equally many rows: deciles, as scorecards have them."""
_GLANCE = 4096
"""First rows of a column, in which most columns show that they have more than FEW_VALUES: sorting all is dear."""


def equal_width_edges(smallest: float, largest: float, rows: int) -> Values:
    """Edges of bins of equal width, so many as Sturges' rule (1926) has for the number of rows: Evidently's bins.

    The edges of `np.histogram_bin_edges(values, "sturges")`, from three numbers that batches can be reduced to.
    ValueError where the range is beyond what a double holds, or too narrow to be divided.
    """
    if smallest == largest:
        edges = np.array([smallest - 0.5, smallest + 0.5])
    else:
        extent = largest - smallest
        if not np.isfinite(extent):
            raise ValueError(f"its values from {smallest:g} to {largest:g} are too far apart for bins")
        number = int(np.ceil(extent / (extent / (np.log2(rows) + 1.0))))
        edges = np.linspace(smallest, largest, number + 1)
    if np.any(edges[:-1] >= edges[1:]):
        raise ValueError(f"its values from {smallest:g} to {largest:g} are too close together for bins")
    return edges


def counts_between(edges: Values, values: Values) -> Counts:
    """Values in each bin of `equal_width_edges`, its left edge included, the last bin's right edge, too.

    The same counts as by `np.histogram(values, edges)`, which sorts the values, at a sixth of its time.
    """
    return np.histogram(values, len(edges) - 1, range=(float(edges[0]), float(edges[-1])))[0].astype(np.int64)


def quantile_cuts(reference: Values, quantiles: int = QUANTILES) -> Values:
    """Upper bounds, inclusive, of all bins but the last one, which have about equally many reference rows each.

    A number that fills a whole bin by itself, such as the zeros of a sum that is mostly zero, gets a bin of its own,
    so that its neighbours cannot hide behind it.
    """
    positions = quantile_positions(len(reference), quantiles)
    return cuts_of(np.partition(reference, positions)[positions])


def quantile_positions(rows: int, quantiles: int = QUANTILES) -> Counts:
    """Where a sorted column of so many rows has its quantiles: the first rows up to which lies such a share of all."""
    return np.array([-(-rows * part // quantiles) - 1 for part in range(1, quantiles)]).clip(0)


def cuts_of(bounds: Values) -> Values:
    """`quantile_cuts`, from the quantiles themselves."""
    atoms = bounds[1:][bounds[1:] == bounds[:-1]]
    return np.unique(np.concatenate([bounds, np.nextafter(atoms, -np.inf)]))


def counts_up_to(cuts: Values, values: Values) -> Counts:
    """Values in each bin: up to the first cut, above it up to the second ..., above the last."""
    return np.bincount(np.searchsorted(cuts, values, side="left"), minlength=len(cuts) + 1).astype(np.int64)


def counts_of_each(reference: NDArray[np.generic], current: NDArray[np.generic]) -> tuple[Counts, Counts]:
    """How often each different value occurs in each side, in the order of the values."""
    sides = [np.unique(side, return_counts=True) for side in (reference, current)]
    values = np.union1d(sides[0][0], sides[1][0])
    counts = np.zeros((2, len(values)), np.int64)
    for row, (found, number) in zip(counts, sides, strict=True):
        row[np.searchsorted(values, found)] = number
    return counts[0], counts[1]


def evidently_counts(reference: Values, current: Values) -> tuple[Counts, Counts]:
    """The counts on which Evidently's psi, kl_div and jensenshannon of numbers stand."""
    if len(np.unique(reference[:_GLANCE])) <= FEW_VALUES and len(np.unique(reference)) <= FEW_VALUES:
        return counts_of_each(reference, current)
    smallest = min(float(reference.min()), float(current.min()))
    largest = max(float(reference.max()), float(current.max()))
    edges = equal_width_edges(smallest, largest, len(reference) + len(current))
    return counts_between(edges, reference), counts_between(edges, current)


def hellinger_counts(reference: Values, current: Values) -> tuple[Counts, Counts]:
    """The counts on which Evidently's hellinger of numbers stands: bins for the number of different values."""
    different = np.unique(np.concatenate([reference, current]))
    edges = equal_width_edges(float(different[0]), float(different[-1]), len(different))
    return counts_between(edges, reference), counts_between(edges, current)


def quantile_counts(reference: Values, current: Values) -> tuple[Counts, Counts]:
    """The counts of both sides in the bins of `quantile_cuts`."""
    cuts = quantile_cuts(reference)
    return counts_up_to(cuts, reference), counts_up_to(cuts, current)
