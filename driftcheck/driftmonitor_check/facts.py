"""Pure: outcome -> the facts of the status and the report as JSON, within the API's bounds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from driftmonitor_api.reports import DriftReport
from driftmonitor_api.v1alpha1 import (
    MAX_HISTORY,
    MAX_STATUS_COLUMNS,
    MAX_STATUS_VIOLATIONS,
    CheckResult,
    DriftMonitorStatus,
    HistoryEntry,
)
from driftmonitor_api.v1alpha1.segments import MAX_STATUS_SEGMENTS
from driftmonitor_check.check import Outcome

MESSAGE_LENGTH = 4096


def report_name(time: datetime) -> str:
    """The name of a check's reports at the collector, without their ending."""
    return time.strftime("%Y%m%dT%H%M%SZ")


def check_result(outcome: Outcome, report: str = "", remark: str = "") -> CheckResult:
    """The verdict with what it stands on; `report` is the HTML report's path, `remark` ends the message."""
    return CheckResult(
        time=outcome.time,
        window_start=outcome.window_start,
        window_end=outcome.window_end,
        rows=outcome.rows,
        rows_written=outcome.rows_written,
        rows_stored=outcome.rows_stored,
        rows_lost=outcome.rows_lost,
        coverage=outcome.coverage,
        verdict=outcome.conclusion.verdict,
        message=shortened(f"{outcome.conclusion.message} {remark}".rstrip(), MESSAGE_LENGTH),
        drift_share=outcome.conclusion.drift_share,
        drifted=outcome.conclusion.drifted,
        report=report,
        diagnosis=outcome.diagnosis,
        subject=outcome.subject,
    )


def drift_report(monitor: str, outcome: Outcome, result: CheckResult) -> DriftReport:
    """Everything that the check found, for the collector."""
    return DriftReport(
        monitor=monitor,
        check=result,
        reference=outcome.reference,
        columns=list(outcome.columns),
        violations=list(outcome.violations),
        segments=list(outcome.segments.results),
        segment_disparities=list(outcome.segments.disparities),
        performance=outcome.performance,
        multivariate=outcome.further.together,
    )


def status_facts(
    outcome: Outcome, result: CheckResult, previous: DriftMonitorStatus, run: str | None = None
) -> dict[str, Any]:
    """The check's part of the status, as the object has it: nothing else is in it.

    `run` names the scheduled run that the check is a try of: its entry takes the place of an earlier try's.
    """
    status = DriftMonitorStatus(
        last_check=result,
        reference=outcome.reference,
        columns=list(outcome.columns)[:MAX_STATUS_COLUMNS],
        violations=list(outcome.violations)[:MAX_STATUS_VIOLATIONS],
        performance=outcome.performance,
        segments=list(outcome.segments.results)[:MAX_STATUS_SEGMENTS] or None,
        segment_disparities=list(outcome.segments.disparities) or None,
        multivariate=outcome.further.together,
        history=_history(result, previous.history or [], run),
    )
    owned = {"last_check", "reference", "columns", "violations", "performance", "history"}
    owned |= {"segments", "segment_disparities", "multivariate"}
    return status.model_dump(mode="json", include=owned, exclude_none=True)


def shortened(text: str, length: int) -> str:
    """The text, cut to `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _history(result: CheckResult, previous: Sequence[HistoryEntry], run: str | None) -> list[HistoryEntry]:
    entry = HistoryEntry(
        run=run,
        time=result.time,
        verdict=result.verdict,
        rows=result.rows,
        coverage=result.coverage,
        rows_lost=result.rows_lost,
        drift_share=result.drift_share,
        subject=result.subject,
    )
    return [entry, *(each for each in previous if run is None or each.run != run)][:MAX_HISTORY]
