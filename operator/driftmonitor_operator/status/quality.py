"""DataQualityDegraded and PerformanceDegraded. Pure."""

from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status.checking import no_check_yet, suspended
from driftmonitor_operator.status.drift import no_newer_verdict, no_verdict_on_this_spec, stale
from driftmonitor_operator.status.finding import Check, Finding
from driftmonitor_operator.status.observation import Observation

_NAMED = 5


def _violations_found(observation: Observation) -> Finding | None:
    violations = observation.monitor.status.violations
    if not violations:
        return None
    named = "; ".join(f"{violation.column}: {violation.message}" for violation in violations[:_NAMED])
    more = f"; and {len(violations) - _NAMED} more in status.violations" if len(violations) > _NAMED else ""
    message = f"mend what is sent, or spec.model.features: {named}{more}"
    return Finding("True", Reason.VIOLATIONS_FOUND, message)


def _no_violations(observation: Observation) -> Finding | None:
    if not observation.monitor.status.columns:
        return None
    return Finding("False", Reason.NO_VIOLATIONS, "every column that the last check compared was as it should be")


def _nothing_compared(observation: Observation) -> Finding:
    last = observation.last
    if last is None or last.verdict in ("NoDrift", "DriftSuspected", "DriftDetected"):
        return Finding("Unknown", Reason.NOTHING_COMPARED, "the last check named no column that it compared")
    return Finding("Unknown", Reason(last.verdict), last.message or f"the last check's verdict: {last.verdict}")


def _not_measured(observation: Observation) -> Finding:
    message = "predictions are not compared with what turned out to be true, so nothing is known of the performance"
    return Finding("Unknown", Reason.NOT_MEASURED, message)


DATA_QUALITY: tuple[Check, ...] = (
    suspended,
    no_newer_verdict,
    stale,
    no_check_yet,
    no_verdict_on_this_spec,
    _violations_found,
    _no_violations,
    _nothing_compared,
)
PERFORMANCE: tuple[Check, ...] = (_not_measured,)
