"""DriftDetected: the last verdicts, weighed by `spec.checks.policy`. Pure."""

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile

from driftmonitor_api.base import parse_duration
from driftmonitor_api.v1alpha1 import CheckResult, HistoryEntry
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status import freshness
from driftmonitor_operator.status.checking import job_failed, no_check_yet, stale_message, suspended
from driftmonitor_operator.status.finding import Check, Finding, child_problem, timestamp, unknown
from driftmonitor_operator.status.observation import Observation

_Verdict = CheckResult | HistoryEntry


def last_drift(observation: Observation) -> datetime | None:
    """When a check last found drift that counted, by the policy; None where none has for this model and reference."""
    if not observation.verdict_is_of_this_spec():
        return None
    told, other = _told(observation)
    needed = observation.monitor.spec.checks.policy.consecutive_windows
    for start, entry in enumerate(told):
        if len(told) - start >= needed and all(_drifted(found) for found in told[start : start + needed]):
            return min(entry.time, observation.published or entry.time)
    # Where many checks came since, the history no longer tells, but the operator wrote it down.
    kept = observation.monitor.status.last_drift_time
    return kept if kept and (other is None or kept > other.time) else None


def held_until(observation: Observation) -> datetime | None:
    """Until when the drift that was found last keeps DriftDetected True, whatever checks find."""
    cooldown = parse_duration(observation.monitor.spec.checks.policy.cooldown)
    found = last_drift(observation) if cooldown else None
    return found + cooldown if found else None


def no_verdict_on_this_spec(observation: Observation) -> Finding | None:
    """What the last check compared was another model, or another reference."""
    if observation.verdict_is_of_this_spec():
        return None
    schedule = observation.monitor.spec.checks.schedule
    message = f'no check has run since spec.model or spec.reference was changed; the schedule is "{schedule}"'
    return Finding("Unknown", Reason.NO_CHECK_YET, message)


def no_newer_verdict(observation: Observation) -> Finding | None:
    """Checks cannot run, or the one after the last verdict failed. An apply that failed is about to be tried again."""
    failed = child_problem("check")(observation)
    return unknown(failed, but=(Reason.APPLY_FAILED,)) or unknown(job_failed(observation))


def stale(observation: Observation) -> Finding | None:
    """The last verdict says nothing about now, or none has ever come."""
    moment = freshness.verdict_stale_at(observation) if observation.last else freshness.checks_stale_at(observation)
    if not freshness.since(observation, moment):
        return None
    return Finding("Unknown", Reason.STALE, stale_message(observation))


def _held(observation: Observation) -> Finding | None:
    until, found, last = held_until(observation), last_drift(observation), observation.last
    if until is None or found is None or last is None or until <= observation.now:
        return None
    if last.time == found:
        return _verdict(observation)
    message = (
        f"drift was last found at {timestamp(found)}; by spec.checks.policy.cooldown this holds until"
        f" {timestamp(until)}. The last check's verdict: {last.verdict}"
    )
    return Finding("True", Reason.DRIFT_DETECTED, message)


def _no_comparison(observation: Observation) -> Finding | None:
    last = observation.last
    if last is None or last.verdict not in ("ReferenceMissing", "ReferenceStale", "CheckFailed"):
        return None
    return Finding("Unknown", Reason(last.verdict), last.message or f"the last check's verdict: {last.verdict}")


def _low_log_coverage(observation: Observation) -> Finding | None:
    last = observation.last
    if last is None or last.coverage is None or _counts(observation, last):
        return None
    least = observation.monitor.spec.checks.policy.min_coverage
    lost = f"; {last.rows_lost} were answered and are lost" if last.rows_lost else ""
    message = (
        f"only {last.coverage:.1%} of the rows that were written have reached the store, and"
        f" spec.checks.policy.minCoverage asks for {least:.1%}{lost}; GET /v1/coverage at the collector names the"
        f" missing ones. The verdict over what is there: {last.verdict}"
    )
    return Finding("Unknown", Reason.LOW_LOG_COVERAGE, message)


def _drift_not_yet_confirmed(observation: Observation) -> Finding | None:
    last, needed = observation.last, observation.monitor.spec.checks.policy.consecutive_windows
    if last is None or not _drifted(last):
        return None
    in_row = len(list(takewhile(_drifted, _told(observation)[0])))
    if in_row >= needed:
        return None
    message = (
        f"drift was found by {in_row} of the {needed} checks in a row that spec.checks.policy.consecutiveWindows asks"
        f" for. {last.message}"
    )
    return Finding("False", Reason.DRIFT_SUSPECTED, message.strip())


def _verdict(observation: Observation) -> Finding | None:
    last = observation.last
    if last is None:
        return None
    message = last.message or f"the last check's verdict over {last.rows} rows"
    match last.verdict:
        case "DriftDetected":
            return Finding("True", Reason.DRIFT_DETECTED, message)
        case "DriftSuspected" | "NoDrift":
            return Finding("False", Reason(last.verdict), message)
        case _:
            return Finding("Unknown", Reason(last.verdict), message)


def _told(observation: Observation) -> tuple[list[_Verdict], _Verdict | None]:
    """The checks that could tell, newest first, as far back as they are about this model and reference; and the newest
    one that is not."""
    told: list[_Verdict] = []
    runs: set[str] = set()
    for entry in _entries(observation):
        if entry.subject not in (None, observation.monitor.spec.subject):
            return told, entry
        run = entry.run if isinstance(entry, HistoryEntry) else None
        if run is not None and run in runs:
            continue  # an earlier try of the same scheduled run
        if entry.verdict in ("NoDrift", "DriftSuspected", "DriftDetected") and _counts(observation, entry):
            told.append(entry)
            runs |= {run} if run else set()
    return told, None


def _entries(observation: Observation) -> Iterator[_Verdict]:
    last, history = observation.last, observation.monitor.status.history or []
    if last is not None and (not history or history[0].time != last.time):
        yield last
    yield from history


def _drifted(entry: _Verdict) -> bool:
    return entry.verdict == "DriftDetected"


def _counts(observation: Observation, entry: _Verdict) -> bool:
    """Whether enough of the rows were there."""
    return entry.coverage is None or entry.coverage >= observation.monitor.spec.checks.policy.min_coverage


DRIFT: tuple[Check, ...] = (
    suspended,
    _held,
    no_newer_verdict,
    stale,
    no_check_yet,
    no_verdict_on_this_spec,
    _no_comparison,
    _low_log_coverage,
    _drift_not_yet_confirmed,
    _verdict,
)
