"""Pure: whether the classes have moved, and how much of the features' drift that explains.

Under prior drift (label shift) the features of each class are as they were, so that the window's features have the
distribution of the reference's, each class weighed by its share in the window: Saerens et al., Adjusting the outputs of
a classifier to new a priori probabilities (2002). Without labels in the window the weights are estimated from the
predictions: Lipton et al., Detecting and correcting for label shift with black box predictors (2018).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from driftmonitor_check.diagnosis.binning import Binned
from driftmonitor_check.methods import DEFAULT_THRESHOLDS, SIGNIFICANCE
from driftmonitor_check.statistics import contingency, divergences

_LEAST_CLASS = 20
"""Rows of the reference that a class must have, to say how its features are distributed."""
_DEVIATIONS = 4.0
_CONDITION = 30.0
"""Of the matrix of confusion, above which the classes that a model predicts say too little of the true ones."""
Weights = NDArray[np.float64]


def moved(classes: Binned) -> bool:
    """Whether the shares of classes have moved, by the default test of categories at its warning level."""
    before, now = classes.counts()
    if not before.sum() or not now.sum():
        return False
    far = divergences.linfinity(before, now) >= DEFAULT_THRESHOLDS["linfinity"][0]
    return far and contingency.chi2_contingency(before, now) <= SIGNIFICANCE


def weights(classes: Binned) -> Weights | None:
    """The share of each class in the window by that in the reference; None where a class has too few rows to say."""
    before, now = classes.counts()
    if np.any(now[before < _LEAST_CLASS] > 0.02 * now.sum()) or np.count_nonzero(before >= _LEAST_CLASS) < 2:
        return None
    kept = np.where(before >= _LEAST_CLASS, now, 0)
    found: Weights = (kept / kept.sum()) / np.maximum(before / before.sum(), 1e-12)
    return found


def estimated_weights(target: NDArray[np.int64], classes: int, predicted: Binned) -> Weights | None:
    """`weights` of the true classes, from the predictions of both sides and the `target` of the reference's rows.

    None where the predictions say too little of the classes.
    """
    known = (target >= 0) & (predicted.reference >= 0)
    joint = np.zeros((predicted.number, classes))
    np.add.at(joint, (predicted.reference[known], target[known]), 1.0)
    present = joint.sum(0) >= _LEAST_CLASS
    if np.count_nonzero(present) < 2 or not known.any():
        return None
    confusion = joint[:, present] / joint.sum()
    now = predicted.counts()[1]
    if np.linalg.cond(confusion / confusion.sum(0)) > _CONDITION or not now.sum():
        return None
    solved = np.linalg.lstsq(confusion, now / now.sum(), rcond=None)[0]
    found = np.zeros(classes)
    found[present] = np.clip(solved, 0.0, None)
    return found


def explained(features: Sequence[Binned], classes: NDArray[np.int64], weight: Weights) -> float | None:
    """The share of the features' drift that is gone when the reference's classes weigh so much.

    Drift is the population stability index of all features together, less what chance gives. None where that is too
    little to tell.
    """
    before = after = noise_before = noise_after = spread = 0.0
    for feature in features:
        known = (classes >= 0) & (feature.reference >= 0)
        of_row = weight[classes[known]]
        now = feature.counts()[1].astype(float)
        if not now.sum() or not of_row.sum():
            continue
        plain = np.bincount(feature.reference[known], minlength=feature.number).astype(float)
        expected = np.bincount(feature.reference[known], weights=of_row, minlength=feature.number)
        effective = of_row.sum() ** 2 / (of_row**2).sum()
        degrees = np.count_nonzero(plain + now) - 1
        before += _index(plain, now)
        after += _index(expected / of_row.sum() * effective, now)
        noise_before += degrees * (1 / plain.sum() + 1 / now.sum())
        noise_after += degrees * (1 / effective + 1 / now.sum())
        spread += 2 * degrees * (1 / plain.sum() + 1 / now.sum()) ** 2
    excess = before - noise_before
    if excess <= _DEVIATIONS * np.sqrt(spread) or excess <= 0:
        return None
    return float(1 - max(0.0, after - noise_after) / excess)


def _index(reference: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    """The population stability index, half a row more in each bin so that none is empty."""
    shares = [(side + 0.5) / (side + 0.5).sum() for side in (reference, window)]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
