"""Windows with labels and references of models whose performance is known."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.columns import feature_columns
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.outputs import output_columns
from driftmonitor_check.performance.rows import of_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Table = dict[str, Any]


def classified(rows: int, seed: int, *, mean: float = 0.0, wrong: float = 0.0, rare: float = 0.0) -> Table:
    """One feature, of which the label depends, and a model that knows how; `mean` moves the feature, which makes
    predictions surer, `wrong` turns a share of the labels around."""
    random = np.random.default_rng(seed)
    x = random.normal(mean, 1, rows)
    likely = 1 / (1 + np.exp(rare - 2 * x))
    truth = (random.random(rows) < likely) ^ (random.random(rows) < wrong)
    said = likely > 0.5
    words = np.array(["no", "yes"])
    return {
        "x": x,
        "target": words[truth.astype(int)],
        "label": words[said.astype(int)],
        "score": np.where(said, likely, 1 - likely),
    }


def of_three(rows: int, seed: int, *, mean: float = 0.0, wrong: float = 0.0, sure: float = 1.0) -> Table:
    """The same of three classes, with the probability of each; a model that is `sure` of itself by more than 1 says
    probabilities that are too far from each other."""
    random = np.random.default_rng(seed)
    x = random.normal(mean, 1, rows)
    odds = np.exp(np.outer(x, [-1.5, 0.0, 1.5]) + np.array([0.0, 0.4, -0.5]))
    likely = odds / odds.sum(axis=1, keepdims=True)
    truth = (np.cumsum(likely, axis=1) < random.random((rows, 1))).sum(axis=1).clip(0, 2)
    truth = np.where(random.random(rows) < wrong, random.integers(0, 3, rows), truth)
    said = likely**sure / (likely**sure).sum(axis=1, keepdims=True)
    words = np.array(["high", "low", "medium"])
    return {
        "x": x,
        "target": words[truth],
        "label": words[said.argmax(axis=1)],
        "score": said.max(axis=1),
        "scores": {str(word): said[:, code] for code, word in enumerate(words)},
    }


def valued(rows: int, seed: int, *, mean: float = 0.0, noise: float = 1.0) -> Table:
    """A value whose noise grows with the feature, and a model that says its mean."""
    random = np.random.default_rng(seed)
    x = random.normal(mean, 1, rows)
    value = 3 * x
    return {"x": x, "target": value + noise * random.normal(0, np.exp(x / 2), rows), "value": value}


def stored(data: Table, *, labelled: float = 1.0, seed: int = 0) -> pa.Table:
    """As the collector answers a window with labels, of which a share has come."""
    rows = len(data["x"])
    come = np.random.default_rng(seed).random(rows) < labelled
    target = pa.array(data["target"], mask=~come)
    classes = "label" in data
    texts, numbers = pa.nulls(rows, pa.string()), pa.nulls(rows, pa.float64())
    return pa.table(
        {
            "request_id": [f"r{row}" for row in range(rows)],
            "feature_x": data["x"],
            "prediction_label": pa.array(data["label"]) if classes else texts,
            "prediction_score": data["score"] if classes else numbers,
            "prediction_value": numbers if classes else data["value"],
            **{f"prediction_score_{name}": scores for name, scores in data.get("scores", {}).items()},
            "actual_label": target if classes else texts,
            "actual_value": numbers if classes else target,
        }
    )


def file(data: Table) -> pa.Table:
    """As a reference file has it, with the target as `y`."""
    names = {"target": "y", "label": "said", "value": "said", "score": "sure", "x": "x"}
    of_classes = {f"sure_{name}": scores for name, scores in data.get("scores", {}).items()}
    return pa.table({names[name]: values for name, values in data.items() if name in names} | of_classes)


def spec_of(scored: bool = True, classes: list[str] | None = None, **performance: Any) -> DriftMonitorSpec:
    """A monitor of one feature that asks for the performance, with the columns of `file`."""
    checks: dict[str, Any] = {"schedule": "* * * * *"} | performance.pop("checks", {})
    prediction = {"column": "said"} | ({"scoreColumn": "sure"} if scored else {})
    model: dict[str, Any] = {"storageUri": "pvc://a/m", "features": [{"name": "x", "type": "Numerical"}]}
    return DriftMonitorSpec.model_validate(
        {
            "model": model | ({"classes": classes} if classes else {}),
            "reference": {"storageUri": "pvc://a/r"},
            "checks": {"prediction": prediction, "performance": {"targetColumn": "y", **performance}, **checks},
        }
    )


def outcome(spec: DriftMonitorSpec, window: pa.Table, reference: pa.Table) -> Outcome:
    """What the check concludes of a stored window and a file."""
    status = ReferenceStatus(storage_uri="pvc://a/r", rows=reference.num_rows, time=NOW)
    labelled = of_store(window, NOW, NOW)
    seen = Window(feature_columns(window), NOW, NOW, outputs=output_columns(window), labelled=labelled)
    return check(spec, seen, Reference(reference, status, "spec.reference"), title="", now=NOW, draw=False)
