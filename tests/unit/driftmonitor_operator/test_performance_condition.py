"""PerformanceDegraded: what it says of what the check has found."""

from typing import Any

import pytest

from driftmonitor_operator.status import Observation, judge, transitions
from driftmonitor_operator.status.finding import Finding
from tests.support.observations import last_check, with_spec, with_status


def metric(name: str = "accuracy", *, estimated: bool = False, severity: str | None = None, **other: Any) -> Any:
    judged = {"reference": 0.9, "warning": 0.88, "critical": 0.85} | other
    values: dict[str, Any] = {"name": name, "value": 0.8, "rows": 500, "estimated": estimated, "severity": severity}
    return {key: value for key, value in (values | judged).items() if value is not None}


def found(observation: Observation, *metrics: Any, labels: int = 500, **last: Any) -> Finding:
    """The condition after a check that published this."""
    performance = {"rows": 1000, "labels": labels, "labelsNeeded": 100, "message": "What to know.", "metrics": metrics}
    checks = observation.monitor.spec.checks.model_dump(mode="json", exclude_none=True, by_alias=True)
    asked = with_spec(observation, checks=checks | {"performance": {}})
    status: dict[str, Any] = {"performance": performance}
    if last:
        status["lastCheck"] = last_check(**last)
    return judge(with_status(asked, **status))["PerformanceDegraded"]


@pytest.mark.parametrize(
    ("metrics", "labels", "status", "reason"),
    [
        ([metric()], 500, "False", "MetricsAsExpected"),
        ([metric(severity="Warning")], 500, "False", "MetricsWarning"),
        ([metric("recall"), metric(severity="Critical")], 500, "True", "MetricsDegraded"),
        ([metric(severity="Critical"), metric(estimated=True)], 500, "True", "MetricsDegraded"),
        ([metric(), metric(estimated=True)], 500, "False", "MetricsAsExpected"),
        ([metric(), metric(estimated=True, severity="Critical")], 500, "False", "MetricsWarning"),
        ([metric(estimated=True, severity="Critical")], 0, "True", "EstimateDegraded"),
        ([metric(estimated=True, severity="Warning")], 0, "Unknown", "NoLabels"),
        ([metric(estimated=True)], 0, "Unknown", "NoLabels"),
        ([], 0, "Unknown", "NoLabels"),
        ([], 50, "Unknown", "InsufficientLabels"),
        ([metric(reference=None, warning=None, critical=None)], 500, "Unknown", "NothingToCompareWith"),
    ],
)
def test_measured_metrics_decide_and_estimates_where_no_label_does(
    healthy: Observation, metrics: list[Any], labels: int, status: str, reason: str
) -> None:
    said = found(healthy, *metrics, labels=labels)
    assert (said.status, said.reason) == (status, reason)


def test_the_message_has_value_reference_and_threshold(healthy: Observation) -> None:
    said = found(healthy, metric(severity="Critical"), metric("f1"))
    assert said.message == "accuracy 0.8 (500 rows, 0.9 in the reference, told beyond 0.85)"
    assert "50 of 1000 rows have a label, and 100 labels are needed" in found(healthy, labels=50).message
    assert found(healthy, labels=50).message.endswith("What to know.")


def test_labels_are_looked_at_whatever_the_verdict_on_drift_is(healthy: Observation) -> None:
    for verdict in ("InsufficientData", "DriftDetected", "ReferenceMissing"):
        assert found(healthy, metric(severity="Critical"), verdict=verdict).status == "True", verdict


def test_it_is_unknown_until_a_check_has_looked(healthy: Observation) -> None:
    checks = healthy.monitor.spec.checks.model_dump(mode="json", exclude_none=True, by_alias=True)
    asked = with_spec(healthy, checks=checks | {"performance": {}})
    for last, reason in (
        (None, "NoCheckYet"),
        (last_check("NoDrift"), "NotMeasured"),
        (last_check("CheckFailed"), "CheckFailed"),
    ):
        said = judge(with_status(asked, lastCheck=last, performance=None))["PerformanceDegraded"]
        assert (said.status, said.reason) == ("Unknown", reason)
    suspended = judge(with_spec(asked, suspend=True))["PerformanceDegraded"]
    assert (suspended.status, suspended.reason) == ("Unknown", "Suspended")


def test_what_an_earlier_check_found_is_nothing_once_it_is_not_asked_for(healthy: Observation) -> None:
    performance = {"rows": 9, "labels": 9, "metrics": [metric(severity="Critical")]}
    said = judge(with_status(healthy, performance=performance))["PerformanceDegraded"]
    assert (said.status, said.reason) == ("Unknown", "NotMeasured")


def condition(status: str, reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "PerformanceDegraded", "status": status, "reason": reason, "message": "m"}]}


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        (("False", "MetricsAsExpected"), ("True", "MetricsDegraded"), [("Warning", "PerformanceDegraded")]),
        (("Unknown", "NoLabels"), ("True", "EstimateDegraded"), [("Warning", "PerformanceDegraded")]),
        (("True", "MetricsDegraded"), ("False", "MetricsAsExpected"), [("Normal", "PerformanceRestored")]),
        (("False", "MetricsAsExpected"), ("False", "MetricsWarning"), [("Warning", "PerformanceWarning")]),
        (("False", "MetricsWarning"), ("False", "MetricsAsExpected"), []),
        (("Unknown", "NoLabels"), ("False", "MetricsAsExpected"), []),
        (("False", "MetricsAsExpected"), ("Unknown", "NoLabels"), []),
    ],
)
def test_events_tell_of_its_transitions(before: Any, after: Any, events: Any) -> None:
    told = transitions(condition(*after), condition(*before))
    assert [(each.type, each.reason) for each in told] == events


def test_records_that_are_deleted_before_their_labels_are_due_are_a_warning(healthy: Observation) -> None:
    checks = healthy.monitor.spec.checks.model_dump(mode="json", exclude_none=True, by_alias=True)
    late = with_spec(healthy, checks=checks | {"performance": {"labelDelay": "9999d"}})
    said = judge(late)["ConfigurationWarning"]
    assert (said.status, said.reason) == ("True", "RetentionShorterThanWindow")
    assert "spec.checks.performance.labelDelay reaches back 9999d" in said.message
