"""The CronJob's way: live object -> window and reference -> verdict -> reports -> status."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from driftmonitor_api.credentials import CredentialsError, SecretFolder
from driftmonitor_api.v1alpha1 import CheckResult, DriftMonitor, DriftMonitorSpec, DriftMonitorStatus, EndedWriter
from driftmonitor_check.captured import read_captured
from driftmonitor_check.capturing import model_digest
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.collector import Collector, CollectorError
from driftmonitor_check.columns import compared_features, feature_columns, written_features
from driftmonitor_check.custom.process import performer
from driftmonitor_check.damage import UNDAMAGED
from driftmonitor_check.evidence import Reference, ReferenceProblem, TrainingRows, Window
from driftmonitor_check.facts import MESSAGE_LENGTH, check_result, drift_report, report_name, shortened, status_facts
from driftmonitor_check.importances.process import weigher
from driftmonitor_check.outputs import identity_columns, output_columns, reference_columns, scored_classes
from driftmonitor_check.performance.fetching import with_labels, with_reference_labels
from driftmonitor_check.publish import Monitors
from driftmonitor_check.reference import read_reference, read_rolling
from driftmonitor_check.sequential.ordering import row_times
from driftmonitor_check.settings import Settings
from driftmonitor_check.skew.training import read_training
from driftmonitor_check.snapshots.stamping import stamped
from driftmonitor_check.spans import Span, span
from driftmonitor_check.tracking.mlflow import Server, TrackingError
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
        window = with_labels(spec, collector, window, now)
        window = replace(window, training=_training(spec, settings))
        reference = _reference(spec, window, collector, settings, now, _previous(live))
        title = f"DriftMonitor {settings.namespace}/{settings.name}, {times}"
        custom = performer(settings.custom_code)
        weigh = weigher(mount=settings.model_mount, credentials=settings.model_credentials)
        outcome = check(spec, window, reference, title=title, now=now, custom=custom, weigh=weigh)
        outcome = _with_damage(outcome, window, reference)
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
    result = _tracked(spec, settings, outcome, result)
    monitors.publish(live, lambda found: status_facts(outcome, result, _previous(found), settings.scheduled_run))
    return result


def _with_damage(outcome: Outcome, window: Window, reference: Reference | ReferenceProblem) -> Outcome:
    """Whatever the verdict, it says of how many rows nothing is known."""
    lost = reference.damage if isinstance(reference, Reference) else UNDAMAGED
    told = [window.damage.told("window"), lost.told("reference")]
    if not any(told):
        return outcome
    message = " ".join(filter(None, [outcome.conclusion.message, *told]))
    return replace(outcome, conclusion=replace(outcome.conclusion, message=message))


def _previous(live: dict[str, Any]) -> DriftMonitorStatus:
    try:
        return DriftMonitorStatus.model_validate(live.get("status") or {})
    except ValidationError:  # written by a version that knows more verdicts: its history ends here
        return DriftMonitorStatus()


def _window(spec: DriftMonitorSpec, collector: Collector, times: Span, ended: Sequence[EndedWriter]) -> Window:
    stored = collector.stored_rows(times.start, times.end, spec.checks.window.max_rows)
    table = stored.table
    return Window(
        feature_columns(table),
        times.start,
        times.end,
        collector.coverage(ended),
        output_columns(table),
        times=row_times(table),
        damage=stored.damage,
        identities=identity_columns(table),
    )


def _training(spec: DriftMonitorSpec, settings: Settings) -> TrainingRows | None:
    if spec.checks.skew is None:
        return None
    return read_training(
        spec.checks.skew,
        columns=compared_features(spec, []),
        texts=written_features(spec),
        mount=settings.skew_mount,
        credentials=settings.skew_credentials,
    )


def _reference(
    spec: DriftMonitorSpec,
    window: Window,
    collector: Collector,
    settings: Settings,
    now: datetime,
    previous: DriftMonitorStatus | None = None,
) -> Reference | ReferenceProblem:
    if spec.reference.window is not None:
        rolling = read_rolling(spec.reference.window, collector, max_rows=spec.checks.window.max_rows, now=now)
        return with_reference_labels(spec, collector, rolling)
    if spec.reference.capture_rows is not None:
        known = previous or DriftMonitorStatus()
        digest = model_digest(spec, known.model)
        return read_captured(spec, collector, now=now, model_sha256=digest, known=known.reference)
    if spec.reference.storage_uri is None:  # no apiserver admits it
        return ReferenceProblem("spec.reference: set exactly one of storageUri, window and captureRows")
    return read_reference(
        spec.reference.storage_uri,
        field="spec.reference.storageUri",
        mount=settings.reference_mount,
        columns=reference_columns(spec, window.table.column_names, scored_classes(window.outputs)) or None,
        texts=written_features(spec),
        now=now,
        credentials=settings.reference_credentials,
        sha256=spec.reference.sha256,
    )


def _store_reports(settings: Settings, collector: Collector, outcome: Outcome) -> CheckResult:
    """The verdict with its report's path. It does not fail with a report that cannot be stored, but says so."""
    name, path, remark = report_name(outcome.time), "", ""
    try:
        if outcome.html is not None:
            path = collector.put_report(f"{name}.html", outcome.html.encode(), "text/html; charset=utf-8")
        result = check_result(outcome, path)
        report = drift_report(f"{settings.namespace}/{settings.name}", outcome, result)
        if outcome.snapshot is not None:
            said = outcome.conclusion
            snapshot = stamped(
                outcome.snapshot, name=name, time=outcome.time, verdict=said.verdict, message=said.message
            )
            collector.put_report(f"{name}.evidently.json", snapshot.encode(), "application/json")
        collector.put_report(f"{name}.json", report.model_dump_json(indent=2).encode(), "application/json")
    except CollectorError as error:
        remark = f"Not all reports could be stored: {error}."
    return check_result(outcome, path, remark)


def _tracked(spec: DriftMonitorSpec, settings: Settings, outcome: Outcome, result: CheckResult) -> CheckResult:
    """The verdict with what kept the check out of MLflow, which does not concern it otherwise."""
    asked = spec.checks.mlflow
    if asked is None or not outcome.columns:
        return result
    report = drift_report(f"{settings.namespace}/{settings.name}", outcome, result)
    files = {"report.json": report.model_dump_json(indent=2).encode()}
    if outcome.html is not None:
        files["report.html"] = outcome.html.encode()
    folder = settings.mlflow_credentials or Path("/nowhere")
    try:
        login = SecretFolder(folder, "spec.checks.mlflow.credentialsSecret").mlflow()
        Server(login).record(asked.experiment, report, files)
    except (TrackingError, CredentialsError) as error:
        message = shortened(f"{result.message} MLflow has no complete run of this check: {error}.", MESSAGE_LENGTH)
        return result.model_copy(update={"message": message})
    return result


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        return f"This version of the check cannot read {field}: {problem['msg']}"
    if isinstance(error, CollectorError):
        return f"The collector failed: {error}"
    return f"Unexpected: {type(error).__name__}: {error}"
