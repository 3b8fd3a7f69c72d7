"""Pure: how well a classifier tells the window's rows from the reference's, and by which columns.

Friedman, *On multivariate goodness-of-fit and two-sample testing* (2003); known as adversarial validation.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftmonitor_check.multivariate.encoding import Doubles, Matrices

FOLDS = 5
DEPENDENCE = 1.4
"""So much larger than the standard error of independent folds is that of folds which learn from each other's rows; seen
of 500 rows without drift."""
SEED = 0
_TREES = {"max_iter": 60, "max_bins": 32, "early_stopping": False}
"""Coarse bins: of 500 rows, finer ones are learnt by heart, and lost correlations found worse."""


@dataclass(frozen=True)
class Separation:
    """What the classifier of a cross-validation says of rows that it has not seen."""

    auc: float
    """Mean of the folds' areas under the ROC curve."""
    deviation: float
    """Standard deviation of it where the two sides do not differ."""
    importances: Doubles
    """By how much the AUC falls when a column is shuffled, one a column."""


def separation(found: Matrices) -> Separation:
    """The same for the same matrices. ValueError where there is no column, or a side has fewer rows than folds."""
    if not found.names:
        raise ValueError("there is no column that it could learn from")
    rows = np.vstack([found.reference, found.window])
    side = np.repeat([0, 1], [len(found.reference), len(found.window)])
    random = np.random.default_rng(SEED)
    folds, sizes = _folds(rows, side, random)
    if min(sizes) < FOLDS:
        raise ValueError(f"a side has {min(sizes)} different rows, fewer than the {FOLDS} folds of a cross-validation")
    areas, falls = [], []
    for model, test in _models(rows, side, folds):
        area = _auc(side[test], model(rows[test]))
        areas.append(area)
        falls.append([area - _auc(side[test], model(each)) for each in _shuffled(rows[test], random)])
    return Separation(
        float(np.mean(areas)), DEPENDENCE * deviation(sizes[0], sizes[1]), np.clip(np.mean(falls, axis=0), -1.0, 1.0)
    )


def deviation(reference_rows: int, window_rows: int) -> float:
    """Standard error of the AUC of sides that do not differ, as the mean of independent folds.

    Hanley and McNeil, *The meaning and use of the area under a ROC curve* (1982), with an area of 1/2.
    """
    return math.sqrt((reference_rows + window_rows + FOLDS) / (12 * reference_rows * window_rows))


def _folds(rows: Doubles, side: NDArray[Any], random: np.random.Generator) -> tuple[NDArray[Any], tuple[int, int]]:
    """The fold of each row, and the rows of each side that count for the error.

    Where most rows are different, copies come into one fold and count once: a window in which a few rows are repeated
    would be known by them. Where they are few by nature (categories alone), copies are as good as other rows.
    """
    _, kind = np.unique(np.nan_to_num(rows, nan=-1e300), axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    if kind.max() + 1 < len(rows) / 2:
        kind = np.arange(len(rows))
    folds = np.empty(len(rows), np.int64)
    seen: NDArray[Any] = np.array([], np.int64)
    sizes = []
    for which in (0, 1):
        members = np.flatnonzero(side == which)
        own, copies = np.unique(kind[members], return_inverse=True)
        place = random.permutation(len(own)) % FOLDS
        known = np.isin(own, seen)  # rows of both sides stay where they are
        if which == 1 and known.any():
            first = np.flatnonzero(side == 0)
            fold_of = dict(zip(kind[first].tolist(), folds[first].tolist(), strict=True))
            place[known] = [fold_of[each] for each in own[known].tolist()]
        folds[members] = place[copies.reshape(-1)]
        seen = own
        sizes.append(len(own))
    return folds, (sizes[0], sizes[1])


def _models(
    rows: Doubles, side: NDArray[Any], folds: NDArray[Any]
) -> Iterator[tuple[Callable[[Doubles], Doubles], NDArray[Any]]]:
    """For each fold a function that scores rows, learnt from the others, and the fold's rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # late: it costs a second
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # with several threads sums of floating-point numbers depend on who comes first
        for fold in range(FOLDS):
            train, test = folds != fold, np.flatnonzero(folds == fold)
            model = HistGradientBoostingClassifier(random_state=SEED, **_TREES).fit(rows[train], side[train])
            yield model.decision_function, test


def _shuffled(rows: Doubles, random: np.random.Generator) -> Iterator[Doubles]:
    """The rows with one column after another in another order."""
    for column in range(rows.shape[1]):
        each = rows.copy()
        each[:, column] = random.permutation(each[:, column])
        yield each


def _auc(side: NDArray[Any], scores: Doubles) -> float:
    """The share of pairs of a window's and a reference's row in which the window's scores higher; equal ones half."""
    from scipy.stats import rankdata  # late: it costs as much as all else

    window = side == 1
    many, others = int(window.sum()), int((~window).sum())
    if not many or not others:
        return 0.5
    return float((rankdata(scores)[window].sum() - many * (many + 1) / 2) / (many * others))
