"""Pure: how far the mean and the quantiles of a column of numbers have moved, and the correlations of several."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import ShiftLevels, ViolationSeverity
from driftmonitor_check.quality.chance import DEVIATIONS, RARE
from driftmonitor_check.quality.levels import Finding, judged

DEFAULT_MEAN = (0.05, 0.1)
DEFAULT_QUANTILES = (0.1, 0.2)
DEFAULT_CORRELATION = (0.2, 0.4)
"""Warning and critical level, as the API documents them."""
QUANTILES = (0.5, 0.95)
MAX_ROWS, MAX_COLUMNS = 20_000, 100
"""What correlations are computed of: their cost grows with the square of the columns."""

Doubles = NDArray[np.float64]
"""With NaN where there is nothing."""


def levels(chosen: ShiftLevels, default: tuple[float, float]) -> tuple[float, float]:
    """Warning and critical level: the object's, else the default."""
    if chosen.warning is None or chosen.critical is None:
        return default
    return chosen.warning, chosen.critical


def mean(reference: Doubles, window: Doubles, bounds: tuple[float, float]) -> Iterator[Finding]:
    """The difference of the means, by the reference's mean or, where that is larger, its standard deviation.

    A mean near zero is no measure of anything: a column around it moves by many times its mean in every window.
    """
    reference, window = _present(reference), _present(window)
    if len(reference) < 2 or len(window) < 2:
        return
    with np.errstate(all="ignore"):
        before, after, deviation = float(reference.mean()), float(window.mean()), float(reference.std(ddof=1))
        scale = max(abs(before), deviation) or abs(after) or 1.0
        value = abs(after - before) / scale
        # Of both together: the smaller of two samples rarely has the tails that its mean depends on.
        pooled = float(np.concatenate([reference, window]).std(ddof=1))
        error = DEVIATIONS * pooled * math.sqrt(1 / len(reference) + 1 / len(window))
        # One wild value of a small sample moves its mean by more than that, and is no shift.
        wildest = max(float(np.abs(side - side.mean()).max()) / len(side) for side in (reference, window))
        noise = (error + wildest) / scale
    if said := _judged(value, bounds, noise):
        message = f"its mean was {before:.6g} and is {after:.6g}; {scale:.6g} counts as 1"
        yield Finding("mean_shift_check", value, said[1], said[0], message)


def quantiles(reference: Doubles, window: Doubles, bounds: tuple[float, float]) -> Iterator[Finding]:
    """The differences of the median and of the 95 % quantile, by the reference's middle 90 %."""
    reference, window = _present(reference), _present(window)
    if not len(reference) or not len(window):
        return
    with np.errstate(all="ignore"):  # what overflows says nothing, below
        yield from _quantiles(reference, window, bounds)


def _quantiles(reference: Doubles, window: Doubles, bounds: tuple[float, float]) -> Iterator[Finding]:
    low, high = np.quantile(reference, [0.05, 0.95])
    scale = float(high - low) or float(reference.std()) or 1.0
    for share in QUANTILES:
        # The window's quantile is one of the reference's neighbouring ones, whatever the distribution.
        reach = DEVIATIONS * math.sqrt(share * (1 - share) * (1 / len(reference) + 1 / len(window)))
        if not _bounded(share, reach, len(reference), len(window)):
            continue
        least, before, most = np.quantile(reference, [max(0.0, share - reach), share, min(1.0, share + reach)])
        after = float(np.quantile(window, share))
        noise = max(before - least, most - before) / scale * (1 + 1e-9)  # to be as far away is not to be beyond
        if said := _judged(abs(after - before) / scale, bounds, float(noise)):
            message = f"its {share:.0%} quantile was {before:.6g} and is {after:.6g}; {scale:.6g} counts as 1"
            yield Finding("quantile_shift_check", abs(after - before) / scale, said[1], said[0], message)


def _bounded(share: float, reach: float, reference_rows: int, window_rows: int) -> bool:
    """Whether the reference has a neighbour on each side, or has its smallest and largest value beyond by more than
    chance: all of the window's values that are beyond the quantile must not lie beyond those by chance."""
    side = window_rows / (reference_rows + window_rows)
    below = share - reach >= 0 or side ** (share * window_rows) < RARE
    above = share + reach <= 1 or side ** ((1 - share) * window_rows) < RARE
    return below and above


def sample(values: Doubles) -> Doubles:
    """At most MAX_ROWS of the rows, evenly, the same ones of each column."""
    return values[:: math.ceil(len(values) / MAX_ROWS) or 1].copy()


def correlations(
    reference: Mapping[str, Doubles], window: Mapping[str, Doubles], bounds: tuple[float, float]
) -> Iterator[tuple[str, Finding]]:
    """The largest changes of the rank correlations (Spearman) of two columns, each column named once at most.

    Of more columns than MAX_COLUMNS the first ones are looked at; of the rows `sample` takes some.
    """
    names = list(reference)[:MAX_COLUMNS]
    if len(names) < 2:
        return
    before, rows_before = _rank_correlations([reference[name] for name in names])
    after, rows_after = _rank_correlations([window[name] for name in names])
    left, right = np.triu_indices(len(names), 1)
    change = np.abs(after - before)[left, right]
    rows = 1 / np.maximum(rows_before - 3, 1) + 1 / np.maximum(rows_after - 3, 1)
    # Fisher's transformation; its bound for the change of the largest of many pairs.
    noise = 1.03 * math.sqrt(2 * math.log(len(left) / RARE)) * np.sqrt(rows)[left, right]
    told: set[str] = set()
    for pair in np.argsort(-np.nan_to_num(change), kind="stable"):
        one, other = names[left[pair]], names[right[pair]]
        said = _judged(float(change[pair]), bounds, float(noise[pair]))
        if said is None or told & {one, other}:
            continue
        told |= {one, other}
        was, is_ = before[left[pair], right[pair]], after[left[pair], right[pair]]
        message = f"its rank correlation with {other[:100]} was {was:.3f} and is {is_:.3f}"
        yield one, Finding("correlation_check", float(change[pair]), said[1], said[0], message)


def _rank_correlations(columns: list[Doubles]) -> tuple[Doubles, Doubles]:
    """Between all columns, NaN for a constant one, and the number of rows that have both."""
    ranks = np.array([_centred_ranks(column) for column in columns])
    present = (~np.isnan(ranks)).astype(float)
    ranks = np.nan_to_num(ranks)
    squares = (ranks**2) @ present.T
    with np.errstate(all="ignore"):
        return (ranks @ ranks.T) / np.sqrt(squares * squares.T), present @ present.T


def _centred_ranks(values: Doubles) -> Doubles:
    """Ranks around their mean, the same for equal values; NaN stays."""
    ranks = np.full(len(values), np.nan)
    there = ~np.isnan(values)
    if there.any():
        _, place, counts = np.unique(values[there], return_inverse=True, return_counts=True)
        ranks[there] = (np.cumsum(counts) - (counts + 1) / 2)[place]
        ranks -= np.nanmean(ranks)
    return ranks


def _present(values: Doubles) -> Doubles:
    return values[~np.isnan(values)]


def _judged(value: float, bounds: tuple[float, float], noise: float) -> tuple[ViolationSeverity, float] | None:
    if not math.isfinite(value) or not math.isfinite(noise):
        return None
    return judged(value, bounds, chance=noise, most=math.inf)
