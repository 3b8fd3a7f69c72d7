"""Pure: a column of two sides -> the bin of every row, the same bins for both."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import FeatureType
from driftmonitor_check.cleaning import ColumnFaultError, clean
from driftmonitor_check.statistics import bins

MOST_BINS = 30
"""Of categories; the rarer ones are one bin together."""
Bins = NDArray[np.int64]


@dataclass(frozen=True)
class Binned:
    """The bin of each row, -1 where the column has no value."""

    reference: Bins
    window: Bins
    number: int
    """Of bins: quantiles of the reference, or categories."""

    def counts(self) -> tuple[Bins, Bins]:
        """Rows in each bin, of the reference and of the window."""
        reference, window = (
            np.bincount(side[side >= 0], minlength=self.number).astype(np.int64)
            for side in (self.reference, self.window)
        )
        return reference, window


def binned(name: str, type_: FeatureType, reference: pa.Table, window: pa.Table) -> Binned | None:
    """The bins of one column; None where the two sides cannot be compared, and of texts and embeddings."""
    if type_ in ("Text", "Embedding"):
        return None
    try:
        pair = clean(name, type_, reference, window, min_values=1)
        if pa.types.is_floating(pair.reference.type):
            before, now = (side.to_numpy(zero_copy_only=False) for side in (pair.reference, pair.current))
            return of_numbers(before, now)
        return _of_categories(pair.reference.cast(pa.string()), pair.current.cast(pa.string()))
    except (ColumnFaultError, pa.ArrowException):
        return None


def of_numbers(reference: NDArray[np.float64], window: NDArray[np.float64]) -> Binned | None:
    """Bins by the deciles of the reference; NaN has none."""
    known = reference[~np.isnan(reference)]
    if not len(known):
        return None
    cuts = bins.quantile_cuts(known)
    before, now = (
        np.where(np.isnan(side), -1, np.searchsorted(cuts, side, side="left")) for side in (reference, window)
    )
    return Binned(before, now, len(cuts) + 1)


def _of_categories(reference: pa.Array, window: pa.Array) -> Binned:
    both = pa.concat_arrays([reference, window]).dictionary_encode()
    codes = both.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=len(both.dictionary))
    number = len(counts)
    if number > MOST_BINS:
        place = np.full(number, MOST_BINS - 1)
        common = np.argsort(-counts, kind="stable")[: MOST_BINS - 1]
        place[common] = np.arange(MOST_BINS - 1)
        codes, number = np.where(codes >= 0, place[codes], -1), MOST_BINS
    return Binned(codes[: len(reference)], codes[len(reference) :], number)
