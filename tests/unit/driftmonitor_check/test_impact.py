"""The impact is the share of importance by the drift in units of what is critical."""

from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import ColumnResult, DriftMonitorSpec
from driftmonitor_check import impact
from driftmonitor_check.methods import ConfigurationError


def result(name: str = "a", **fields: Any) -> ColumnResult:
    base: dict[str, Any] = {
        "name": name,
        "type": "Numerical",
        "method": "psi",
        "score": 0.4,
        "warning": 0.1,
        "critical": 0.2,
        "severity": "DriftDetected",
    }
    return ColumnResult.model_validate(base | fields)


def p_value(score: float, **fields: Any) -> ColumnResult:
    return result(method="ks", score=score, warning=0.05, critical=0.01, **fields)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (result(), 2.0),
        (result(score=0.05, severity="NoDrift"), 0.25),
        (result(score=1e9), 10.0),
        (result(score=None, severity="NotChecked"), None),
        (result(method="psi_quantile", p_value=0.5, severity="NoDrift"), 0.0),
        (result(method="psi_quantile", p_value=1e-9), 2.0),
        (p_value(0.01), 1.0),
        (p_value(1e-4), 2.0),
        (p_value(0.0), 10.0),
        (p_value(1.0, severity="NoDrift"), 0.0),
        (p_value(1e-9, effect=0.01, min_effect=0.1, severity="NoDrift"), 0.0),
        (p_value(1e-9, adjusted_score=0.01), 1.0),
        (result(critical=0.0), 10.0),
    ],
)
def test_drift_is_in_units_of_the_critical_threshold_and_bounded(column: ColumnResult, expected: float | None) -> None:
    assert impact.drift(column) == (None if expected is None else pytest.approx(expected))


def test_importances_are_shares_of_their_sum_and_the_order_stays() -> None:
    columns = [result("a"), result("b"), result("c", score=None, severity="NotChecked"), result("d")]
    weighed = impact.with_impact(columns, {"a": 1, "b": 2, "c": 1})
    assert [(each.name, each.importance, each.impact) for each in weighed] == [
        ("a", 0.25, 0.5),
        ("b", 0.5, 1.0),
        ("c", 0.25, None),
        ("d", None, None),
    ]
    assert impact.with_impact(columns, {}) == columns


def test_drifted_columns_are_told_by_impact_and_others_are_not() -> None:
    columns = [result("a"), result("b"), result("calm", score=0.01, severity="NoDrift"), result("unweighed")]
    weighed = impact.with_impact(columns, {"a": 1, "b": 2, "calm": 7})
    assert impact.told(weighed) == "By impact: b (0.4), a (0.2)."
    assert impact.told(columns) == ""


@pytest.mark.parametrize(
    ("importances", "message"),
    [
        ({"z": 1}, "spec.model.importances.z: the model has no such feature"),
        ({"a": 0}, "spec.model.importances: all are 0"),
    ],
)
def test_importances_of_no_use_are_refused(importances: dict[str, float], message: str) -> None:
    spec = DriftMonitorSpec.model_validate(
        {
            "model": {"storageUri": "configmap://a/b", "importances": importances},
            "reference": {"storageUri": "configmap://a/c"},
            "checks": {"schedule": "@daily"},
        }
    )
    with pytest.raises(ConfigurationError, match=message):
        impact.verify(spec, ["a", "b"])


def test_importances_given_and_asked_for_are_refused() -> None:
    spec = DriftMonitorSpec.model_validate(
        {
            "model": {"storageUri": "configmap://a/b", "importances": {"a": 1}},
            "reference": {"storageUri": "configmap://a/c"},
            "checks": {"schedule": "@daily", "importances": {}},
        }
    )
    with pytest.raises(ConfigurationError, match=r"spec\.checks\.importances: spec\.model\.importances gives them"):
        impact.verify(spec, ["a", "b"])
