"""The validation service beside a real collector: for the same rows it answers what a check publishes."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_api.reports import DriftReport
from driftmonitor_api.v1alpha1 import ColumnResult, DriftMonitor
from driftmonitor_check import run
from driftmonitor_check.check import check
from driftmonitor_check.collector import Collector
from driftmonitor_check.evidence import Window
from driftmonitor_check.facts import check_result, drift_report
from driftmonitor_check.settings import Settings
from driftmonitor_check.spans import Span, span
from tests.support.shipping import TOKEN
from tests.support.shipping import Collector as CollectorProcess
from tests.support.validating import ValidationService, monitor
from tests.support.waiting import wait_for

ROWS = 300
ROLLING = monitor(
    model={"storageUri": "configmap://models/wine.onnx"},
    reference={"window": {"lookback": "1h", "offset": "2h"}},
    checks={"schedule": "* * * * *", "window": {"lookback": "1h", "minRows": 100}, "drift": {"driftShare": 0.1}},
)


def records(seed: int, end: datetime, writer: str, mean: float) -> list[dict[str, Any]]:
    """Rows of half an hour before the end, of every type that a record may have, some of them mixed or missing."""
    randomness = random.Random(seed)
    made = []
    for number in range(1, ROWS + 1):
        time = end - timedelta(minutes=30) + timedelta(seconds=5 * number)
        features: dict[str, Any] = {
            "alcohol": randomness.gauss(mean, 1),
            "year": randomness.randint(1990, 2020),
            "colour": randomness.choice(["red", "white", None]),
            "organic": randomness.random() < mean / 30,
            "grade": randomness.choice([1, 2.5, "A", None]),
            "empty": None,
        }
        if number % 3 == 0:
            features["late"] = number / 7
        made.append({
            "request_id": f"{writer}-{number}", "row": 0, "monitor": "cellar/wine", "model": "wine", "writer": writer,
            "model_version": "1", "seq": number, "features": features, "prediction": {"label": "a", "score": 0.5},
            "latency_ms": 1.0, "timestamp": time.isoformat().replace("+00:00", "Z"),
        })  # fmt: skip
    return made


def exact(column: ColumnResult) -> dict[str, Any]:
    """What does not depend on the last digits."""
    return column.model_dump(exclude={"score"})


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    process = CollectorProcess(tmp_path_factory.mktemp("collector"))
    process.start()
    wait_for("the collector", process.ready)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def service(collector: CollectorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValidationService]:
    made = ValidationService(tmp_path_factory.mktemp("validation") / "service", ROLLING)
    made.launch(COLLECTOR_URL=collector.url, REFERENCE_REFRESH_SECONDS="1")
    yield made
    assert made.stop() == 0


def test_for_rows_that_the_collector_holds_it_answers_what_the_check_publishes(
    collector: CollectorProcess, service: ValidationService
) -> None:
    client = Collector(collector.url, TOKEN)
    now = datetime.now(UTC).replace(microsecond=0)

    def store(rows: list[dict[str, Any]]) -> None:
        request = client._request("POST", "/v1/records", "\n".join(map(json.dumps, rows)).encode())
        assert client._retried("the records", request, json.load)["stored"] == ROWS

    # The reference is what the collector holds of earlier: none yet.
    service.wait("the service to be ready", service.ready)
    current = records(1, now, "pod/0/1", mean=15.0)
    early = service.post(current).json()
    assert early["check"]["verdict"] == "InsufficientData"
    store(records(2, now - timedelta(hours=2), "pod/0/2", mean=13.0))
    service.wait("the reference", lambda: service.metric("reference_rows") == ROWS)
    store(current)

    spec = DriftMonitor.model_validate(ROLLING).spec
    times = span(spec.checks.window, now)
    stored = run._window(spec, client, Span(times.start, times.end + timedelta(hours=1)), [])
    assert stored.table.num_rows == ROWS
    reference = run._reference(spec, stored, client, Settings("cellar", "wine", collector.url, TOKEN), now)
    window = Window(stored.table, times.start, times.end, outputs=stored.outputs)
    outcome = check(spec, window, reference, title="", now=now)
    published = drift_report("cellar/wine", outcome, check_result(outcome))
    assert published.check.verdict == "DriftDetected"
    faults = {(fault.column, fault.check) for fault in published.violations}
    assert ("empty", "completeness_check") in faults
    assert all(check == "range_check" for column, check in faults if column != "empty"), "the others are far away"
    assert len(published.columns) == 9, "seven features, the class and its score"

    answered = DriftReport.model_validate(service.post(current).json())
    # Evidently sums over sets of names, whose order differs between processes.
    assert [exact(column) for column in answered.columns] == [exact(column) for column in published.columns]
    for found, expected in zip(answered.columns, published.columns, strict=True):
        assert found.score is expected.score or found.score == pytest.approx(expected.score, rel=1e-12)
    assert answered.violations == published.violations
    same = {"verdict", "drift_share", "drifted", "rows", "subject"}
    assert answered.check.model_dump(include=same) == published.check.model_dump(include=same)
    assert published.check.message.startswith(answered.check.message)
    first = min(datetime.fromisoformat(record["timestamp"]) for record in current)
    assert answered.check.window_start == first


def test_a_collector_that_is_away_costs_neither_the_reference_nor_the_answers(
    collector: CollectorProcess, service: ValidationService, tmp_path: Path
) -> None:
    service.wait("the service to be ready", service.ready)
    known = service.metric("reference_rows")
    collector.stop()
    try:
        assert service.post([]).status_code == 200
        assert service.metric("reference_rows") == known
    finally:
        collector.start()
        wait_for("the collector", collector.ready)
