"""PerformanceDegraded: what the labels say of the predictions, and estimates where there are none. Pure."""

from collections.abc import Sequence

from driftmonitor_api.v1alpha1 import MetricResult, PerformanceStatus
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status.checking import no_check_yet, suspended
from driftmonitor_operator.status.drift import no_newer_verdict, no_verdict_on_this_spec, stale
from driftmonitor_operator.status.finding import Check, Finding
from driftmonitor_operator.status.observation import Observation

_NAMED = 5


def _not_requested(observation: Observation) -> Finding | None:
    if observation.monitor.spec.checks.performance is not None:
        return None
    message = "spec.checks.performance is not set, so predictions are not compared with what turned out to be true"
    return Finding("Unknown", Reason.NOT_MEASURED, message)


def _not_looked_at(observation: Observation) -> Finding | None:
    if observation.monitor.status.performance is not None:
        return None
    last = observation.last
    if last is not None and last.verdict == "CheckFailed":
        return Finding("Unknown", Reason.CHECK_FAILED, last.message or "the last check failed")
    return Finding("Unknown", Reason.NOT_MEASURED, "the last check did not look at the performance; the next one will")


def _degraded(observation: Observation) -> Finding | None:
    found = [each for each in _measured(observation) if each.severity == "Critical"]
    return Finding("True", Reason.METRICS_DEGRADED, _named(found)) if found else None


def _estimate_degraded(observation: Observation) -> Finding | None:
    """Estimates decide only where no label does: they stand on an assumption."""
    found = [each for each in _estimated(observation) if each.severity == "Critical"]
    if not found or _measured(observation):
        return None
    message = f"estimated, as there are too few labels: {_named(found)}; {_labels(_said(observation))}"
    return Finding("True", Reason.ESTIMATE_DEGRADED, message)


def _warned(observation: Observation) -> Finding | None:
    measured = [each for each in _measured(observation) if each.severity]
    estimated = [each for each in _estimated(observation) if each.severity]
    if not measured and not (estimated and _judged(_measured(observation))):
        return None
    parts = [
        f"not yet critical: {_named(measured)}" if measured else "",
        f"estimated for newer rows: {_named(estimated)}" if estimated else "",
    ]
    return Finding("False", Reason.METRICS_WARNING, "; ".join(filter(None, parts)))


def _as_expected(observation: Observation) -> Finding | None:
    judged = _judged(_measured(observation))
    if not judged:
        return None
    return Finding("False", Reason.METRICS_AS_EXPECTED, f"{_named(judged)}; {_labels(_said(observation))}")


def _not_judged(observation: Observation) -> Finding | None:
    measured = _measured(observation)
    if not measured:
        return None
    message = (
        f"{_named(measured)}, and nothing to hold that against: name the reference's columns in"
        " spec.checks.performance.targetColumn and spec.checks.prediction.column, or give a minimum or maximum in"
        f" spec.checks.performance.metrics. {_said(observation).message}"
    )
    return Finding("Unknown", Reason.NOTHING_TO_COMPARE_WITH, message.rstrip())


def _too_few_labels(observation: Observation) -> Finding:
    said = _said(observation)
    reason = Reason.INSUFFICIENT_LABELS if said.labels else Reason.NO_LABELS
    estimated = _estimated(observation)
    also = f" Estimated: {_named(estimated)}." if estimated else ""
    return Finding("Unknown", reason, f"{_labels(said)}.{also} {said.message}".rstrip())


def _said(observation: Observation) -> PerformanceStatus:
    return observation.monitor.status.performance or PerformanceStatus()


def _measured(observation: Observation) -> list[MetricResult]:
    return [each for each in _said(observation).metrics if not each.estimated]


def _estimated(observation: Observation) -> list[MetricResult]:
    return [each for each in _said(observation).metrics if each.estimated]


def _judged(metrics: Sequence[MetricResult]) -> list[MetricResult]:
    return [each for each in metrics if each.warning is not None]


def _labels(said: PerformanceStatus) -> str:
    return f"{said.labels} of {said.rows} rows have a label, and {said.labels_needed} labels are needed"


def _named(metrics: Sequence[MetricResult]) -> str:
    named = ", ".join(_told(each) for each in metrics[:_NAMED])
    return f"{named} and {len(metrics) - _NAMED} more" if len(metrics) > _NAMED else named


def _told(metric: MetricResult) -> str:
    before = "" if metric.reference is None else f", {metric.reference:.4g} in the reference"
    limit = metric.critical if metric.severity == "Critical" else metric.warning
    bound = f", told beyond {limit:.4g}" if metric.severity and limit is not None else ""
    return f"{metric.name} {metric.value:.4g} ({metric.rows} rows{before}{bound})"


PERFORMANCE: tuple[Check, ...] = (
    _not_requested,
    suspended,
    no_newer_verdict,
    stale,
    no_check_yet,
    no_verdict_on_this_spec,
    _not_looked_at,
    _degraded,
    _estimate_degraded,
    _warned,
    _as_expected,
    _not_judged,
    _too_few_labels,
)
