"""Answers of custom checks -> violations, and what they do to the verdict."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from driftmonitor_api.v1alpha1 import CustomCheck, DriftMonitorSpec, ReferenceStatus
from driftmonitor_check.check import Outcome, check
from driftmonitor_check.custom.answers import Answer, Failure, Found, Number
from driftmonitor_check.custom.judging import Sides, judge
from driftmonitor_check.evidence import Reference, Window

Flights = Callable[..., pa.Table]
SIDES = Sides(pa.table({"a": [1.0]}), pa.table({"a": [1.0]}), {"a": "Numerical"})


def own(**fields: Any) -> CustomCheck:
    return CustomCheck.model_validate({"name": "margin", "entryPoint": "checks:margin", **fields})


def answering(answer: Answer) -> Callable[[Sequence[CustomCheck], Sides], Mapping[str, Answer]]:
    return lambda checks, sides: {each.name: answer for each in checks}


@pytest.mark.parametrize(
    ("value", "direction", "severity", "threshold"),
    [
        (0.09, "Above", None, None),
        (0.1, "Above", "Warning", 0.1),
        (0.2, "Above", "Critical", 0.2),
        (0.21, "Below", None, None),
        (0.2, "Below", "Warning", 0.2),
        (0.1, "Below", "Critical", 0.1),
        (-5, "Below", "Critical", 0.1),
    ],
)
def test_a_number_is_held_against_the_thresholds(
    value: float, direction: str, severity: str | None, threshold: float | None
) -> None:
    levels = {"warning": 0.1, "critical": 0.2} if direction == "Above" else {"warning": 0.2, "critical": 0.1}
    judged = judge([own(direction=direction, **levels)], answering(Number(value)), lambda: SIDES)
    found = [(each.column, each.check, each.severity, each.threshold) for each in judged.drift]
    assert found == ([("margin", "custom_drift_check", severity, threshold)] if severity else [])
    assert (judged.quality, judged.failed, judged.violations) == ([], [], [])


def test_findings_say_which_column_they_are_of() -> None:
    found = (Found("too thin", "Warning", "alcohol", -1.0, 0.5), Found("all of it", "Critical"))
    judged = judge([own(kind="Quality")], answering(found), lambda: SIDES)
    seen = [(each.column, each.check, each.message, each.value, each.severity) for each in judged.quality]
    assert seen == [
        ("alcohol", "custom_check", "margin: too thin", None, "Warning"),
        ("margin", "custom_check", "margin: all of it", None, "Critical"),
    ]
    assert judged.drift == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"entryPoint": None}, "set exactly one of entryPoint and evidentlyMetric"),
        ({"evidentlyMetric": "MeanValue"}, "set exactly one of entryPoint and evidentlyMetric"),
        ({"critical": 0.1}, "set warning and critical together, or neither"),
        ({"warning": 0.2, "critical": 0.1}, "warning is beyond critical"),
        ({"warning": 0.1, "critical": 0.2, "direction": "Below"}, "warning is beyond critical"),
        ({"entryPoint": None, "evidentlyMetric": "MeanValue"}, "an evidentlyMetric needs warning and critical"),
        ({}, "it answered the number 1, and neither warning nor critical is set"),
    ],
)
def test_a_check_that_cannot_be_as_it_is_written_is_a_failure(fields: dict[str, Any], problem: str) -> None:
    judged = judge([own(**fields)], answering(Number(1.0)), lambda: SIDES)
    assert judged.failed == [f"margin ({problem})"]
    (failure,) = judged.violations
    assert (failure.check, failure.message) == ("custom_drift_failure_check", f"failed: {problem}")


def test_without_hands_nothing_is_made() -> None:
    judged = judge([own()], None, lambda: pytest.fail("nobody looks at the data"))
    assert not judged.violations
    assert not judged.failed


@pytest.fixture
def checked(
    spec_of: Callable[..., DriftMonitorSpec], flights: Flights, now: datetime
) -> Callable[[CustomCheck, Answer, float], Outcome]:
    def run(each: CustomCheck, answer: Answer, shift: float = 0.0) -> Outcome:
        spec = spec_of()
        spec = spec.model_copy(update={"checks": spec.checks.model_copy(update={"custom": [each]})})
        table = flights(500, seed=1)
        status = ReferenceStatus(storage_uri="s3://a/b", rows=500, time=now)
        window = Window(flights(500, seed=2, shift=shift), now, now)
        reference = Reference(table, status, "spec.reference")
        return check(spec, window, reference, title="", now=now, draw=False, custom=answering(answer))

    return run


def test_a_critical_finding_of_drift_is_drift(checked: Callable[..., Outcome]) -> None:
    outcome = checked(own(warning=0.1, critical=0.2), Number(0.3))
    assert outcome.conclusion.verdict == "DriftDetected"
    assert "checks:margin gives 0.3, at least 0.2" in outcome.conclusion.message
    assert [each.check for each in outcome.violations] == ["custom_drift_check"]


def test_a_finding_of_quality_leaves_the_verdict_on_drift(checked: Callable[..., Outcome]) -> None:
    outcome = checked(own(warning=0.1, critical=0.2, kind="Quality"), Number(0.3))
    assert outcome.conclusion.verdict == "NoDrift"
    assert [each.check for each in outcome.violations] == ["custom_check"]


def test_a_check_of_drift_that_failed_never_reads_as_no_drift(checked: Callable[..., Outcome]) -> None:
    outcome = checked(own(), Failure("it broke"))
    assert outcome.conclusion.verdict == "CheckFailed"
    assert "Custom checks that could not be made: margin (it broke)." in outcome.conclusion.message
    assert outcome.columns  # what was compared is told all the same
    drifted = checked(own(), Failure("it broke"), 3.0)
    assert drifted.conclusion.verdict == "DriftDetected"


def test_a_check_of_quality_that_failed_leaves_the_verdict_on_drift(checked: Callable[..., Outcome]) -> None:
    outcome = checked(own(kind="Quality"), Failure("it broke"))
    assert outcome.conclusion.verdict == "NoDrift"
    (violation,) = outcome.violations
    assert (violation.check, violation.message) == ("custom_failure_check", "failed: it broke")
