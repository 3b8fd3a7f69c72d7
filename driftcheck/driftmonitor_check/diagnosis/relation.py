"""Pure: whether the labels depend on the features as they did.

A profile is the mean of the label in each bin of a feature, or of the prediction: for classes the share of each class.
It is what a partial dependence plot shows of a model, taken of the labels themselves.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from driftmonitor_check.diagnosis.binning import Binned
from driftmonitor_check.quality.chance import RARE

SHARE, DEVIATION = 0.1, 0.25
"""Change of a profile that counts: of a class's share, and of a value's mean by its standard deviation."""
_LEAST_ROWS = 30
"""Of a bin, in each side."""
_CLASSES = 5
Doubles = NDArray[np.float64]


def of_classes(features: Mapping[str, Binned], target: Binned) -> str | None:
    """What changed most in the shares of the commonest classes; None where nothing did beyond chance."""
    common = np.argsort(-target.counts()[0], kind="stable")[:_CLASSES]
    sides = [
        (np.where(target.reference < 0, np.nan, target.reference == code).astype(float),
         np.where(target.window < 0, np.nan, target.window == code).astype(float))
        for code in common
    ]  # fmt: skip
    return _worst(features, sides, SHARE)


def of_values(features: Mapping[str, Binned], reference: Doubles, window: Doubles) -> str | None:
    """What changed most in the mean of the values, NaN where there is none; None where nothing did beyond chance."""
    deviation = float(np.nanstd(reference)) or 1.0
    return _worst(features, [(reference / deviation, window / deviation)], DEVIATION)


def _worst(features: Mapping[str, Binned], sides: list[tuple[Doubles, Doubles]], least: float) -> str | None:
    tests = sum(feature.number for feature in features.values()) * len(sides)
    if not tests:
        return None
    deviations = _quantile(RARE / tests)
    found: tuple[float, str] | None = None
    for name, feature in features.items():
        for before, now in sides:
            change = _change(feature, before, now, deviations, least)
            if change and (found is None or change > found[0]):
                found = change, name
    return None if found is None else found[1]


def _change(feature: Binned, before: Doubles, now: Doubles, deviations: float, least: float) -> float:
    """The largest change of the profile, where it is beyond chance and `least`; else 0."""
    means, errors, rows = zip(
        _profile(feature.reference, before, feature.number), _profile(feature.window, now, feature.number), strict=True
    )
    enough = (rows[0] >= _LEAST_ROWS) & (rows[1] >= _LEAST_ROWS)
    with np.errstate(all="ignore"):
        change = np.abs(means[1] - means[0])
        told = enough & (change >= least) & (change > deviations * np.sqrt(errors[0] + errors[1]))
    return float(change[told].max()) if told.any() else 0.0


def _profile(bins: NDArray[np.int64], values: Doubles, number: int) -> tuple[Doubles, Doubles, Doubles]:
    """Mean, squared standard error and rows of each bin."""
    known = (bins >= 0) & ~np.isnan(values)
    place, values = bins[known], values[known]
    rows = np.bincount(place, minlength=number).astype(float)
    with np.errstate(all="ignore"):
        mean = np.bincount(place, weights=values, minlength=number) / rows
        # One row more at half a deviation: a bin of one class alone has a variance, too.
        squares = np.bincount(place, weights=(values - mean[place]) ** 2, minlength=number) + 0.25
        return mean, squares / rows**2, rows


def _quantile(probability: float) -> float:
    """Standard deviations that a normal variable exceeds with the probability, both sides: an upper bound."""
    return math.sqrt(2 * math.log(1 / probability))
