"""Pure: what the compared columns say together.

The share of drifted columns is (columns at `critical`) / (columns checked). The verdict is

- `DriftDetected` when that share is at least `spec.checks.drift.driftShare`,
- `DriftSuspected` when the share of columns at `warning` or beyond is at least `driftShare`,
- `NoDrift` otherwise.

A column that could not be checked counts neither way; the message names it. But where fewer than half of the columns
could be checked, those say too little of the others, and the verdict is `CheckFailed`: neither "no drift" nor a
suspicion. Only drift that is certain whatever the others would say is told: where (columns at `critical`) / (all
columns) is at least `driftShare`.

Beside the columns, drift of the predictions and the shifts that the object asks for go into the verdict: a critical one
is `DriftDetected`, one at `warning` makes `NoDrift` a `DriftSuspected`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from driftmonitor_api.v1alpha1 import ColumnResult, Severity, Verdict, Violation
from driftmonitor_check.methods import DriftTest

_NAMED = 5
_ENOUGH = 0.5
"""Share of the columns that must be checked for a verdict over all of them."""


@dataclass(frozen=True)
class Conclusion:
    """The verdict in a word and a sentence, with the share that it stands on."""

    verdict: Verdict
    message: str
    drift_share: float | None = None
    drifted: str = ""


def conclude(results: Sequence[ColumnResult], violations: Sequence[Violation], drift_share: float) -> Conclusion:
    """The verdict over all columns; `results` worst first."""
    checked = [result for result in results if result.severity != "NotChecked"]
    unchecked = _unchecked(violations)
    if not checked:
        return Conclusion("CheckFailed", f"No column could be checked. {unchecked}".rstrip())
    critical = [result for result in checked if result.severity == "DriftDetected"]
    warned = [result for result in checked if result.severity in ("DriftDetected", "DriftSuspected")]
    if len(checked) < _ENOUGH * len(results) and len(critical) / len(results) < drift_share:
        few = f"Only {len(checked)} of {len(results)} columns could be checked, too few to speak for the others."
        return Conclusion("CheckFailed", " ".join(filter(None, [few, _reached("Critical", critical), unchecked])))
    share = len(critical) / len(checked)
    if share >= drift_share:
        verdict: Verdict = "DriftDetected"
    elif len(warned) / len(checked) >= drift_share:
        verdict = "DriftSuspected"
    else:
        verdict = "NoDrift"
    sentences = [
        f"{len(critical)} of {len(checked)} columns drifted; drift is detected from a share of {drift_share:g} on.",
        _reached("Critical", critical),
        _reached("Warning", [result for result in warned if result not in critical]),
        unchecked,
    ]
    message = " ".join(sentence for sentence in sentences if sentence)
    return Conclusion(verdict, message, share, f"{len(critical)}/{len(checked)}")


def with_findings(conclusion: Conclusion, findings: Sequence[Violation]) -> Conclusion:
    """The verdict with what tells of drift beside the columns."""
    critical = [found for found in findings if found.severity == "Critical"]
    warned = [found for found in findings if found.severity == "Warning"]
    verdict = conclusion.verdict
    if critical:
        verdict = "DriftDetected"
    elif warned and verdict == "NoDrift":
        verdict = "DriftSuspected"
    sentences = [
        conclusion.message,
        f"Besides, critical: {listed([_told(found) for found in critical])}." if critical else "",
        f"Besides, at warning: {listed([_told(found) for found in warned])}." if warned else "",
    ]
    return replace(conclusion, verdict=verdict, message=" ".join(filter(None, sentences)))


def worst_first(results: Sequence[ColumnResult]) -> list[ColumnResult]:
    """By severity, what was not checked before what is well, then by how far the score is beyond `critical`."""
    return sorted(results, key=_rank)


_SEVERITY_RANK: dict[Severity, int] = {"DriftDetected": 0, "DriftSuspected": 1, "NotChecked": 2, "NoDrift": 3}


def _rank(result: ColumnResult) -> tuple[int, float, str]:
    return (_SEVERITY_RANK[result.severity], -_excess(result), result.name)


def _excess(result: ColumnResult) -> float:
    """How many times the threshold is reached, in the direction of drift: the same scale for every method."""
    score = result.score if result.adjusted_score is None else result.adjusted_score
    if score is None:
        return 0.0
    smallest = 1e-12  # p-values underflow to 0
    if DriftTest(result.method, result.warning, result.critical).inverted:
        return max(result.critical, smallest) / max(score, smallest)
    return score / max(result.critical, smallest)


def _reached(level: str, results: Sequence[ColumnResult]) -> str:
    if not results:
        return ""
    return f"{level}: {listed([f'{result.name} ({scored(result)})' for result in results])}."


def scored(result: ColumnResult) -> str:
    """The score with what decided beside it: the effect beside a p-value, the p-value beside a distance."""
    parts = [f"{result.method} {result.score:.3g}"]
    if result.adjusted_score is not None:
        parts.append(f"adjusted {result.adjusted_score:.3g}")
    if result.effect is not None:
        parts.append(f"effect {result.effect:.3g}")
    if result.p_value is not None:
        parts.append(f"p {result.p_value:.2g}")
    return ", ".join(parts)


def _told(found: Violation) -> str:
    return f"{found.column} ({found.check}: {found.message})"


def _unchecked(violations: Sequence[Violation]) -> str:
    if not violations:
        return ""
    return f"Not checked: {listed([_told(fault) for fault in violations])}."


def listed(names: Sequence[str]) -> str:
    """The first names of a list, for a message."""
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
