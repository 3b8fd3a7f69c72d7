"""Pure: the tests that need two columns in order: Kolmogorov-Smirnov and Wasserstein."""

import warnings

import numpy as np

from driftmonitor_check.statistics.bins import Values

EXACT_ROWS = 10_000
"""With no more values on both sides, scipy computes the p-value of Kolmogorov-Smirnov exactly."""
_SMALLEST_DEVIATION = 0.001
"""Of the reference, by which Evidently divides a distance: a constant reference has none of its own."""


def ks_statistic(reference: Values, current: Values) -> float:
    """The largest distance between the two shares of values that are no larger; both sides sorted.

    Between two neighbours of the reference its share stands still and the other only grows, so that only the ends of
    that interval need be looked at.
    """
    ranks = np.arange(len(reference) + 1) / len(reference)
    above = ranks[1:] - np.searchsorted(current, reference, "right") / len(current)
    below = np.searchsorted(current, reference, "left") / len(current) - ranks[:-1]
    return float(max(0.0, above.max(), below.max()))


def ks_test(reference: Values, current: Values) -> tuple[float, float]:
    """The two-sided p-value of the two-sample Kolmogorov-Smirnov test, as `scipy.stats.ks_2samp`, and its statistic.

    Both sides sorted.
    """
    from scipy import stats

    statistic, rows = ks_statistic(reference, current), (len(reference), len(current))
    if max(rows) > EXACT_ROWS:
        return ks_p_value_of(statistic, *rows), statistic
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where it had to take the asymptotic distribution
        return float(stats.ks_2samp(reference, current).pvalue), statistic


def ks_p_value_of(statistic: float, reference_rows: int, current_rows: int) -> float:
    """The p-value of a statistic in the limit of many rows, where scipy takes it for more than EXACT_ROWS."""
    from scipy import stats

    more, fewer = float(max(reference_rows, current_rows)), float(min(reference_rows, current_rows))
    return float(np.clip(stats.kstwo.sf(statistic, np.round(more * fewer / (more + fewer))), 0.0, 1.0))


def wasserstein(reference: Values, current: Values) -> float:
    """The area between the two distribution functions in standard deviations of the reference; both sides sorted."""
    return earth_movers_distance(reference, current) / norm(float(np.std(reference)))


def norm(deviation: float) -> float:
    """What Evidently divides a distance by, for a reference of this standard deviation."""
    return max(deviation, _SMALLEST_DEVIATION)


def earth_movers_distance(reference: Values, current: Values) -> float:
    """The area between the two distribution functions, taken along the shares: no value is looked for; both sorted."""
    if len(reference) == len(current):
        return float(np.abs(reference - current).mean())
    # Shares are counted in steps of 1 / (rows * rows), so that all are whole numbers.
    rows = len(reference), len(current)
    steps = [np.arange(1, count, dtype=np.int64) * other for count, other in (rows, rows[::-1])]
    bounds = np.concatenate([[0], np.sort(np.concatenate(steps), kind="stable"), [rows[0] * rows[1]]])
    widths, starts = np.diff(bounds), bounds[:-1]
    distances = np.abs(reference[starts // rows[1]] - current[starts // rows[0]])
    return float(np.dot(distances, widths / (rows[0] * rows[1])))
