"""ConfigurationWarning: what a spec asks for and can have, and can hardly mean. Pure."""

from datetime import timedelta

from driftmonitor_api.base import parse_duration
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status.finding import Check, Finding, duration
from driftmonitor_operator.status.observation import Observation


def _schedule_not_understood(observation: Observation) -> Finding | None:
    if observation.schedule is not None:
        return None
    checks = observation.monitor.spec.checks
    message = (
        f'spec.checks.schedule "{checks.schedule}" in spec.checks.timeZone {checks.time_zone!r} cannot be read here; if'
        " the CronJob was refused, ChecksHealthy says why"
    )
    return Finding("Unknown", Reason.SCHEDULE_NOT_UNDERSTOOD, message)


def _schedule_never_runs(observation: Observation) -> Finding | None:
    if _largest_gap(observation) is not None:
        return None
    message = f'no day is one of spec.checks.schedule "{observation.monitor.spec.checks.schedule}"; change it'
    return Finding("True", Reason.SCHEDULE_NEVER_RUNS, message)


def _window_shorter_than_schedule(observation: Observation) -> Finding | None:
    checks, gap = observation.monitor.spec.checks, _largest_gap(observation)
    if gap is None or gap <= parse_duration(checks.window.lookback):
        return None
    message = (
        f'by spec.checks.schedule "{checks.schedule}" up to {duration(gap)} lie between two checks, and each looks at'
        f" {checks.window.lookback} only, so predictions between the windows are never checked; lengthen"
        " spec.checks.window.lookback, or check more often"
    )
    return Finding("True", Reason.WINDOW_SHORTER_THAN_SCHEDULE, message)


def _retention_shorter_than_window(observation: Observation) -> Finding | None:
    spec = observation.monitor.spec
    windows: dict[str, tuple[str, ...]] = {
        "spec.checks.window": (spec.checks.window.lookback, spec.checks.window.offset)
    }
    if spec.reference.window is not None:
        windows["spec.reference.window"] = (spec.reference.window.lookback, spec.reference.window.offset)
    if spec.checks.performance is not None:
        checked = spec.checks.window
        windows["spec.checks.performance.labelDelay"] = (
            checked.lookback,
            checked.offset,
            spec.checks.performance.label_delay,
        )
    kept = parse_duration(spec.collector.retention)
    for field, lengths in windows.items():
        reach = sum(map(parse_duration, lengths), timedelta())
        if reach > kept:
            message = (
                f"{field} reaches back {duration(reach)}, and spec.collector.retention deletes records after"
                f" {spec.collector.retention}; lengthen it, or shorten the window"
            )
            return Finding("True", Reason.RETENTION_SHORTER_THAN_WINDOW, message)
    return None


def _as_expected(observation: Observation) -> Finding:
    return Finding("False", Reason.AS_EXPECTED, "nothing in the spec contradicts itself")


def _largest_gap(observation: Observation) -> timedelta | None:
    schedule = observation.schedule
    return schedule.largest_gap(observation.now.year) if schedule else None


CONFIGURATION: tuple[Check, ...] = (
    _schedule_not_understood,
    _schedule_never_runs,
    _window_shorter_than_schedule,
    _retention_shorter_than_window,
    _as_expected,
)
