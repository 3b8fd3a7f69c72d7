"""The scores of all classes on their whole way: server, log, collector, check."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, MetricResult, ReferenceStatus
from driftmonitor_check import run
from driftmonitor_check.collector import Collector
from driftmonitor_check.evidence import Reference
from driftmonitor_check.performance.assessment import assess
from driftmonitor_check.performance.fetching import with_labels
from driftmonitor_check.spans import span
from tests.support.onnxmodels import saved
from tests.support.served import Served
from tests.support.shipping import TOKEN
from tests.support.shipping import Collector as CollectorProcess
from tests.support.waiting import wait_for

CLASSES = ["a", "b c", "d"]
ROWS = 300
FEATURES = [{"name": name, "type": "Numerical"} for name in "xyz"]


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    process = CollectorProcess(tmp_path)
    process.start()
    wait_for("the collector is ready", process.ready)
    yield Collector(process.url, TOKEN)
    process.stop()


def softmax(path: Path) -> Path:
    """A classifier that gives the scores of three classes, and no labels."""
    from onnx import TensorProto, helper, numpy_helper

    weights = np.array([[2, 0, 0], [0, 1, 0], [0, 0, 1.5]], np.float32)
    return saved(
        path,
        [
            helper.make_node("MatMul", ["rows", "weights"], ["margins"]),
            helper.make_node("Softmax", ["margins"], ["scores"], axis=1),
        ],
        {"rows": (TensorProto.FLOAT, 3)},
        {"scores": (TensorProto.FLOAT, 3)},
        [numpy_helper.from_array(weights, "weights")],
    )


def spec_of(**logging: Any) -> DriftMonitorSpec:
    checks = {
        "schedule": "* * * * *",
        "prediction": {"column": "said", "scoreColumn": "sure"},
        "performance": {"targetColumn": "truth"},
    }
    return DriftMonitorSpec.model_validate(
        {
            "model": {"storageUri": "pvc://models/m", "features": FEATURES, "classes": CLASSES},
            "reference": {"storageUri": "pvc://models/r"},
            "logging": logging,
            "checks": checks,
        }
    )


def served_answers(folder: Path, collector: Collector, spec: DriftMonitorSpec) -> list[dict[str, Any]]:
    """What clients were answered; the records of it are at the collector."""
    folder.mkdir()
    asked = "All" if spec.logging.scores == "All" else None
    served = Served(softmax(folder.with_suffix(".onnx")), folder, features=FEATURES, classes=CLASSES, scores=asked)
    random, answers = np.random.default_rng(3), []
    for _ in range(ROWS // 100):
        rows = [dict(zip("xyz", row, strict=True)) for row in random.normal(0, 1, (100, 3)).round(3).tolist()]
        answer = served.predict(*rows)
        assert answer.status_code == 200, answer.text
        answers += answer.json()["predictions"]
    lines = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    request = collector._request("POST", "/v1/records", lines)
    assert collector._retried("the records", request, json.load)["stored"] == ROWS
    return answers


def metrics(spec: DriftMonitorSpec, collector: Collector, reference: pa.Table) -> tuple[list[MetricResult], str]:
    now = datetime.now(UTC) + timedelta(minutes=1)
    window = with_labels(spec, collector, run._window(spec, collector, span(spec.checks.window, now), []), now)
    known = Reference(reference, ReferenceStatus(rows=reference.num_rows, time=now), "the reference")
    said = assess(spec, [], window, known).status
    assert said is not None and said.labels == ROWS
    return said.metrics, said.message


@pytest.mark.parametrize("asked", [True, False])
def test_metrics_of_three_classes_are_those_of_what_the_server_answered(
    asked: bool, collector: Collector, tmp_path: Path
) -> None:
    spec = spec_of(**({"scores": "All"} if asked else {}))
    answers = served_answers(tmp_path / "served", collector, spec)
    scores = np.array([[answer["scores"][name] for name in CLASSES] for answer in answers])
    truth = np.array([np.random.default_rng(row).choice(3, p=each / each.sum()) for row, each in enumerate(scores)])
    sent = run._window(spec, collector, span(spec.checks.window, datetime.now(UTC) + timedelta(minutes=1)), [])
    assert sent.identities is not None
    ids = sent.identities.to_pylist()  # in the order in which they were answered: that of their seq
    labels = [row | {"label": CLASSES[code]} for row, code in zip(ids, truth.tolist(), strict=True)]
    request = collector._request("POST", "/v1/labels", "\n".join(map(json.dumps, labels)).encode())
    assert collector._retried("the labels", request, json.load)["stored"] == ROWS
    reference = pa.table(
        {
            "said": [answer["label"] for answer in answers],
            "sure": [answer["score"] for answer in answers],
            "truth": [CLASSES[code] for code in truth],
            **{f"sure_{name}": scores[:, code] for code, name in enumerate(CLASSES)},
        }
    )
    found, message = metrics(spec, collector, reference)
    measured = {each.name: each for each in found if not each.estimated}
    if not asked:
        assert "roc_auc" not in measured and "set logging.scores to All" in message
        return
    area = roc_auc_score(truth, scores, multi_class="ovr", average="macro")
    assert measured["roc_auc"].value == pytest.approx(area, abs=1e-9)
    probabilities = scores / scores.sum(axis=1, keepdims=True)  # scikit-learn warns of sums in single precision
    assert measured["log_loss"].value == pytest.approx(log_loss(truth, probabilities), abs=1e-6)
    assert measured["roc_auc"].reference == pytest.approx(measured["roc_auc"].value, abs=1e-12)
    assert {each.name for each in found if each.estimated} == set(measured), "as its labels say, and estimated"
    assert message == ""
