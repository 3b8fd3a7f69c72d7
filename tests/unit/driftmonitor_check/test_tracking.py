"""What a run of MLflow has, and what is said where there is none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from driftmonitor_api.reports import DriftReport
from driftmonitor_api.v1alpha1 import CheckResult, ColumnResult, DriftMonitorSpec
from driftmonitor_api.v1alpha1.tracking import MlflowTracking
from driftmonitor_check import run
from driftmonitor_check.check import Outcome
from driftmonitor_check.facts import check_result
from driftmonitor_check.settings import Settings
from driftmonitor_check.tracking.content import metrics, tags
from driftmonitor_check.verdict import Conclusion


def column(name: str, score: float | None = 0.25) -> ColumnResult:
    return ColumnResult(
        name=name, type="Numerical", method="psi", score=score, warning=0.1, critical=0.2, severity="DriftDetected"
    )


@pytest.fixture
def outcome(now: datetime) -> Outcome:
    return Outcome(Conclusion("NoDrift", "all is well"), now, now, now, rows=10, columns=[column("a")])


@pytest.fixture
def tracked(outcome: Outcome, spec_of: Callable[..., DriftMonitorSpec]) -> Callable[..., CheckResult]:
    def track(secret: Path | None, of: Outcome = outcome) -> CheckResult:
        spec = spec_of()
        asked = MlflowTracking(experiment="drift", credentials_secret="mlflow")
        spec = spec.model_copy(update={"checks": spec.checks.model_copy(update={"mlflow": asked})})
        settings = Settings("a", "b", "http://collector", "token", mlflow_credentials=secret)
        return run._tracked(spec, settings, of, check_result(of))

    return track


def test_the_metrics_are_the_scores_and_no_more_than_mlflow_takes(now: datetime) -> None:
    check = CheckResult(time=now, window_start=now, window_end=now, rows=7, verdict="NoDrift", message="m" * 4096)
    columns = [column(f"c{number}") for number in range(2000)]
    report = DriftReport(
        monitor="a/b", check=check, reference=None, columns=[column("x", None), *columns], violations=[]
    )
    found = metrics(report)
    assert len(found) < 1000
    assert found["rows"] == 7
    assert found["c0/psi"] == 0.25
    assert not {"x/psi", "drift_share"} & found.keys()
    assert tags(report)["driftmonitor.window"] == "2026-01-01T12:00:00Z/2026-01-01T12:00:00Z"


def test_a_missing_secret_or_server_is_a_remark_and_leaves_the_verdict(
    tracked: Callable[..., CheckResult], tmp_path: Path
) -> None:
    for folder in (None, tmp_path):
        result = tracked(folder)
        assert result.verdict == "NoDrift"
        assert result.message.startswith("all is well MLflow has no complete run of this check: the Secret of")
        assert "spec.checks.mlflow.credentialsSecret" in result.message
    (tmp_path / "MLFLOW_TRACKING_URI").write_text("http://127.0.0.1:9")
    assert "the MLflow server http://127.0.0.1:9 cannot be reached" in tracked(tmp_path).message


def test_a_check_that_compared_nothing_is_no_run(tracked: Callable[..., CheckResult], outcome: Outcome) -> None:
    assert tracked(None, replace(outcome, columns=())).message == "all is well"
