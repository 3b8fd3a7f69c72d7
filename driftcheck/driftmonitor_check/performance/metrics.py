"""Pure: the metrics of labelled rows, by scikit-learn's definitions, each with the influence of every row on it.

The influence function of a metric (Hampel 1974) gives its standard error on n rows: the deviation of the influences by
the root of n. For a share it is the binomial one, for ROC AUC that of DeLong, DeLong and Clarke-Pearson (1988).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftmonitor_api.v1alpha1 import Metric
from driftmonitor_check.performance.sides import Classified, Doubles, Side, Valued

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Measured:
    """A metric."""

    value: float
    influence: Doubles
    """Of each row that it is made of; their mean is 0."""
    jumps: Sequence[tuple[float, float]] = ()
    """Of each class of a mean over classes: the share of the rows that tell of it, and how far the mean jumps where no
    row does."""

    @property
    def rows(self) -> int:
        """Number of them."""
        return len(self.influence)


def measure(metric: Metric, side: Side) -> Measured | None:
    """The metric of rows that all have labels; None where it has no meaning for them."""
    with np.errstate(all="ignore"):
        if isinstance(side, Classified):
            found = OF_CLASSES[metric](side) if metric in OF_CLASSES and len(side) else None
        else:
            found = OF_VALUES[metric](side) if metric in OF_VALUES and len(side) else None
    return found if found is not None and np.isfinite(found.value) else None


def _accuracy(side: Classified) -> Measured:
    right = (side.truth == side.predicted).astype(float)
    return Measured(float(right.mean()), right - right.mean())


def _by_class(side: Classified, of_truth: float, of_predicted: float) -> Measured:
    """Right rows of a class by (`of_truth` x those that are it + `of_predicted` x those that are said to be it)."""
    present = np.unique(np.concatenate([side.truth, side.predicted]))
    kinds = present if side.positive is None else np.array([side.positive])
    classes, number, rows = side.classes, len(kinds), len(side)
    right = side.truth == side.predicted
    hits = np.bincount(side.truth[right], minlength=classes).astype(float)
    truths = np.bincount(side.truth, minlength=classes)
    predictions = np.bincount(side.predicted, minlength=classes)
    whole = of_truth * truths + of_predicted * predictions
    counts = np.zeros(classes)
    counts[kinds] = 1 / number
    value = np.divide(hits, whole, out=np.zeros(classes), where=whole > 0)
    weight = counts * rows * np.divide(1.0, whole, out=np.zeros(classes), where=whole > 0)
    influence = weight[side.truth] * (right - of_truth * value[side.truth])
    influence = influence - weight[side.predicted] * of_predicted * value[side.predicted]
    mean = float((counts * value).sum())
    if number == 1:
        return Measured(mean, influence)
    others = (mean * number - value[kinds]) / (number - 1)
    jumps = np.maximum(value[kinds], others) / number
    return Measured(mean, influence, list(zip(whole[kinds] / rows, jumps, strict=True)))


def _roc_auc(side: Classified) -> Measured | None:
    known = side.scored
    likelihood = known.likelihood
    if likelihood is None:
        return _mean_roc_auc(side.rated)
    return _area(likelihood, known.truth == known.positive)


def _mean_roc_auc(known: Classified) -> Measured | None:
    """The mean over the classes, each against all others; None where one of them has no label."""
    if known.scores is None or not known.modelled or not len(known):
        return None
    value, influence = 0.0, np.zeros(len(known))
    for place, code in enumerate(known.modelled):
        area = _area(known.scores[:, place], known.truth == code)
        if area is None:
            return None
        value += area.value / len(known.modelled)
        influence += area.influence / len(known.modelled)
    return Measured(value, influence)


def _area(likelihood: Doubles, positive: NDArray[np.bool_]) -> Measured | None:
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    ahead = np.empty(len(positive))
    ahead[positive] = _share_below(likelihood[positive], likelihood[~positive])
    ahead[~positive] = 1 - _share_below(likelihood[~positive], likelihood[positive])
    value = float(ahead[positive].mean())
    share = np.where(positive, positives, negatives) / len(positive)
    return Measured(value, (ahead - value) / share)


def _share_below(values: Doubles, others: Doubles) -> Doubles:
    """The share of the others that each value is above; an equal one counts half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    shares: Doubles = below / (2 * len(ordered))
    return shares


def _log_loss(side: Classified) -> Measured | None:
    known = side.scored if side.likelihood is not None else side.rated
    if not len(known):
        return None
    if known.scores is not None:
        places = known.places(known.truth)
        of_truth = np.where(places >= 0, known.scores[np.arange(len(known)), places], 0.0)
        return _mean(-np.log(np.clip(of_truth, _EPSILON, 1 - _EPSILON)))
    likelihood = known.likelihood
    if likelihood is None:
        return None
    clipped = np.clip(likelihood, _EPSILON, 1 - _EPSILON)
    losses = -np.log(np.where(known.truth == known.positive, clipped, 1 - clipped))
    return _mean(losses)


def _mae(side: Valued) -> Measured:
    return _mean(np.abs(side.truth - side.predicted))


def _rmse(side: Valued) -> Measured:
    squares = (side.truth - side.predicted) ** 2
    value = float(np.sqrt(squares.mean()))
    return Measured(value, (squares - squares.mean()) / (2 * value) if value else np.zeros(len(side)))


def _r2(side: Valued) -> Measured | None:
    squares, spread = (side.truth - side.predicted) ** 2, (side.truth - side.truth.mean()) ** 2
    error, variance = float(squares.mean()), float(spread.mean())
    if not variance:
        return None
    return Measured(1 - error / variance, (error / variance * (spread - variance) - (squares - error)) / variance)


def _mean(values: NDArray[np.float64]) -> Measured:
    return Measured(float(values.mean()), values - values.mean())


OF_CLASSES: Mapping[Metric, Callable[[Classified], Measured | None]] = {
    "accuracy": _accuracy,
    "precision": lambda side: _by_class(side, 0, 1),
    "recall": lambda side: _by_class(side, 1, 0),
    "f1": lambda side: _by_class(side, 0.5, 0.5),
    "roc_auc": _roc_auc,
    "log_loss": _log_loss,
}
OF_VALUES: Mapping[Metric, Callable[[Valued], Measured | None]] = {"mae": _mae, "rmse": _rmse, "r2": _r2}
