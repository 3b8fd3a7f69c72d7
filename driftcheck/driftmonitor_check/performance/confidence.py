"""Pure: metrics of classes estimated without labels, by the model's confidence (CBPE).

Confidence-based performance estimation, as NannyML defines it (Bialek and others, *Estimating Model Performance Under
Covariate Shift Without Labels*, arXiv 2401.08348): scores are calibrated on the reference, so that of the rows with
a probability p a share of p is of the class. Then each row counts as right by its probability. It holds while the
labels depend on the features as before; it does not see that this dependence changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from driftmonitor_api.v1alpha1 import Metric
from driftmonitor_check.performance.sides import Classified, Doubles

SEED = 0
"""Of labels that are drawn."""


@dataclass(frozen=True)
class Calibration:
    """Probabilities by score: straight lines between points, level beyond them."""

    scores: Doubles
    probabilities: Doubles

    def __call__(self, scores: Doubles) -> Doubles:
        """The probability of each score."""
        return np.interp(scores, self.scores, self.probabilities)


def calibration(scores: Doubles, hits: Doubles) -> Calibration:
    """Isotonic regression of the hits, 0 or 1, on the scores (Zadrozny and Elkan 2002)."""
    from scipy.optimize import isotonic_regression  # late: it takes as long to load as all else

    unique, places, weights = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(places, weights=hits) / weights
    return Calibration(unique, isotonic_regression(means, weights=weights.astype(float)).x)


@dataclass(frozen=True)
class Confidence:
    """The window's rows with the probability that each is of the positive class, or, of more than two classes, that it
    was predicted right."""

    window: Classified
    probability: Doubles

    def estimate(self) -> Mapping[Metric, float]:
        """The metrics that this makes one expect: of more than two classes the accuracy alone, as the probabilities of
        the others are not known."""
        likelihood = self.window.likelihood
        if likelihood is None:
            return {"accuracy": float(self.probability.mean())}
        return _of_two(self.window, likelihood, self.probability)

    def drawn(self) -> Classified:
        """The rows with labels drawn by these probabilities, always the same ones: what the metrics vary by."""
        hit = np.random.default_rng(SEED).random(len(self.window)) < self.probability
        predicted, positive = self.window.predicted, self.window.positive
        if self.window.likelihood is None or positive is None:
            truth = np.where(hit, predicted, (predicted + 1) % self.window.classes)
        else:
            truth = np.where(hit, positive, 1 - positive)
        return replace(self.window, truth=truth)


def confidence(reference: Classified, window: Classified) -> Confidence:
    """How sure the window's predictions are, by the scores and labels of the reference; all rows have scores."""
    before, now = reference.likelihood, window.likelihood
    if before is None or now is None:
        hits = (reference.truth == reference.predicted).astype(float)
        return Confidence(window, calibration(reference.score, hits)(window.score))
    return Confidence(window, calibration(before, (reference.truth == reference.positive).astype(float))(now))


def _of_two(window: Classified, likelihood: Doubles, probability: Doubles) -> Mapping[Metric, float]:
    said = window.predicted == window.positive
    hits, truths, predictions = probability[said].sum(), probability.sum(), said.sum()
    with np.errstate(all="ignore"):
        clipped = np.clip(likelihood, np.finfo(float).eps, 1 - np.finfo(float).eps)
        found: dict[Metric, float] = {
            "accuracy": float(np.where(said, probability, 1 - probability).mean()),
            "precision": float(hits / predictions),
            "recall": float(hits / truths),
            "f1": float(2 * hits / (truths + predictions)),
            "roc_auc": expected_roc_auc(likelihood, probability),
            "log_loss": float(-(probability * np.log(clipped) + (1 - probability) * np.log(1 - clipped)).mean()),
        }
    return {metric: value for metric, value in found.items() if np.isfinite(value)}


def expected_roc_auc(likelihood: Doubles, probability: Doubles) -> float:
    """The area under the curve of expected true and false positives; rows with one score are one step of it."""
    unique, places, counts = np.unique(-likelihood, return_inverse=True, return_counts=True)
    positives = np.bincount(places, weights=probability, minlength=len(unique))
    hits = np.concatenate([[0.0], np.cumsum(positives)])
    misses = np.concatenate([[0.0], np.cumsum(counts - positives)])
    return float(np.trapezoid(hits / hits[-1], misses / misses[-1]))
