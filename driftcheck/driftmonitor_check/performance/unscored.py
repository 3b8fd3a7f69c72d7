"""Pure: why ROC AUC or log loss are not among the metrics, and what to do about it."""

from collections.abc import Sequence

import numpy as np

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, MetricResult
from driftmonitor_check.performance.sides import Classified


def reasons(
    spec: DriftMonitorSpec, found: Sequence[MetricResult], window: Classified, reference: Classified | None
) -> list[str]:
    """Of labelled rows and what was found of them; `reference` is None where there is nothing to hold them against."""
    area = next((each for each in found if each.name == "roc_auc"), None)
    if area is None:
        return [_of_two() if window.classes <= 2 else _of_many(spec, window)]
    if window.classes <= 2 or reference is None or area.reference is not None:
        return []
    if reference.modelled != window.modelled:
        column = spec.checks.prediction.score_column
        named = f"as its columns {column}_<class>" if column and spec.reference.storage_uri else "of the same classes"
        return [f"ROC AUC and log loss are held against nothing: the reference needs the scores of all classes {named}"]
    return ["ROC AUC is held against nothing: the reference needs labels and scores of every class"]


def _of_two() -> str:
    return "ROC AUC and log loss need a score, two classes, and labels of both"


def _of_many(spec: DriftMonitorSpec, window: Classified) -> str:
    rated, least = window.rated, spec.checks.performance.min_labels if spec.checks.performance else 0
    need = "ROC AUC and log loss of more than two classes need the probability of each"
    if window.modelled and len(rated) >= least:
        present = np.unique(rated.truth)
        unseen = sum(code not in present for code in window.modelled)
        return f"ROC AUC needs labels of each class, and {unseen} of {len(window.modelled)} have none"
    if window.modelled or spec.logging.scores == "All":
        known = f"{len(rated)} labelled rows have scores that add up to 1, of the {least} needed"
        return f"{need}, and {known}"
    return f"{need}: set logging.scores to All"
