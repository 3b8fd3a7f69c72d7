"""A check of everything that an object can ask for, twice."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from driftmonitor_check.pagesize import MAX_BYTES
from tests.support import everything


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("everything")
    everything.write(made)
    return made


@pytest.fixture(scope="module")
def here(folder: Path) -> dict[str, str]:
    """What the check gives in this process."""
    return everything.run(folder)


def test_the_same_input_gives_the_same_report_facts_and_snapshot_byte_for_byte_in_another_process(
    folder: Path, here: dict[str, str]
) -> None:
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    elsewhere = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Kathmandu", "PYTHONWARNINGS": "ignore"}
    program = [sys.executable, "-m", "tests.support.everything", str(folder)]
    done = subprocess.run(program, env=elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    there: dict[str, str] = json.loads(done.stdout)
    for name in ("report", "facts", "snapshot"):
        assert there[name] == here[name]


def test_all_of_it_was_looked_at(here: dict[str, str]) -> None:
    """Else the test above would show little."""
    report: dict[str, Any] = json.loads(here["report"])
    assert {column["name"] for column in report["columns"]} > set(everything.FEATURES)
    assert {column["severity"] for column in report["columns"]} >= {"NoDrift", "DriftDetected"}
    assert any(column.get("adjustedScore") is not None for column in report["columns"])
    assert any(column.get("impact") for column in report["columns"])
    checks = {violation["check"] for violation in report["violations"]}
    assert checks >= {
        "baseline_drift_check",
        "completeness_check",
        "custom_drift_check",
        "mean_shift_check",
        "multivariate_drift_check",
        "outlier_share_check",
        "quantile_shift_check",
        "row_count_check",
        "segment_drift_check",
        "sequential_drift_check",
        "target_drift_check",
        "training_serving_skew_check",
    }
    assert {metric["estimated"] for metric in report["performance"]["metrics"]} == {True, False}
    assert {each["verdict"] for each in report["segments"]} == {"DriftDetected", "InsufficientData"}
    assert report["segmentDisparities"] and report["multivariate"]["features"] and report["check"]["diagnosis"]


def test_its_page_stays_small(here: dict[str, str]) -> None:
    assert len(here["page"].encode()) < MAX_BYTES
