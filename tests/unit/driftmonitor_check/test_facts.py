"""The facts keep within the API's bounds and hold nothing but what the check owns."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from driftmonitor_api.v1alpha1 import (
    ColumnResult,
    Condition,
    DriftMonitorStatus,
    Endpoints,
    HistoryEntry,
    ReferenceStatus,
    Violation,
)
from driftmonitor_check.check import Outcome
from driftmonitor_check.facts import check_result, drift_report, report_name, status_facts
from driftmonitor_check.verdict import Conclusion

OWNED = {"lastCheck", "reference", "columns", "violations", "history"}


@pytest.fixture
def outcome(now: datetime) -> Outcome:
    return Outcome(
        conclusion=Conclusion("DriftDetected", "1 of 2 columns drifted.", 0.5, "1/2"),
        time=now,
        window_start=now - timedelta(hours=1),
        window_end=now,
        rows=700,
        rows_written=10,
        rows_stored=8,
        rows_lost=1,
        coverage=0.9,
        reference=ReferenceStatus(storage_uri="configmap://a/b", sha256="0", rows=3, time=now),
        columns=[
            ColumnResult(
                name=f"c{n}",
                type="Numerical",
                method="psi",
                score=None,
                warning=0.1,
                critical=0.2,
                severity="NotChecked",
            )
            for n in range(60)
        ],
        violations=[Violation(column=f"c{n}", check="missing_column_check", message="gone") for n in range(60)],
    )


def test_only_the_checks_own_fields_are_in_the_facts(outcome: Outcome, now: datetime) -> None:
    condition = Condition(
        type="Ready", status="True", reason="x", message="", last_transition_time=now, observed_generation=1
    )
    previous = DriftMonitorStatus(
        observed_generation=3, conditions=[condition], drift="Stable", endpoints=Endpoints(predict="p", collector="c")
    )
    assert status_facts(outcome, check_result(outcome), previous).keys() == OWNED


def test_the_facts_read_back_as_the_status(outcome: Outcome) -> None:
    result = check_result(outcome, "/v1/reports/x.html")
    facts = json.loads(json.dumps(status_facts(outcome, result, DriftMonitorStatus()), allow_nan=False))
    status = DriftMonitorStatus.model_validate(facts)
    assert status.last_check == result
    assert facts["lastCheck"]["windowStart"] == "2026-01-01T11:00:00Z"
    assert facts["lastCheck"]["drifted"] == "1/2"


def test_the_status_holds_the_worst_fifty_and_the_report_all(outcome: Outcome) -> None:
    result = check_result(outcome)
    facts = status_facts(outcome, result, DriftMonitorStatus())
    assert [column["name"] for column in facts["columns"]] == [f"c{n}" for n in range(50)]
    assert len(facts["violations"]) == 50
    report = drift_report("ns/name", outcome, result)
    assert (report.monitor, len(report.columns), len(report.violations)) == ("ns/name", 60, 60)


def test_the_history_is_newest_first_and_ends_at_twenty(outcome: Outcome, now: datetime) -> None:
    status = DriftMonitorStatus()
    for run in range(25):
        this = replace(outcome, time=now + timedelta(minutes=run), rows=run, subject="ab")
        status = DriftMonitorStatus.model_validate(status_facts(this, check_result(this), status))
    history = status.history or []
    assert [entry.rows for entry in history] == list(range(24, 4, -1))
    assert history[0] == HistoryEntry(
        time=now + timedelta(minutes=24),
        verdict="DriftDetected",
        rows=24,
        coverage=outcome.coverage,
        rows_lost=1,
        drift_share=0.5,
        subject="ab",
    )


def test_the_tries_of_one_scheduled_run_leave_one_entry(outcome: Outcome, now: datetime) -> None:
    status = DriftMonitorStatus()
    runs = ["wine-check-1", "wine-check-2", "wine-check-2", "wine-check-2", None, None]
    for place, run in enumerate(runs):
        this = replace(outcome, time=now + timedelta(minutes=place), rows=place)
        status = DriftMonitorStatus.model_validate(status_facts(this, check_result(this), status, run))
    assert [(entry.run, entry.rows) for entry in status.history or []] == [
        (None, 5),
        (None, 4),
        ("wine-check-2", 3),
        ("wine-check-1", 0),
    ]


def test_lists_of_the_check_before_are_emptied_when_nothing_was_compared(outcome: Outcome) -> None:
    none = replace(
        outcome, conclusion=Conclusion("ReferenceMissing", "gone"), columns=(), violations=(), reference=None
    )
    facts = status_facts(none, check_result(none), DriftMonitorStatus())
    assert (facts["columns"], facts["violations"]) == ([], [])
    assert "reference" not in facts
    assert "driftShare" not in facts["lastCheck"]


def test_a_long_message_is_cut_to_the_bound_of_the_api(outcome: Outcome) -> None:
    wordy = replace(outcome, conclusion=Conclusion("CheckFailed", "x" * 5000))
    message = check_result(wordy).message
    assert len(message) == 4096
    assert message.endswith("…")


def test_a_remark_follows_the_message(outcome: Outcome) -> None:
    assert check_result(outcome, remark="No report.").message == "1 of 2 columns drifted. No report."


def test_reports_are_named_by_the_time_of_the_check(now: datetime) -> None:
    assert report_name(now) == "20260101T120000Z"
