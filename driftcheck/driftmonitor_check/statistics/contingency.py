"""Pure: tests of the hypothesis that two samples of categories come from one distribution, from their counts.

Both arrays are aligned: place i counts the same category. Each side holds at least one row. All return p-values.
scipy is imported late: it costs half a second that a check of too few rows need not pay.
"""

import numpy as np
from numpy.typing import NDArray

from driftmonitor_check.statistics.divergences import Counts

EXPECTED_ROWS = 5
"""Fewer expected rows of a category make the chi-square approximation bad: Cochran, The chi-square test (1952)."""
_PERMUTATIONS = 1000  # Evidently's number


def chisquare(reference: Counts, current: Counts) -> float:
    """Pearson's chi-square test of goodness of fit, the reference taken for the true distribution: Evidently's.

    It ignores the noise of the reference. NaN with a single category.
    """
    from scipy import stats

    reference, current = _present(reference, current)
    expected = reference * (current.sum() / reference.sum())
    with np.errstate(divide="ignore", invalid="ignore"):  # a category new in the window: infinite, the p-value 0
        return float(stats.chisquare(current, expected).pvalue)


def chi2_contingency(reference: Counts, current: Counts) -> float:
    """Pearson's chi-square test of homogeneity: both sides are samples with noise. 1 with a single category.

    Categories are put together, rarest first, until each has EXPECTED_ROWS rows to expect in both sides.
    """
    from scipy import stats

    table = _without_rare(*_present(reference, current))
    if table.shape[1] < 2:
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def z(reference: Counts, current: Counts) -> float:
    """The two-sided z-test of two proportions with a pooled variance: Evidently's. ValueError beyond two categories."""
    from scipy import stats

    reference, current = _binary(reference, current)
    if len(reference) < 2:
        return 1.0
    rows = int(reference.sum()), int(current.sum())
    shares = reference[1] / rows[0], current[1] / rows[1]
    pooled = (reference[1] + current[1]) / sum(rows)
    deviation = np.sqrt(pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1]))
    return float(2 * stats.norm.sf(abs(shares[0] - shares[1]) / deviation))


def fisher_exact(reference: Counts, current: Counts) -> float:
    """Fisher's exact test of a table of two by two. ValueError beyond two categories."""
    from scipy import stats

    reference, current = _binary(reference, current)
    if len(reference) < 2:
        return 1.0
    return float(stats.fisher_exact(np.stack([current, reference])).pvalue)


def tvd_permutation(reference: Counts, current: Counts) -> float:
    """Permutation test of the total variation distance: the share of 1,000 random divisions that are as far apart.

    As Evidently's, with its number of divisions, from counts: a division of the rows of both sides at random gives
    each category's count the multivariate hypergeometric distribution. Always the same ones for the same counts.
    """
    reference, current = _present(reference, current)
    both, rows, others = reference + current, int(reference.sum()), int(current.sum())
    drawn = np.random.default_rng(0).multivariate_hypergeometric(both, rows, size=_PERMUTATIONS)
    # In whole numbers: divisions that are equally far apart are common, and rounding must not tell them apart.
    observed = np.abs(reference * others - current * rows).sum()
    distances = np.abs(drawn * others - (both - drawn) * rows).sum(axis=1)
    return float(np.mean(distances >= observed))


def _present(reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    """Without categories that neither side has."""
    reference, current = np.asarray(reference, np.int64), np.asarray(current, np.int64)
    there = reference + current > 0
    return reference[there], current[there]


def _binary(reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    reference, current = _present(reference, current)
    if len(reference) > 2:
        raise ValueError(f"it compares two categories, and there are {len(reference)}")
    return reference, current


def _without_rare(reference: Counts, current: Counts) -> NDArray[np.int64]:
    rows = np.array([reference.sum(), current.sum()])
    order = np.argsort(reference + current, kind="stable")
    table = np.stack([reference[order], current[order]])
    expected = table.sum(axis=0) * (rows.min() / rows.sum())
    rare = int(np.sum(expected < EXPECTED_ROWS))
    if not rare:
        return table
    while rare < table.shape[1] and expected[:rare].sum() < EXPECTED_ROWS:
        rare += 1
    return np.column_stack([table[:, :rare].sum(axis=1), table[:, rare:]])
