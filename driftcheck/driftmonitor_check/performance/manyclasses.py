"""Pure: metrics of more than two classes estimated without labels, by the probabilities of all of them (CBPE).

As NannyML does it: the probabilities of each class are calibrated on the reference, each class against all others, and
those of a row are then divided by their sum. `confidence` says what the method is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from driftmonitor_api.v1alpha1 import Metric
from driftmonitor_check.performance.confidence import SEED, calibration, expected_roc_auc
from driftmonitor_check.performance.levels import LEAST_OF_CLASS
from driftmonitor_check.performance.sides import Classified, Doubles


@dataclass(frozen=True)
class ClassConfidence:
    """The window's rows with the calibrated probability of each class that the model knows."""

    window: Classified
    probabilities: Doubles
    rarest: int
    """How many rows of a side are said to be of the class that fewest are said to be of."""

    def estimate(self) -> Mapping[Metric, float]:
        """The metrics that this makes one expect; precision, recall and F1 as the mean over the classes that there are,
        or of the one that they are about. No precision where a class is hardly ever predicted."""
        window, sure = self.window, self.probabilities
        said = window.places(window.predicted)[:, None] == np.arange(len(window.modelled))
        hits, truths, predictions = (said * sure).sum(axis=0), sure.sum(axis=0), said.sum(axis=0)
        about = truths + predictions > 0
        if window.positive is not None:
            about = np.array(window.modelled) == window.positive

        def mean(whole: Doubles) -> float:
            return float(np.divide(hits, whole, out=np.zeros_like(hits), where=whole > 0)[about].mean())

        with np.errstate(all="ignore"):
            eps = np.finfo(float).eps
            losses = -np.log(np.clip(scores_of(window), eps, 1 - eps))
            areas = [expected_roc_auc(*each) for each in zip(scores_of(window).T, sure.T, strict=True)]
            found: dict[Metric, float] = {
                "accuracy": float(hits.sum() / len(window)),
                "precision": mean(predictions),
                "recall": mean(truths),
                "f1": mean((truths + predictions) / 2),
                "roc_auc": float(np.mean(areas)),
                "log_loss": float((sure * losses).sum(axis=1).mean()),
            }
        if self.rarest < LEAST_OF_CLASS:
            del found["precision"]
        return {metric: value for metric, value in found.items() if np.isfinite(value)}

    def drawn(self) -> Classified:
        """The rows with labels drawn by these probabilities, always the same ones: what the metrics vary by."""
        drawn = np.random.default_rng(SEED).random(len(self.window))
        places = (np.cumsum(self.probabilities, axis=1) < drawn[:, None]).sum(axis=1)
        modelled = np.array(self.window.modelled)
        return replace(self.window, truth=modelled[np.minimum(places, len(modelled) - 1)])


def class_confidence(reference: Classified, window: Classified) -> ClassConfidence:
    """How sure the window's predictions are, by the probabilities and labels of the reference; all rows have the
    probability of each class, and the same classes are known."""
    before, now = scores_of(reference), scores_of(window)
    calibrated = np.zeros_like(now)
    for place, code in enumerate(reference.modelled):
        hits = (reference.truth == code).astype(float)
        calibrated[:, place] = calibration(before[:, place], hits)(now[:, place])
    whole = calibrated.sum(axis=1, keepdims=True)
    even = np.full_like(now, 1 / len(reference.modelled))
    probabilities = np.divide(calibrated, whole, out=even, where=whole > 0)
    predicted = [(side.predicted == code).sum() for side in (reference, window) for code in reference.modelled]
    return ClassConfidence(window, probabilities, int(min(predicted)))


def scores_of(side: Classified) -> Doubles:
    """The probabilities of rows that have them."""
    if side.scores is None:
        raise ValueError("the rows have no probability of each class")
    return side.scores
