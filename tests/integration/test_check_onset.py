"""The check reads a window from a collector and tells since when it is another, however the rows came."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import DriftMonitorSpec, ReferenceStatus
from driftmonitor_check import run
from driftmonitor_check.check import check
from driftmonitor_check.collector import Collector
from driftmonitor_check.evidence import Reference
from driftmonitor_check.spans import Span
from tests.support.shipping import TOKEN
from tests.support.shipping import Collector as CollectorProcess
from tests.support.waiting import wait_for

ROWS, CHANGED = 600, 400
START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    process = CollectorProcess(tmp_path)
    process.start()
    wait_for("the collector", process.ready)
    yield Collector(process.url, TOKEN)
    process.stop()


def record(row: int, value: float) -> dict[str, Any]:
    return {
        "request_id": f"r-{row}", "row": 0, "monitor": "a/b", "model": "b", "model_version": "1",
        "writer": "pod/0/1", "seq": row + 1, "features": {"alcohol": value}, "latency_ms": 1.0,
        "prediction": {"label": "a", "score": 0.5}, "trace_id": None,
        "timestamp": (START + row * SECOND).isoformat().replace("+00:00", "Z"),
    }  # fmt: skip


def test_the_onset_of_a_change_is_the_time_of_its_first_row(collector: Collector) -> None:
    randomness = random.Random(1)
    records = [record(row, randomness.gauss(3 * (row >= CHANGED), 1)) for row in range(ROWS)]
    before = [each["features"]["alcohol"] for each in records]
    randomness.shuffle(records)
    lines = "\n".join(map(json.dumps, records)).encode()
    request = collector._request("POST", "/v1/records", lines)
    assert collector._retried("the records", request, json.load)["stored"] == ROWS
    spec = DriftMonitorSpec.model_validate(
        {
            "model": {"storageUri": "pvc://models/m", "features": [{"name": "alcohol", "type": "Numerical"}]},
            "reference": {"storageUri": "pvc://models/r"},
            "checks": {"schedule": "* * * * *", "sequential": {}},
        }
    )
    window = run._window(spec, collector, Span(START, START + 3600 * SECOND), [])
    status = ReferenceStatus(rows=ROWS, time=START)
    same = Reference(window.table, status, "the reference")  # the same rows: nothing but the change is to be told
    outcome = check(spec, window, same, title="", now=START, draw=False)
    assert window.table["alcohol"].to_pylist() == before
    (told,) = (each for each in outcome.violations if each.check == "sequential_drift_check")
    assert told.onset is not None and abs(told.onset - (START + CHANGED * SECOND)) <= 10 * SECOND
    assert outcome.conclusion.verdict == "DriftDetected"
    assert "2026-01-01T00:06:" in outcome.conclusion.message
