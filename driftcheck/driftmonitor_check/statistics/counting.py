"""Pure: two sides of one column in memory -> how many values each has in the bins that Evidently's tests use."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_check.statistics.edges import MAX_PLAIN_VALUES, Counts, Doubles, equal_width_edges, histogram

_GLANCE = 4096
"""First values of a column, in which most columns show that they have more than MAX_PLAIN_VALUES."""


def number_counts(reference: Doubles, current: Doubles) -> tuple[Counts, Counts]:
    """Counts in bins of equal width over both sides together, or by value for a reference of few distinct numbers.

    Both sides are finite and not empty.
    """
    if len(np.unique(reference[:_GLANCE])) <= MAX_PLAIN_VALUES:
        values, counts = np.unique(reference, return_counts=True)
        if len(values) <= MAX_PLAIN_VALUES:
            return aligned(values, counts, *np.unique(current, return_counts=True))
    minimum = min(float(reference.min()), float(current.min()))
    maximum = max(float(reference.max()), float(current.max()))
    edges = equal_width_edges(minimum, maximum, len(reference) + len(current))
    return histogram(reference, edges), histogram(current, edges)


def category_counts(reference: pa.Array, current: pa.Array) -> tuple[Counts, Counts]:
    """Counts by category of two sides without nulls; a category that one side lacks has a count of 0 there."""
    sides = [pc.value_counts(side) for side in (reference, current)]
    places: dict[str, int] = {}
    for side in sides:
        for name in side.field("values").to_pylist():
            places.setdefault(name, len(places))
    found = []
    for side in sides:
        counts = np.zeros(len(places), np.int64)
        counts[[places[name] for name in side.field("values").to_pylist()]] = side.field("counts").to_numpy()
        found.append(counts)
    return found[0], found[1]


def aligned(
    reference: Doubles, reference_counts: Counts, current: Doubles, current_counts: Counts
) -> tuple[Counts, Counts]:
    """The counts of two sets of distinct values, brought to the union of the sets, in its order."""
    union = np.union1d(reference, current)
    both = np.zeros((2, len(union)), np.int64)
    both[0, np.searchsorted(union, reference)] = reference_counts
    both[1, np.searchsorted(union, current)] = current_counts
    return both[0], both[1]
