"""Pure: the answers of custom checks -> violations, and what they do to the verdict."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from driftmonitor_api.v1alpha1 import (
    CUSTOM_CHECK,
    CUSTOM_DRIFT_CHECK,
    CUSTOM_DRIFT_FAILURE,
    CUSTOM_FAILURE,
    MAX_SCORE,
    CustomCheck,
    FeatureType,
    Violation,
    ViolationSeverity,
)
from driftmonitor_check.custom.answers import Answer, Failure, Number
from driftmonitor_check.evidence import Reference, Window
from driftmonitor_check.verdict import Conclusion, listed

_NAME_LENGTH = 128
_MESSAGE_LENGTH = 1024


@dataclass(frozen=True)
class Sides:
    """What custom checks look at: features, and predictions under their names."""

    window: pa.Table
    reference: pa.Table
    types: Mapping[str, FeatureType]
    """Of the features that are compared."""

    @classmethod
    def of(cls, window: Window, reference: Reference, types: Mapping[str, FeatureType]) -> "Sides":
        """Features and predictions beside each other."""
        return cls(_beside(window.table, window.outputs), _beside(reference.table, reference.outputs), types)


Perform = Callable[[Sequence[CustomCheck], Sides], Mapping[str, Answer]]
"""Has the checks made, each by its name."""


@dataclass(frozen=True)
class Judged:
    """What the custom checks have found."""

    drift: Sequence[Violation] = ()
    quality: Sequence[Violation] = ()
    failed: Sequence[str] = ()
    """Checks of drift that could not be made, each with the reason."""
    failures: Sequence[Violation] = field(default=())

    @property
    def violations(self) -> list[Violation]:
        """Those that the verdict does not take in by itself."""
        return [*self.quality, *self.failures]

    def heeded(self, conclusion: Conclusion) -> Conclusion:
        """The verdict: where a check of drift could not be made, only drift that was found stands."""
        if not self.failed:
            return conclusion
        message = f"{conclusion.message} Custom checks that could not be made: {listed(self.failed)}."
        if conclusion.verdict not in ("NoDrift", "DriftSuspected"):
            return replace(conclusion, message=message)
        return Conclusion("CheckFailed", message)


def judge(checks: Sequence[CustomCheck], perform: Perform | None, sides: Callable[[], Sides]) -> Judged:
    """What the checks find. Without `perform` they are not made."""
    if not checks or perform is None:
        return Judged()
    usable = [check for check in checks if problem(check) is None]
    answers = perform(usable, sides()) if usable else {}
    drift: list[Violation] = []
    quality: list[Violation] = []
    failed: list[str] = []
    failures: list[Violation] = []
    for check in checks:
        unusable = problem(check)
        answer = Failure(unusable) if unusable else answers.get(check.name, Failure("it was not made"))
        if isinstance(answer, Number) and check.critical is None:
            answer = Failure(f"it answered the number {answer.value:g}, and neither warning nor critical is set")
        if isinstance(answer, Failure):
            failures.append(_failure(check, answer))
            if check.kind == "Drift":
                failed.append(f"{check.name} ({answer.reason})")
            continue
        (drift if check.kind == "Drift" else quality).extend(_violations(check, answer))
    return Judged(drift, quality, failed, failures)


def problem(check: CustomCheck) -> str | None:
    """What the apiserver would have refused, where a file has come another way."""
    if (check.entry_point is None) == (check.evidently_metric is None):
        return "set exactly one of entryPoint and evidentlyMetric"
    if (check.warning is None) != (check.critical is None):
        return "set warning and critical together, or neither"
    if check.warning is not None and check.critical is not None and _beyond(check, check.warning, check.critical):
        return "warning is beyond critical"
    if check.evidently_metric is not None and check.critical is None:
        return "an evidentlyMetric needs warning and critical"
    return None


def _violations(check: CustomCheck, answer: Answer) -> Iterator[Violation]:
    name = CUSTOM_DRIFT_CHECK if check.kind == "Drift" else CUSTOM_CHECK
    if isinstance(answer, Number):
        levels: list[tuple[ViolationSeverity, float | None]] = [
            ("Critical", check.critical),
            ("Warning", check.warning),
        ]
        for severity, threshold in levels:
            if threshold is not None and (answer.value == threshold or _beyond(check, answer.value, threshold)):
                how = "at least" if check.direction == "Above" else "at most"
                message = f"{_source(check)} gives {answer.value:.6g}, {how} {threshold:g}"
                yield _violation(check.name, name, message, severity, answer.value, threshold)
                return
    elif not isinstance(answer, Failure):
        for found in answer:
            yield _violation(
                found.column or check.name,
                name,
                f"{check.name}: {found.message}",
                found.severity,
                found.value,
                found.threshold,
            )


def _failure(check: CustomCheck, failure: Failure) -> Violation:
    name = CUSTOM_DRIFT_FAILURE if check.kind == "Drift" else CUSTOM_FAILURE
    return _violation(check.name, name, f"failed: {failure.reason}", "Critical", None, None)


def _violation(
    column: str, name: str, message: str, severity: ViolationSeverity, value: float | None, threshold: float | None
) -> Violation:
    return Violation(
        column=column[:_NAME_LENGTH],
        check=name,
        message=message[:_MESSAGE_LENGTH],
        value=_kept(value),
        threshold=_kept(threshold),
        severity=severity,
    )


def _kept(value: float | None) -> float | None:
    """The status has no negative numbers; the message says what they are."""
    return None if value is None or value < 0 else min(value, MAX_SCORE)


def _beyond(check: CustomCheck, value: float, threshold: float) -> bool:
    return value > threshold if check.direction == "Above" else value < threshold


def _source(check: CustomCheck) -> str:
    return check.entry_point or check.evidently_metric or check.name


def _beside(features: pa.Table, outputs: pa.Table | None) -> pa.Table:
    if outputs is None:
        return features
    table = features
    for name in outputs.column_names:
        if name not in features.column_names:
            table = table.append_column(name, outputs.column(name))
    return table
