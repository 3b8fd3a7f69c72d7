"""Pure: whether a classifier can tell the window's rows from the reference's, for texts and vectors.

Half of the rows of both sides train a logistic regression, which is asked about the other half, and the other way
round. The score is the mean of the two areas under the ROC curve: 0.5 is no better than chance, 1 knows every row. The
area is the statistic of Mann and Whitney (1947) on rows that the classifier has not seen, so that its p-value is that
test's; the smaller of the two is doubled (Bonferroni). Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests
(2017); Evidently judges texts and embeddings by such an area, too, of one division.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS = 5_000
"""Of a side, at most, chosen at random but always the same ones."""
_NUMBERS = 1 << 22
"""Of the vectors of a side, at most: long vectors are judged on fewer rows."""
_FEWEST = 500
_HASHES = 1 << 14
_WORD = r"[\u2e80-\u9fff\uac00-\ud7af]|[^\W\u2e80-\u9fff\uac00-\ud7af]+"
"""A word; of scripts that put no space between words a character."""
_SEED = 0
_OF_MANY = 0.03
"""How much components count against the penalty of their squares: hundreds of them learn chance by heart with 1."""

Weigh = Callable[[Any, Any], tuple[Any, Any]]
"""Of the rows to learn from and those to ask about -> features of both."""


def of_texts(reference: Sequence[str], current: Sequence[str]) -> tuple[float, float]:
    """Area and p-value by the words, hashed and weighed by how rare they are, the lengths, and the share of letters
    outside of ASCII, of digits and of capitals."""
    from scipy import sparse
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(n_features=_HASHES, norm=None, alternate_sign=False, token_pattern=_WORD)
    sides = [
        sparse.hstack([hashed.transform(side), sparse.csr_matrix(_shapes(side))], format="csr")
        for side in (list(reference), list(current))
    ]
    return _judged(sides[0], sides[1], _weigh_words, 1.0)


def of_vectors(reference: NDArray[np.float64], current: NDArray[np.float64]) -> tuple[float, float]:
    """Area and p-value by the components and their squares, both in standard deviations: of means and spreads."""
    most = max(_FEWEST, _NUMBERS // max(reference.shape[1], 1))
    return _judged(reference[:most], current[:most], _weigh_components, _OF_MANY)


def _judged(reference: Any, current: Any, weigh: Weigh, weight: float) -> tuple[float, float]:
    random = np.random.default_rng(_SEED)
    halves = [np.array_split(random.permutation(side.shape[0]), 2) for side in (reference, current)]
    if min(len(half) for side in halves for half in side) < 1:
        raise ValueError("a classifier needs two rows of each side")
    parts = [(reference[before], current[after]) for before, after in zip(*halves, strict=True)]
    judged = [_asked(parts[0], parts[1], weigh, weight), _asked(parts[1], parts[0], weigh, weight)]
    return float(np.mean([area for area, _ in judged])), min(1.0, 2 * min(p_value for _, p_value in judged))


def _asked(learnt: tuple[Any, Any], unseen: tuple[Any, Any], weigh: Weigh, weight: float) -> tuple[float, float]:
    """Area and one-sided p-value over the unseen rows."""
    from scipy import stats
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    features, asked = weigh(_stacked(learnt), _stacked(unseen))
    labels = np.repeat([0, 1], [side.shape[0] for side in learnt])
    classifier = LogisticRegression(C=weight, class_weight="balanced", max_iter=200)
    # One thread: sums in another order would give other last digits on a machine with more cores.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # not converged is good enough to be judged by rows that it has not seen
        scores = classifier.fit(features, labels).decision_function(asked)
    before, after = np.split(scores, [unseen[0].shape[0]])
    if np.ptp(scores) == 0:
        return 0.5, 1.0
    found = stats.mannwhitneyu(after, before, alternative="greater", method="asymptotic")
    return float(found.statistic) / (len(after) * len(before)), float(found.pvalue)


def _stacked(sides: tuple[Any, Any]) -> Any:
    if isinstance(sides[0], np.ndarray):
        return np.vstack(sides)
    from scipy import sparse

    return sparse.vstack(sides, format="csr")


def _weigh_words(learnt: Any, unseen: Any) -> tuple[Any, Any]:
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfTransformer

    weights = TfidfTransformer(sublinear_tf=True).fit(learnt[:, :_HASHES])
    means, deviations = _scale(learnt[:, _HASHES:].toarray())
    weighed = [
        sparse.hstack(
            [
                weights.transform(side[:, :_HASHES]),
                sparse.csr_matrix((side[:, _HASHES:].toarray() - means) / deviations),
            ],
            format="csr",
        )
        for side in (learnt, unseen)
    ]
    return weighed[0], weighed[1]


def _weigh_components(learnt: Any, unseen: Any) -> tuple[Any, Any]:
    means, deviations = _scale(learnt)
    scaled = [np.clip((side - means) / deviations, -10, 10) for side in (learnt, unseen)]
    weighed = [np.hstack([side, np.square(side) - 1]) for side in scaled]
    return weighed[0], weighed[1]


def _scale(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    deviations = values.std(axis=0)
    return values.mean(axis=0), np.where(deviations > 0, deviations, 1.0)


def _shapes(texts: Sequence[str]) -> NDArray[np.float64]:
    """Of each text its length by its logarithm, and its shares of other letters than ASCII's, digits and capitals."""
    shapes = np.empty((len(texts), 4))
    for row, text in enumerate(texts):
        length = max(len(text), 1)
        others = len(text) - len(text.encode("ascii", "ignore"))
        digits, capitals = sum(map(str.isdigit, text)), sum(map(str.isupper, text))
        shapes[row] = np.log1p(len(text)), others / length, digits / length, capitals / length
    return shapes
