"""What the columns say together."""

import pytest

from driftmonitor_api.v1alpha1 import ColumnResult, Severity, Verdict, Violation
from driftmonitor_check.verdict import conclude, worst_first


def results(*severities: Severity) -> list[ColumnResult]:
    scores: dict[Severity, float | None] = {
        "NoDrift": 0.0,
        "DriftSuspected": 0.15,
        "DriftDetected": 0.5,
        "NotChecked": None,
    }
    return [
        ColumnResult(
            name=f"c{place}",
            type="Numerical",
            method="psi",
            score=scores[severity],
            warning=0.1,
            critical=0.2,
            severity=severity,
        )
        for place, severity in enumerate(severities)
    ]


def column(name: str, method: str, score: float | None, severity: Severity) -> ColumnResult:
    warning, critical = (0.05, 0.01) if method == "ks" else (0.1, 0.2)
    return ColumnResult.model_validate(
        {
            "name": name,
            "type": "Numerical",
            "method": method,
            "score": score,
            "warning": warning,
            "critical": critical,
            "severity": severity,
        }
    )


FAULT = Violation(column="gone", check="missing_column_check", message="the window has no such column")


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        (["NoDrift", "NoDrift"], "NoDrift"),
        (["DriftDetected", "NoDrift"], "DriftDetected"),
        (["DriftDetected", "NoDrift", "NoDrift"], "NoDrift"),
        (["DriftDetected", "DriftSuspected", "NoDrift"], "DriftSuspected"),
        (["DriftSuspected", "DriftSuspected"], "DriftSuspected"),
        (["DriftSuspected", "NoDrift", "NoDrift"], "NoDrift"),
        (["DriftDetected", "NotChecked"], "DriftDetected"),
        (["DriftSuspected", "NotChecked"], "DriftSuspected"),
        (["NoDrift", "NotChecked"], "NoDrift"),
    ],
)
def test_the_share_of_the_columns_checked_decides(severities: list[Severity], verdict: Verdict) -> None:
    assert conclude(results(*severities), [], 0.5).verdict == verdict


def test_a_share_just_reached_is_drift() -> None:
    three_of_ten = results(*["DriftDetected"] * 3, *["NoDrift"] * 7)
    assert conclude(three_of_ten, [], 0.3).verdict == "DriftDetected"
    assert conclude(three_of_ten, [], 0.31).verdict == "NoDrift"


def test_share_and_count_are_of_columns_checked_at_critical() -> None:
    conclusion = conclude(results("DriftDetected", "DriftSuspected", "NoDrift", "NoDrift", "NotChecked"), [FAULT], 0.5)
    assert (conclusion.drift_share, conclusion.drifted) == (0.25, "1/4")


@pytest.mark.parametrize("severity", ["NoDrift", "DriftSuspected", "DriftDetected"])
def test_a_few_columns_do_not_speak_for_all(severity: Severity) -> None:
    conclusion = conclude(results(severity, "NoDrift", *["NotChecked"] * 38), [FAULT], 0.5)
    assert conclusion.verdict == "CheckFailed"
    assert conclusion.message.startswith("Only 2 of 40 columns could be checked, too few to speak for the others. ")
    assert "Not checked: gone (missing_column_check: " in conclusion.message
    assert ("Critical: c0 (psi 0.5)" in conclusion.message) == (severity == "DriftDetected")
    assert (conclusion.drift_share, conclusion.drifted) == (None, "")


def test_drift_that_is_certain_whatever_the_others_would_say_is_told() -> None:
    few = results("DriftDetected", "NoDrift", *["NotChecked"] * 8)
    assert conclude(few, [FAULT], 0.1).verdict == "DriftDetected"
    assert conclude(few, [FAULT], 0.11).verdict == "CheckFailed"


def test_an_adjusted_score_decides_and_is_named() -> None:
    plain, corrected = (column(name, "ks", 0.004, "DriftDetected") for name in ("plain", "corrected"))
    corrected = corrected.model_copy(update={"adjusted_score": 0.008})
    assert [each.name for each in worst_first([corrected, plain])] == ["plain", "corrected"]
    message = conclude([plain, corrected], [], 0.5).message
    assert "Critical: plain (ks 0.004), corrected (ks 0.004, adjusted 0.008)." in message


def test_no_column_checked_is_never_no_drift() -> None:
    conclusion = conclude(results("NotChecked"), [FAULT], 0.5)
    assert conclusion.verdict == "CheckFailed"
    assert conclusion.message == (
        "No column could be checked. Not checked: gone (missing_column_check: the window has no such column)."
    )
    assert (conclusion.drift_share, conclusion.drifted) == (None, "")


def test_the_message_names_what_drifted_and_what_was_not_checked() -> None:
    message = conclude(results("DriftDetected", "DriftSuspected", "NotChecked"), [FAULT], 0.5).message
    assert message == (
        "1 of 2 columns drifted; drift is detected from a share of 0.5 on. Critical: c0 (psi 0.5). "
        "Warning: c1 (psi 0.15). Not checked: gone (missing_column_check: the window has no such column)."
    )


def test_many_names_are_counted_rather_than_listed() -> None:
    message = conclude(results(*["DriftDetected"] * 8), [], 0.5).message
    assert "c4 (psi 0.5) and 3 more." in message


def test_the_worst_column_comes_first_whatever_its_method() -> None:
    columns = [
        column("fine", "psi", 0.01, "NoDrift"),
        column("unknown", "psi", None, "NotChecked"),
        column("warned", "psi", 0.15, "DriftSuspected"),
        column("twice", "psi", 0.4, "DriftDetected"),
        column("certain", "ks", 0.0, "DriftDetected"),
        column("barely", "ks", 0.009, "DriftDetected"),
    ]
    assert [each.name for each in worst_first(columns)] == ["certain", "twice", "barely", "warned", "unknown", "fine"]
