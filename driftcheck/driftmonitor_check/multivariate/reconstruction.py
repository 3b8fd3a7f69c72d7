"""Pure: the error with which the reference's principal components give rows back.

As NannyML defines it (its documentation, *Data Reconstruction with PCA*): missing values become the mean or the
commonest category, a category its share in the reference, columns are standardised, components with 65 % of the
variance are kept, and the error is the mean Euclidean distance. Two things differ. The errors of the reference's parts,
whose spread makes the bounds, are of components that those parts had no share in: a fit knows its own rows too well.
And numbers beyond the reference's range count as its bound: one absurd value would be the mean of all rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftmonitor_check.multivariate.encoding import Doubles, Matrices

PARTS = 10
"""NannyML's default number of chunks."""
VARIANCE = 0.65
"""NannyML's default share of variance that the components keep."""
DEVIATIONS = 3.0
"""NannyML's default: a threshold lies so many standard deviations from the mean."""

_EXACT = 1e-9
"""Of standardised columns: what is less comes of rounding."""

Errors = Callable[[Doubles], Doubles]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Reconstruction:
    """The window's error, and what it is in the reference."""

    error: float
    mean: float
    deviation: float
    """Of the means of so many rows as the window has or as a part of the reference has, whichever is less."""

    @property
    def deviations(self) -> float:
        """So many standard deviations the window's error is from the reference's."""
        return abs(self.error - self.mean) / self.deviation

    @property
    def bounds(self) -> tuple[float, float]:
        """What NannyML would hold the error against."""
        reach = DEVIATIONS * self.deviation
        return max(0.0, self.mean - reach), self.mean + reach


def reconstruction(found: Matrices) -> Reconstruction:
    """The same for the same matrices. ValueError where there is nothing to reconstruct, or to learn from."""
    from threadpoolctl import threadpool_limits

    if len(found.reference) < 2 * PARTS:
        raise ValueError(f"the reference has {len(found.reference)} rows, too few for {PARTS} parts of two")
    with threadpool_limits(1):  # sums of several threads depend on who comes first
        parts = np.array_split(np.arange(len(found.reference)), PARTS)
        held_out = [
            errors(np.delete(found.reference, part, axis=0), found.categorical)(found.reference[part]) for part in parts
        ]
        window = errors(found.reference, found.categorical)(found.window)
    means = np.array([part.mean() for part in held_out])
    # Of ten parts a deviation is known badly: it is not less than that of rows without any order.
    rows = len(parts[-1])
    spread = max(float(means.std()), float(np.concatenate(held_out).std()) / np.sqrt(rows))
    spread *= max(1.0, float(np.sqrt(rows / len(window))))
    if not spread > _EXACT:
        raise ValueError("the components give every row of the reference back without an error")
    return Reconstruction(float(window.mean()), float(means.mean()), spread)


def errors(reference: Doubles, categorical: Flags) -> Errors:
    """The distance of each row from what is given back of it, by the components of this reference."""
    from sklearn.decomposition import PCA  # late: it costs a second

    numeric = _numbers(reference, categorical)
    plain = numeric(reference)
    low, high = plain.min(axis=0), plain.max(axis=0)
    centre, scale = plain.mean(axis=0), plain.std(axis=0)
    varied = scale > 0
    if varied.sum() < 2:
        raise ValueError("fewer than two columns have more than one value in the reference")
    if not np.isfinite(scale).all():
        raise ValueError("the numbers are too large to be squared")

    def scaled(rows: Doubles) -> Doubles:
        kept: Doubles = np.clip(numeric(rows), low, high)[:, varied]
        moved: Doubles = (kept - centre[varied]) / scale[varied]
        return moved

    components = PCA(n_components=VARIANCE, svd_solver="full").fit(scaled(reference))

    def distances(rows: Doubles) -> Doubles:
        given = scaled(rows)
        return np.asarray(np.linalg.norm(given - components.inverse_transform(components.transform(given)), axis=1))

    return distances


def _numbers(reference: Doubles, categorical: Flags) -> Errors:
    """Rows with a number everywhere."""
    tables: list[tuple[float, Doubles | None]] = []
    for column, is_category in enumerate(categorical):
        values = reference[:, column]
        values = values[~np.isnan(values)]
        if not len(values):
            tables.append((0.0, None))
        elif is_category:
            counts = np.bincount(values.astype(np.int64))
            commonest = int(counts.argmax())
            shares = counts / len(reference)
            shares[commonest] += 1 - len(values) / len(reference)
            tables.append((float(commonest), shares))
        else:
            with np.errstate(over="ignore"):
                tables.append((float(values.mean()), None))

    def numeric(rows: Doubles) -> Doubles:
        filled = rows.copy()
        for column, (missing, shares) in enumerate(tables):
            values = filled[:, column]
            values[np.isnan(values)] = missing
            if shares is not None:
                codes = values.astype(np.int64)
                known = codes < len(shares)
                values[:] = np.where(known, shares[np.where(known, codes, 0)], 0.0)
        return filled

    return numeric
