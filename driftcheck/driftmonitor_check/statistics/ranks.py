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


_BINS = 1 << 14
_GLANCE = 1 << 11
_MIDDLE = (0.005, 0.995)
"""Between which quantiles of about _GLANCE values of each side the bins lie: tails may reach as far as they like."""


def ks_statistic_in_bins(reference: Values, current: Values) -> float:
    """The same number of sides in any order: only the bins that may hold the largest distance are sorted.

    All values of a bin are smaller than those of the next, so that both shares are known at its ends. Within it the
    distance exceeds what one side has at the upper end less what the other has at the lower end nowhere.
    """
    some = np.concatenate([side[:: max(1, len(side) // _GLANCE)] for side in (reference, current)])
    low, high = np.quantile(some, _MIDDLE)
    with np.errstate(over="ignore", divide="ignore"):  # of values that far apart, or all the same
        scale = _BINS / (high - low)
        if not 0 < scale < np.inf:
            return ks_statistic(np.sort(reference), np.sort(current))
        sides = reference, current
        # What is outside of the middle is in the first and in the last bin.
        codes = [(np.clip((side - low) * scale, -1, _BINS) + 1).astype(np.int32) for side in sides]
    counts = [np.bincount(code, minlength=_BINS + 2) for code in codes]
    ends = [np.cumsum(count) for count in counts]
    starts = [end - count for end, count in zip(ends, counts, strict=True)]
    rows = len(reference), len(current)
    known = float(np.abs(ends[0] / rows[0] - ends[1] / rows[1]).max())
    most = np.maximum(ends[0] / rows[0] - starts[1] / rows[1], ends[1] / rows[1] - starts[0] / rows[0])
    chosen = most > known
    if not chosen.any():
        return known
    r, c = (np.sort(side[chosen[code]]) for side, code in zip(sides, codes, strict=True))
    # Of each bin, how many values of a side are before it and were not chosen.
    before = [
        start[chosen] - np.cumsum(count[chosen]) + count[chosen] for start, count in zip(starts, counts, strict=True)
    ]
    inside = counts[0][chosen]
    ranks = np.arange(len(r)) + np.repeat(before[0], inside)
    left_out = np.repeat(before[1], inside)
    above = (ranks + 1) / rows[0] - (np.searchsorted(c, r, "right") + left_out) / rows[1]
    below = (np.searchsorted(c, r, "left") + left_out) / rows[1] - ranks / rows[0]
    return float(max(known, above.max(initial=0.0), below.max(initial=0.0)))


def ks_test(reference: Values, current: Values) -> tuple[float, float]:
    """The two-sided p-value of the two-sample Kolmogorov-Smirnov test, as `scipy.stats.ks_2samp`, and its statistic."""
    from scipy import stats

    statistic, rows = ks_statistic_in_bins(reference, current), (len(reference), len(current))
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
