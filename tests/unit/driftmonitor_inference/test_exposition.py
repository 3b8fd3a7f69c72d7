"""What Prometheus makes of `/metrics`: its own promtool reads what a server with two workers shows."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hack import promtool
from hack.cluster.errors import ClusterError

ROWS = {"instances": [{"distance": 0.25, "origin": 'J"F\\K\n'}, {"distance": 0.75, "origin": "LGA"}]}
NAMES = {
    "model_predictions_total",
    "model_prediction_latency_seconds",
    "model_input_size",
    "model_batch_size",
    "model_prediction_score",
    "model_feature_value",
    "model_outliers_total",
    "model_requests_in_flight",
    "model_request_errors_total",
    "model_records_lost_total",
    "prediction_log_unconfirmed_rows",
    "prediction_log_writer_served_rows_total",
    "prediction_log_writer_written_rows_total",
    "prediction_log_writer_lost_rows_total",
}


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return promtool.ensure()
    except ClusterError as error:
        pytest.skip(f"there is no promtool here: {error}")


def _judge(program: Path, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, "check", "metrics"], input=text, capture_output=True, text=True)


def test_promtool_finds_no_fault_in_the_metrics_of_two_workers(start_server: Callable[..., Any], program: Path) -> None:
    server = start_server(WORKERS="2")
    server.wait_ready()
    for _ in range(10):
        assert server.http.post("/predict", json=ROWS).status_code == 200
        assert server.http.post("/predict", json={}).status_code == 422
    text = server.http.get("/metrics").text
    judged = _judge(program, text)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")
    shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    assert shown >= NAMES


def test_promtool_finds_faults(program: Path) -> None:
    assert _judge(program, "# TYPE a counter\na 1\n").returncode != 0
