"""Pure: how far two samples of the same data may differ by chance, so that a fault is told apart from a small sample.

Each function takes counts, and gives the difference that the same data would exceed about once in ten thousand times.
"""

import math

DEVIATIONS = 4.0
"""Standard deviations, one-sided: 3 in 100,000 of a normal distribution, and some more of skewed ones."""
RARE = 1e-4


def of_share(reference_count: int, reference_rows: int, window_count: int, window_rows: int) -> float:
    """Of a share of rows: the standard error of the difference of two proportions, pooled, with continuity."""
    pooled = (reference_count + window_count) / (reference_rows + window_rows)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / reference_rows + 1 / window_rows))
    return DEVIATIONS * spread + 2 / window_rows


def of_range(reference_rows: int, window_rows: int) -> float:
    """Of the share outside the smallest and the largest of n values.

    For data of any distribution that share is Beta(2, n - 1) distributed; it is beyond 12 / n once in ten thousand.
    """
    return _seen(12 / reference_rows, window_rows)


def of_unseen(singles: int, doubles: int, rows: int, other_rows: int) -> float:
    """Of the share of rows with a category that a sample has not seen, by Good and Turing.

    It is about singles / n, those seen once by those seen at all, with the variance (singles + 2 * doubles) / n^2.
    """
    expected = (singles + DEVIATIONS * math.sqrt(1 + singles + 2 * doubles)) / rows
    return _seen(expected, other_rows)


def of_duplicates(reference_duplicates: int, reference_rows: int, window_rows: int) -> float:
    """Of the share of rows that are there before: it grows with the rows, as pairs do, until all are."""
    pairs = reference_duplicates + DEVIATIONS * math.sqrt(1 + reference_duplicates) + 9
    larger = max(1.0, window_rows / reference_rows)
    return pairs * larger / reference_rows


def constant(other_rows: int, reference_rows: int, window_rows: int) -> bool:
    """Whether chance may leave each of the reference's `other_rows` out of a window, by drawing without replacement."""
    log = other_rows * math.log(reference_rows / (reference_rows + window_rows)) if other_rows else 0.0
    return log > math.log(RARE)


def _seen(share: float, rows: int) -> float:
    return share + DEVIATIONS * math.sqrt(max(0.0, share * (1 - share)) / rows) + 2 / rows
