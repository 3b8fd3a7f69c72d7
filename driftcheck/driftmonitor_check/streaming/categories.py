"""How often each category occurs in two sources, as in memory: the same names, the rarest ones as one."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_check.cleaning import MAX_CATEGORIES, OTHER_VALUES, ColumnFaultError, categories, paired
from driftmonitor_check.statistics.divergences import Counts
from driftmonitor_check.streaming.aggregates import reduce
from driftmonitor_check.streaming.sources import Source
from driftmonitor_check.streaming.tally import Tally

Named = dict[str, int]


def category_counts(name: str, type_: FeatureType, reference: Source, current: Source) -> tuple[Counts, Counts]:
    """Counts of the values of a column of categories or booleans, aligned. Raises ColumnFaultError."""
    sides = [tallied(name, source).different() for source in (reference, current)]
    values = sides[0][0], sides[1][0]  # the different ones, which say as much of their type as all rows
    pair = categories(*values) if type_ == "Categorical" else paired(name, type_, *values)
    named = _capped(_named(pair.reference, sides[0][1]), _named(pair.current, sides[1][1]))
    names = sorted({*named[0], *named[1]})
    counts = [np.array([side.get(name, 0) for name in names], np.int64) for side in named]
    return counts[0], counts[1]


def tallied(name: str, source: Source) -> Tally:
    """How often each value of a column occurs. Raises ColumnFaultError where they are too many."""
    tally = Tally(source.schema.field(name).type)
    for failed in reduce(source, {name: tally}, _as_it_is).values():
        raise ColumnFaultError("statistic_check", f"it cannot be scored: {failed.description}")
    return tally


def _as_it_is(values: pa.Array) -> pa.Array:
    return values


def column_of(source: Source, name: str) -> Iterator[pa.Array]:
    """One column, batch by batch."""
    for batch in source.batches([name]):
        yield batch.column(0)


def _named(names: pa.Array, counts: Counts) -> Named:
    """Counts by cleaned name, of which several values may have the same one, and some none."""
    named: Named = {}
    for name, count in zip(names.to_pylist(), counts.tolist(), strict=True):
        if name is not None:
            named[name] = named.get(name, 0) + count
    return named


def _capped(reference: Named, current: Named) -> tuple[Named, Named]:
    """With more than MAX_CATEGORIES names, those with the smallest shares in both sides become OTHER_VALUES."""
    shares: dict[str, float] = {}
    for side in (reference, current):
        total = sum(side.values())
        for name, count in side.items():
            shares[name] = shares.get(name, 0.0) + count / total
    if len(shares) <= MAX_CATEGORIES:
        return reference, current
    kept = set(sorted(shares, key=lambda name: (-shares[name], name))[:MAX_CATEGORIES])
    return _others_as_one(reference, kept), _others_as_one(current, kept)


def _others_as_one(side: Named, kept: set[str]) -> Named:
    named: Named = {}
    for name, count in side.items():
        known = name if name in kept else OTHER_VALUES
        named[known] = named.get(known, 0) + count
    return named
