"""One check of everything at once: each type of column, and each analysis that an object can ask for.

`write` makes its files; `python -m tests.support.everything FOLDER` prints as JSON what it gives of them.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from pyarrow import parquet

from driftmonitor_api.v1alpha1 import DriftMonitorStatus

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
WINDOW_ROWS, REFERENCE_ROWS = 900, 1100
FEATURES = {
    "amount": "Numerical",
    "age": "Numerical",
    "share": "Numerical",
    "colour": "Categorical",
    "shop": "Categorical",
    "vip": "Boolean",
    "since": "Datetime",
    "note": "Text",
    "vector": "Embedding",
}
_CODE = """
def gap(window, reference, column):
    return abs(mean(window[column]) - mean(reference[column]))

def mean(values):
    numbers = values.drop_null().to_pylist()
    return sum(numbers) / len(numbers)
"""
_MONITOR: dict[str, Any] = {
    "apiVersion": "driftmonitor.dev/v1alpha1",
    "kind": "DriftMonitor",
    "metadata": {"name": "everything"},
    "spec": {
        "model": {
            "storageUri": "configmap://models/model.onnx",
            "features": [{"name": name, "type": type_} for name, type_ in FEATURES.items()],
            "importances": {"amount": 3.0, "age": 1.0, "colour": 2.0, "vip": 0.5},
        },
        "reference": {"storageUri": "configmap://models/reference.parquet"},
        "checks": {
            "schedule": "@hourly",
            "window": {"minRows": 200, "maxRows": 100_000},
            "drift": {
                "columns": {
                    "age": {"method": "ks"},
                    "shop": {"method": "chi2_contingency"},
                    "share": {"method": "wasserstein"},
                }
            },
            "shifts": {"mean": {}, "quantiles": {}, "correlation": {}},
            "prediction": {"column": "said", "scoreColumn": "sure"},
            "performance": {"targetColumn": "y", "metrics": [{"name": "accuracy", "minimum": 0.9}]},
            "segments": [{"column": "colour"}, {"column": "vip", "minRows": 100}],
            "multivariate": {},
            "sequential": {},
            "outliers": {"maxShare": 0.01},
            "quality": {"rowCount": {"maximum": 800}, "missing": {"warning": 0.01, "critical": 0.5}},
            "policy": {"correction": "BenjaminiHochberg"},
            "skew": {"storageUri": "configmap://models/training.parquet", "idColumn": "id"},
            "custom": [
                {
                    "name": "gap",
                    "entryPoint": "own:gap",
                    "sourceConfigMap": "code",
                    "format": "Arrow",
                    "parameters": {"column": "age"},
                    "warning": 0.1,
                    "critical": 50,
                }
            ],
        },
    },
}  # fmt: skip


def write(folder: Path) -> None:
    """The monitor, both sides, the training's rows and the code of the custom checks."""
    reference, window = _rows(REFERENCE_ROWS, 1, 0.0), _rows(WINDOW_ROWS, 2, 0.6)
    parquet.write_table(_as_file(reference), folder / "reference.parquet")
    parquet.write_table(_as_stored(window), folder / "window.parquet")
    trained = {**window, "amount": window["amount"] + (np.arange(WINDOW_ROWS) % 7 == 0)}
    ids = {"id": [f"r{row}" for row in range(WINDOW_ROWS)]}
    parquet.write_table(pa.table({**ids, **{name: trained[name] for name in FEATURES}}), folder / "training.parquet")
    (folder / "code").mkdir()
    (folder / "code" / "own.py").write_text(_CODE)
    (folder / "monitor.yaml").write_text(yaml.safe_dump(_MONITOR))


def _rows(rows: int, seed: int, moved: float) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    amount = random.normal(10 + 3 * moved, 3, rows)
    late = np.arange(rows) > rows * 0.7
    likely = 1 / (1 + np.exp(-(amount - 10) / 2))
    said = likely > 0.5
    colour = random.choice(["red", "green", "blue", "black"], rows, p=[0.4, 0.3, 0.2, 0.1])
    age = random.gamma(2, 20, rows) * np.where((colour == "green") & (moved > 0), 1.6, 1)  # of one segment alone
    words = random.choice(["good", "bad", "late", "again", "blue", "never", "often", "broken"], (rows, 6))
    words[random.random(rows) < moved, 0] = "refund"
    return {
        "amount": amount,
        "age": pa.array(age, mask=random.random(rows) < 0.05 + moved / 4),
        "share": random.beta(2, 5, rows) + moved * late,
        "colour": colour,
        "shop": random.choice([f"shop {place}" for place in range(30)], rows),
        "vip": random.random(rows) < 0.4 + moved / 3,
        "since": pa.array(random.integers(1_400_000_000, 1_700_000_000, rows), pa.timestamp("s")),
        "note": [" ".join(each) for each in words],
        "vector": pa.array(list(random.normal(moved, 1, (rows, 8))), pa.list_(pa.float64())),
        "target": np.where((random.random(rows) < likely) ^ (random.random(rows) < moved / 3), "yes", "no"),
        "label": np.where(said, "yes", "no"),
        "score": np.where(said, likely, 1 - likely),
    }


def _as_file(rows: dict[str, Any]) -> pa.Table:
    names = {"target": "y", "label": "said", "score": "sure"}
    return pa.table({names.get(name, name): values for name, values in rows.items()})


def _as_stored(rows: dict[str, Any]) -> pa.Table:
    number = len(rows["amount"])
    random = np.random.default_rng(3)
    return pa.table(
        {
            "request_id": [f"r{row}" for row in range(number)],
            "row": pa.array([0] * number, pa.int64()),
            "timestamp": pa.array(
                [NOW - timedelta(seconds=number - row) for row in range(number)], pa.timestamp("us", "UTC")
            ),
            **{f"feature_{name}": rows[name] for name in FEATURES},
            "prediction_label": rows["label"],
            "prediction_score": rows["score"],
            "prediction_value": pa.nulls(number, pa.float64()),
            "outlier_flag": pa.array(random.random(number) < 0.3),
            "actual_label": pa.array(rows["target"], mask=random.random(number) < 0.3),
            "actual_value": pa.nulls(number, pa.float64()),
        }
    )


def run(folder: Path) -> dict[str, str]:
    """What the check of the files in the folder gives, by what it is."""
    from driftmonitor_check.compare import compare
    from driftmonitor_check.facts import check_result, drift_report, report_name, status_facts
    from driftmonitor_check.snapshots.stamping import stamped

    name, outcome = compare(
        folder / "monitor.yaml",
        str(folder / "reference.parquet"),
        str(folder / "window.parquet"),
        NOW,
        code=folder,
        training=str(folder / "training.parquet"),
    )
    result = check_result(outcome)
    assert outcome.snapshot is not None and outcome.html is not None, outcome.conclusion.message
    return {
        "report": drift_report(name, outcome, result).model_dump_json(indent=2),
        "facts": json.dumps(status_facts(outcome, result, DriftMonitorStatus(), run="everything-1")),
        "snapshot": stamped(
            outcome.snapshot, name=report_name(NOW), time=NOW, verdict=result.verdict, message=result.message
        ),
        "page": outcome.html,
    }


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]))))
