"""Pure: distances between two distributions, from the counts of their bins or categories.

Both arrays are aligned: place i counts the same bin. Each side holds at least one row.
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]


def psi(reference: Counts, current: Counts) -> float:
    """Population stability index: the sum of (r - c) ln(r / c) over the shares, 0 upwards.

    Siddiqi, Credit Risk Scorecards (2006), which reads 0.1 as a slight and 0.25 as a major shift. It equals the
    symmetric divergence of Jeffreys. Empty bins count as a small share, as Evidently has it.
    """
    r, c = _filled(_shares(reference)), _filled(_shares(current))
    return float(np.sum((r - c) * np.log(r / c)))


def kl_div(reference: Counts, current: Counts) -> float:
    """Divergence of Kullback and Leibler (1951) of the reference from the window in nats, 0 upwards."""
    r, c = _filled(_shares(reference)), _filled(_shares(current))
    r, c = r / r.sum(), c / c.sum()
    return max(0.0, float(np.sum(r * np.log(r / c))))


def jensenshannon(reference: Counts, current: Counts) -> float:
    """Distance of Jensen and Shannon, natural logarithm: 0 to 0.833.

    The root of the divergence in Lin, Divergence measures based on the Shannon entropy (1991).
    """
    r, c = _shares(reference), _shares(current)
    middle = (r + c) / 2
    divergence = (_relative_entropy(r, middle) + _relative_entropy(c, middle)) / 2
    return float(np.sqrt(max(0.0, divergence)))


def hellinger(reference: Counts, current: Counts) -> float:
    """Distance of Hellinger (1909): the root of 1 - sum of sqrt(r c), 0 to 1."""
    overlap = float(np.sum(np.sqrt(_shares(reference) * _shares(current))))
    return float(np.sqrt(1 - min(overlap, 1.0)))


def total_variation(reference: Counts, current: Counts) -> float:
    """Total variation distance: the share of rows that would have to change their category, 0 to 1."""
    return float(np.sum(np.abs(_shares(reference) - _shares(current))) / 2)


def linfinity(reference: Counts, current: Counts) -> float:
    """Distance of Chebyshev (L-infinity): the largest difference of one category's shares, 0 to 1."""
    return float(np.max(np.abs(_shares(reference) - _shares(current))))


def _shares(counts: Counts) -> Shares:
    return np.asarray(counts, np.float64) / np.sum(counts)


def _filled(shares: Shares) -> Shares:
    """With Evidently's small share where there is none: 0.0001, or less where shares that small occur."""
    smallest = float(shares[shares != 0].min())
    return np.where(shares == 0, smallest / 10**6 if smallest <= 0.0001 else 0.0001, shares)


def _relative_entropy(shares: Shares, of: Shares) -> float:
    there = shares > 0
    return float(np.sum(shares[there] * np.log(shares[there] / of[there])))
