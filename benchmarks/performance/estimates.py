"""The estimates of one case: ours, NannyML's from a process of its own environment, and what the labels say."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.performance.cases import Case
from driftmonitor_check.columns import Column
from driftmonitor_check.methods import DriftTest
from driftmonitor_check.performance import confidence, loss, manyclasses
from driftmonitor_check.performance.metrics import OF_CLASSES, OF_VALUES, measure
from driftmonitor_check.performance.sides import Classified, Doubles, Side, Valued

_TEST = DriftTest("psi", 0.1, 0.2)
_PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import nannyml, pandas
asked = json.loads(sys.argv[1])
reference, window = (pandas.read_parquet(asked[side]) for side in ("reference", "window"))
if asked["classes"]:
    metrics = ["accuracy", "precision", "recall", "f1", "roc_auc"]
    scores, kind = "p", "classification_binary"
    if asked["many"]:
        scores, kind = {code: f"p{code}" for code in range(asked["many"])}, "classification_multiclass"
        for side in (reference, window):
            side[["said", "y"]] = side[["said", "y"]].astype(int)
    estimator = nannyml.CBPE(
        metrics=metrics, y_pred_proba=scores, y_pred="said", y_true="y", problem_type=kind, chunk_number=1
    )
else:
    metrics = ["mae", "rmse"]
    estimator = nannyml.DLE(
        metrics=metrics, feature_column_names=["a", "b"], y_pred="said", y_true="y", chunk_number=1
    )
found = estimator.fit(reference).estimate(window.drop(columns="y")).filter(period="analysis").to_df()
print(json.dumps({metric: float(found[metric]["value"].iloc[0]) for metric in metrics}))
"""


def ours(case: Case) -> dict[str, float]:
    """By this project."""
    if case.classes:
        estimate = manyclasses.class_confidence if case.many else confidence.confidence
        return {str(name): value for name, value in estimate(*_classified(case)).estimate().items()}
    columns = [Column(name, "Numerical", _TEST) for name in "ab"]
    reference, window = (
        loss.evenly(pa.table(side), rows)
        for side, rows in ((case.reference, loss.FITTED_ROWS), (case.window, loss.ESTIMATED_ROWS))
    )
    before, after, coded = loss.inputs(columns, reference, window)
    truth, said, now = (_column(*each) for each in ((reference, "y"), (reference, "said"), (window, "said")))
    return {str(name): value for name, value in loss.estimate(before, truth, said, after, now, coded).items()}


def of_labels(case: Case) -> dict[str, float]:
    """What they turn out to be."""
    side: Side = _classified(case)[1] if case.classes else Valued(case.window["y"], case.window["said"])
    found = {metric: measure(metric, side) for metric in (OF_CLASSES if case.classes else OF_VALUES)}
    return {str(metric): each.value for metric, each in found.items() if each is not None}


def of_nannyml(case: Case, python: Path) -> dict[str, float]:
    """By NannyML, which pins other libraries than the check does."""
    with tempfile.TemporaryDirectory(prefix="driftmonitor-performance-") as folder:
        paths = {side: str(Path(folder) / f"{side}.parquet") for side in ("reference", "window")}
        for side, path in paths.items():
            parquet.write_table(pa.table(getattr(case, side)), path)
        answer = subprocess.run(
            [str(python), "-c", _PROGRAM, json.dumps({**paths, "classes": case.classes, "many": case.many})],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "NML_DISABLE_USAGE_LOGGING": "1", "OMP_NUM_THREADS": "1"},
        )
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _classified(case: Case) -> tuple[Classified, Classified]:
    sides = []
    for side in (case.reference, case.window):
        if case.many:
            scores = np.column_stack([side[f"p{code}"] for code in range(case.many)])
            truth, said = (side[name].astype(np.int64) for name in ("y", "said"))
            known = tuple(range(case.many))
            sides.append(Classified(truth, said, scores.max(axis=1), case.many, None, scores, known))
            continue
        score = np.where(side["said"] == 1, side["p"], 1 - side["p"])
        sides.append(Classified(side["y"].astype(np.int64), side["said"].astype(np.int64), score, 2, 1))
    return sides[0], sides[1]


def _column(table: pa.Table, name: str) -> Doubles:
    return np.asarray(table.column(name).to_numpy(), np.float64)
