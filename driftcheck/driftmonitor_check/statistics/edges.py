"""Pure: the bins that Evidently counts numbers in, from three numbers that batches can be reduced to."""

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

MAX_PLAIN_VALUES = 20
"""A reference of no more distinct numbers is compared value by value instead of in bins; Evidently's rule."""


def equal_width_edges(minimum: float, maximum: float, rows: int) -> Doubles:
    """numpy's `histogram_bin_edges(values, "sturges")` of `rows` values between the two, without the values.

    Raises ValueError where that does: for a range that is not finite, or too narrow to be divided.
    """
    first, last = (minimum, maximum) if minimum < maximum else (minimum - 0.5, maximum + 0.5)
    with np.errstate(all="ignore"):
        width = np.subtract(maximum, minimum, dtype=np.float64) / (np.log2(rows) + 1.0)
        bins = int(np.ceil((last - first) / width)) if width else 1
        edges = np.linspace(first, last, bins + 1)
    if not np.isfinite(edges).all() or np.any(edges[:-1] >= edges[1:]):
        raise ValueError(f"the numbers from {minimum:g} to {maximum:g} cannot be divided into {bins} bins")
    return edges


def histogram(values: Doubles, edges: Doubles) -> Counts:
    """How many of the values lie between two neighbours of `equal_width_edges`; the last bin includes its end.

    The same counts as by `np.histogram(values, edges)`, which sorts them, at a sixth of its time.
    """
    return np.histogram(values, len(edges) - 1, range=(float(edges[0]), float(edges[-1])))[0].astype(np.int64)
