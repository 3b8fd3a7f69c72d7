"""DataQualityDegraded. Pure."""

from driftmonitor_api.v1alpha1 import CUSTOM_FAILURE, DRIFT_CHECKS, MAX_HISTORY, Violation
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status.checking import no_check_yet, suspended
from driftmonitor_operator.status.drift import no_newer_verdict, no_verdict_on_this_spec, stale
from driftmonitor_operator.status.finding import Check, Finding
from driftmonitor_operator.status.observation import Observation

_NAMED = 5


def _violations_found(observation: Observation) -> Finding | None:
    violations = _violations(observation, critical=True)
    if not violations:
        return None
    lost = _lost_lately(observation)
    also = f"; besides, {_lost_message(lost)}" if lost else ""
    message = f"mend what is sent, or spec.model.features: {_named(violations)}{also}"
    return Finding("True", Reason.VIOLATIONS_FOUND, message)


def _warnings_found(observation: Observation) -> Finding | None:
    violations = _violations(observation, critical=False)
    if not violations:
        return None
    return Finding("False", Reason.QUALITY_WARNING, f"not yet critical: {_named(violations)}")


def _violations(observation: Observation, *, critical: bool) -> list[Violation]:
    """Those of data quality; one without a severity is by a check of an older version, and critical."""
    found = observation.monitor.status.violations or []
    none = (*DRIFT_CHECKS, CUSTOM_FAILURE)
    return [each for each in found if (each.severity != "Warning") == critical and each.check not in none]


def _custom_check_failed(observation: Observation) -> Finding | None:
    failed = [each for each in observation.monitor.status.violations or [] if each.check == CUSTOM_FAILURE]
    return Finding("Unknown", Reason.CHECK_FAILED, f"mend checks.custom: {_named(failed)}") if failed else None


def _named(violations: list[Violation]) -> str:
    named = "; ".join(f"{violation.column}: {violation.message}" for violation in violations[:_NAMED])
    more = f"; and {len(violations) - _NAMED} more in status.violations" if len(violations) > _NAMED else ""
    return f"{named}{more}"


def _rows_lost(observation: Observation) -> Finding | None:
    lost = _lost_lately(observation)
    return Finding("True", Reason.ROWS_LOST, _lost_message(lost)) if lost else None


def _lost_message(rows: int) -> str:
    answered = "1 row was" if rows == 1 else f"{rows} rows were"
    return (
        f"{answered} answered and lost, and missing in the last window: never logged, as spec.logging.whenFull:"
        " ServeAndCount has it, or sent to the collector several times in vain; raise"
        " spec.logging.shipper.bufferSize, see why the collector does not keep up, or what the server's log says of"
        " lost rows. GET /v1/coverage at the collector names what is lost"
    )


def _lost_lately(observation: Observation) -> int:
    """Rows lost since the last window began, as far back as the history tells. What is counted is all since the start
    of the monitor, so a loss is told for as long as a window can lack its rows, and not for ever."""
    last, history = observation.last, observation.monitor.status.history or []
    if last is None or not last.rows_lost:
        return 0
    told = [(entry.time, entry.rows_lost) for entry in history if entry.rows_lost is not None]
    before = next((lost for time, lost in told if time <= last.window_start), None)
    if before is None:
        before = told[-1][1] if told and len(history) >= MAX_HISTORY else 0
    return max(0, last.rows_lost - before)


def _no_violations(observation: Observation) -> Finding | None:
    if not observation.monitor.status.columns:
        return None
    return Finding("False", Reason.NO_VIOLATIONS, "every column that the last check compared was as it should be")


def _nothing_compared(observation: Observation) -> Finding:
    last = observation.last
    if last is None or last.verdict in ("NoDrift", "DriftSuspected", "DriftDetected"):
        return Finding("Unknown", Reason.NOTHING_COMPARED, "the last check named no column that it compared")
    return Finding("Unknown", Reason(last.verdict), last.message or f"the last check's verdict: {last.verdict}")


DATA_QUALITY: tuple[Check, ...] = (
    suspended,
    no_newer_verdict,
    stale,
    no_check_yet,
    no_verdict_on_this_spec,
    _violations_found,
    _rows_lost,
    _custom_check_failed,
    _warnings_found,
    _no_violations,
    _nothing_compared,
)
