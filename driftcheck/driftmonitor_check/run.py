"""The CronJob's way: live object -> window and reference -> verdict -> reports -> status."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import CheckResult, DriftMonitor, DriftMonitorSpec, DriftMonitorStatus, EndedWriter
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.collector import Collector, CollectorError
from driftmonitor_check.columns import categorical_features, feature_columns
from driftmonitor_check.evidence import Reference, ReferenceProblem, Window
from driftmonitor_check.facts import check_result, drift_report, report_name, status_facts
from driftmonitor_check.outputs import output_columns, reference_columns
from driftmonitor_check.publish import Monitors
from driftmonitor_check.reference import read_reference, read_rolling
from driftmonitor_check.settings import Settings
from driftmonitor_check.spans import Span, span
from driftmonitor_check.verdict import Conclusion


class NoVerdictError(Exception):
    """Nothing could be compared, for a reason that a later try may not find; the message says which."""

    def __init__(self, message: str, *, expected: bool) -> None:
        """`expected` is false for a fault of the program."""
        super().__init__(message)
        self.expected = expected


def run(settings: Settings, monitors: Monitors, collector: Collector, now: datetime) -> CheckResult:
    """One check, published: its reports at the collector first, then all its facts in one write to the status.

    Raises NoVerdictError when the check could not be made, after the status says CheckFailed with the reason, and
    ClusterError when the object could not be read or its status not be written.
    """
    live = monitors.read(settings.namespace, settings.name)
    times, subject = Span(now, now), None
    try:
        spec = DriftMonitor.model_validate({**live, "status": {}}).spec
        times, subject = span(spec.checks.window, now), spec.subject
        window = _window(spec, collector, times, _previous(live).ended_writers or ())
        reference = _reference(spec, window, collector, settings, now)
        title = f"DriftMonitor {settings.namespace}/{settings.name}, {times}"
        outcome = check(spec, window, reference, title=title, now=now)
    except Exception as error:  # whatever it is, the object shall say that there is no verdict, and why
        reason = _reason(error)
        known = _previous(live).reference
        failed = Outcome(
            Conclusion("CheckFailed", reason), now, times.start, times.end, subject=subject, reference=known
        )
        monitors.publish(
            live, lambda found: status_facts(failed, check_result(failed), _previous(found), settings.scheduled_run)
        )
        raise NoVerdictError(reason, expected=isinstance(error, CollectorError | ValidationError)) from error
    result = _store_reports(settings, collector, outcome)
    monitors.publish(live, lambda found: status_facts(outcome, result, _previous(found), settings.scheduled_run))
    return result


def _previous(live: dict[str, Any]) -> DriftMonitorStatus:
    try:
        return DriftMonitorStatus.model_validate(live.get("status") or {})
    except ValidationError:  # written by a version that knows more verdicts: its history ends here
        return DriftMonitorStatus()


def _window(spec: DriftMonitorSpec, collector: Collector, times: Span, ended: Sequence[EndedWriter]) -> Window:
    table = collector.window(times.start, times.end, spec.checks.window.max_rows)
    return Window(feature_columns(table), times.start, times.end, collector.coverage(ended), output_columns(table))


def _reference(
    spec: DriftMonitorSpec, window: Window, collector: Collector, settings: Settings, now: datetime
) -> Reference | ReferenceProblem:
    if spec.reference.window is not None:
        return read_rolling(spec.reference.window, collector, max_rows=spec.checks.window.max_rows, now=now)
    if spec.reference.storage_uri is None:  # no apiserver admits it
        return ReferenceProblem("spec.reference: set exactly one of storageUri and window")
    return read_reference(
        spec.reference.storage_uri,
        field="spec.reference.storageUri",
        mount=settings.reference_mount,
        columns=reference_columns(spec, window.table.column_names) or None,
        texts=categorical_features(spec),
        now=now,
        credentials=settings.reference_credentials,
    )


def _store_reports(settings: Settings, collector: Collector, outcome: Outcome) -> CheckResult:
    """The verdict with its report's path. It does not fail with a report that cannot be stored, but says so."""
    name, path, remark = report_name(outcome.time), "", ""
    try:
        if outcome.html is not None:
            path = collector.put_report(f"{name}.html", outcome.html.encode(), "text/html; charset=utf-8")
        result = check_result(outcome, path)
        report = drift_report(f"{settings.namespace}/{settings.name}", outcome, result)
        collector.put_report(f"{name}.json", report.model_dump_json(indent=2).encode(), "application/json")
    except CollectorError as error:
        remark = f"Not all reports could be stored: {error}."
    return check_result(outcome, path, remark)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        return f"This version of the check cannot read {field}: {problem['msg']}"
    if isinstance(error, CollectorError):
        return f"The collector failed: {error}"
    return f"Unexpected: {type(error).__name__}: {error}"
