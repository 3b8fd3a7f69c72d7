"""Pure: tests and distances of two samples of numbers. No NaN, no infinity, at least one row each."""

import warnings

import numpy as np

from driftmonitor_check.statistics import ranks
from driftmonitor_check.statistics.bins import Values


def ks(reference: Values, current: Values) -> float:
    """p-value of the two-sided, two-sample test of Kolmogorov and Smirnov (1933, 1939)."""
    return ks_test(reference, current)[0]


def ks_test(reference: Values, current: Values) -> tuple[float, float]:
    """That p-value with the statistic that it stands on, which is what both cost."""
    return ranks.ks_test(reference, current)


def ks_statistic(reference: Values, current: Values) -> float:
    """The statistic of that test: the largest difference of the two shares of rows up to any number, 0 to 1."""
    return ranks.ks_statistic_in_bins(reference, current)


def wasserstein(reference: Values, current: Values) -> float:
    """The first Wasserstein distance in standard deviations of the reference: Evidently's."""
    return ranks.wasserstein(np.sort(reference), np.sort(current))


def t_test(reference: Values, current: Values) -> float:
    """p-value of Student's (1908) two-sided test of two means, equal variances assumed. NaN for two constants."""
    from scipy import stats

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of constants, where the answer is NaN
        return float(stats.ttest_ind(reference, current).pvalue)


def anderson(reference: Values, current: Values) -> float:
    """p-value of the two-sample test of Anderson and Darling (Scholz and Stephens 1987), 0.001 to 0.25.

    ValueError where all numbers are equal.
    """
    from scipy import stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that the p-value is at its bound, and announces a next version
        return float(stats.anderson_ksamp([reference, current])[2])


def cramer_von_mises(reference: Values, current: Values) -> float:
    """p-value of the two-sample test of Cramer and von Mises (Anderson 1962). NaN with one row."""
    from scipy import stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of one row
        return float(stats.cramervonmises_2samp(reference, current).pvalue)


def cohens_d(reference: Values, current: Values) -> float:
    """The difference of the means in pooled standard deviations, without sign.

    Cohen, Statistical Power Analysis (1988), which calls 0.2 small, 0.5 medium, 0.8 large. Infinite for two different
    constants.
    """
    difference = abs(float(np.mean(reference) - np.mean(current)))
    rows = len(reference), len(current)
    squares = float(np.var(reference)) * rows[0] + float(np.var(current)) * rows[1]
    deviation = float(np.sqrt(squares / max(sum(rows) - 2, 1)))
    if deviation == 0:
        return 0.0 if difference == 0 else float("inf")
    return difference / deviation
