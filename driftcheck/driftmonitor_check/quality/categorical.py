"""Pure: the faults of a column of categories."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from driftmonitor_api.v1alpha1 import Quality
from driftmonitor_check.cleaning import Pair, words
from driftmonitor_check.columns import is_number, is_text
from driftmonitor_check.quality import chance, shares
from driftmonitor_check.quality.levels import Finding, judged, levels

_NAMED = 3


@dataclass(frozen=True)
class CategoryCounts:
    """The categories of one side and how often each is there."""

    values: pa.Array
    counts: np.ndarray
    missing: int

    @classmethod
    def of(cls, values: pa.Array) -> "CategoryCounts":
        """From the values of the rows."""
        counted = pc.value_counts(values.drop_null())
        counts = counted.field(1).to_numpy(zero_copy_only=False)
        return cls(counted.field(0), counts, values.null_count)

    @property
    def present(self) -> int:
        """Rows with a category."""
        return int(self.counts.sum())

    @property
    def rows(self) -> int:
        """All rows."""
        return self.present + self.missing


def findings(raw: tuple[pa.Array, pa.Array], pair: Pair, quality: Quality) -> Iterator[Finding]:
    """All that is wrong with the window's categories; `raw` are the columns that became the pair."""
    reference, window = CategoryCounts.of(pair.reference), CategoryCounts.of(pair.current)
    yield from shares.missing((reference.missing, window.missing), (reference.rows, window.rows), quality)
    yield from _mismatched(raw, quality)
    if reference.present and window.present:
        new = levels(quality.new_categories, "new_categories")
        yield from _alone("window", window, "reference", reference, "categorical_values_check", new)
        vanished = levels(quality.vanished_categories, "vanished_categories")
        yield from _alone("reference", reference, "window", window, "vanished_categories_check", vanished)
        yield from _constant(reference, window, quality)


def _mismatched(raw: tuple[pa.Array, pa.Array], quality: Quality) -> Iterator[Finding]:
    """Words where the reference has digits."""
    reference, window = raw
    if is_number(reference.type) and is_text(window.type):
        yield from shares.mismatched((0, words(window)), (len(reference), len(window)), quality)


def _alone(
    name: str, side: CategoryCounts, other_name: str, other: CategoryCounts, check: str, bounds: tuple[float, float]
) -> Iterator[Finding]:
    """Categories that one side has and the other has not."""
    share, names = _only_in(side, other)
    if said := judged(share, bounds, chance=_unseen_by(other, side)):
        message = f"{share:.2%} of the {name}'s values are categories that the {other_name} has not: {names}"
        yield Finding(check, share, said[1], said[0], message)


def _constant(reference: CategoryCounts, window: CategoryCounts, quality: Quality) -> Iterator[Finding]:
    if len(window.values) != 1:
        return
    value = window.values[0].as_py()
    same = pc.equal(reference.values, value).to_numpy(zero_copy_only=False)
    others = int(reference.counts[~same].sum())
    yield from shares.constant(repr(value), others, (reference.present, window.present), quality)


def _only_in(side: CategoryCounts, other: CategoryCounts) -> tuple[float, str]:
    """The share of a side's rows whose category the other one has not, and the most frequent such categories."""
    alone = ~pc.is_in(side.values, value_set=other.values).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(alone)
    places = places[np.argsort(-side.counts[places], kind="stable")]
    named = ", ".join(repr(str(side.values[int(place)])[:40]) for place in places[:_NAMED])
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return float(side.counts[places].sum()) / side.present, f"{named}{more}"


def _unseen_by(sample: CategoryCounts, other: CategoryCounts) -> float:
    singles, doubles = (int((sample.counts == times).sum()) for times in (1, 2))
    return chance.of_unseen(singles, doubles, sample.present, other.present)
