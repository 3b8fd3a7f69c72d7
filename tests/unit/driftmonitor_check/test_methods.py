"""Methods, their thresholds, and what a score says."""

import re
from collections.abc import Callable

import pytest

from driftmonitor_api.v1alpha1 import CategoricalTest, DriftMonitorSpec, FeatureType, Method, NumericalTest, Severity
from driftmonitor_check.methods import APPLICABLE, DEFAULT_THRESHOLDS, ConfigurationError, DriftTest, drift_test

SpecOf = Callable[..., DriftMonitorSpec]


@pytest.mark.parametrize(
    ("score", "severity"),
    [(0.0999, "NoDrift"), (0.1, "DriftSuspected"), (0.1999, "DriftSuspected"), (0.2, "DriftDetected")],
)
@pytest.mark.parametrize("method", ["psi", "wasserstein", "jensenshannon"])
def test_a_distance_reaches_its_threshold_from_below(method: Method, score: float, severity: Severity) -> None:
    assert DriftTest(method, 0.1, 0.2).severity(score) == severity


@pytest.mark.parametrize(
    ("score", "severity"),
    [(0.051, "NoDrift"), (0.049, "DriftSuspected"), (0.011, "DriftSuspected"), (0.009, "DriftDetected")],
)
@pytest.mark.parametrize("method", ["ks", "chisquare"])
def test_a_p_value_reaches_its_threshold_from_above(method: Method, score: float, severity: Severity) -> None:
    assert DriftTest(method, 0.05, 0.01).severity(score) == severity


@pytest.mark.parametrize("method", list(DEFAULT_THRESHOLDS))
@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_not_finite_is_never_stable(method: Method, score: float) -> None:
    assert DriftTest(method, *DEFAULT_THRESHOLDS[method]).severity(score) == "NotChecked"


@pytest.mark.parametrize("test", [NumericalTest, CategoricalTest])
@pytest.mark.parametrize(("place", "field"), [(0, "warning"), (1, "critical")])
def test_the_defaults_are_those_that_the_api_documents(
    test: type[NumericalTest | CategoricalTest], place: int, field: str
) -> None:
    type_: FeatureType = "Numerical" if test is NumericalTest else "Categorical"
    documented = test.model_fields[field].description or ""
    for method in APPLICABLE[type_]:
        assert re.search(rf"\b{method} {DEFAULT_THRESHOLDS[method][place]:g}\b", documented)


def test_a_column_of_its_own_goes_before_its_type(spec_of: SpecOf) -> None:
    drift = spec_of(numerical={"method": "wasserstein"}, columns={"a": {"method": "ks"}}).checks.drift
    assert drift_test(drift, "a", "Numerical") == DriftTest("ks", 0.05, 0.01)
    assert drift_test(drift, "b", "Numerical") == DriftTest("wasserstein", 0.1, 0.2)


def test_thresholds_of_the_object_are_used(spec_of: SpecOf) -> None:
    drift = spec_of(categorical={"method": "chisquare", "warning": 0.1, "critical": 0.001}).checks.drift
    assert drift_test(drift, "a", "Categorical") == DriftTest("chisquare", 0.1, 0.001)


@pytest.mark.parametrize(
    ("type_", "method"),
    [("Numerical", "chisquare"), ("Categorical", "ks"), ("Categorical", "wasserstein")],
)
def test_a_method_that_does_not_apply_names_its_field_and_what_does(
    type_: FeatureType, method: Method, spec_of: SpecOf
) -> None:
    drift = spec_of(columns={"a": {"method": method}}).checks.drift
    with pytest.raises(ConfigurationError) as refused:
        drift_test(drift, "a", type_)
    assert str(refused.value).startswith("spec.checks.drift.columns.a.method: ")
    assert str(refused.value).endswith(f"use one of {', '.join(APPLICABLE[type_])}")


@pytest.mark.parametrize(
    ("test", "problem"),
    [
        ({"method": "psi", "warning": 0.3}, "together"),
        ({"method": "psi", "warning": 0.3, "critical": 0.2}, "warning <= critical"),
        ({"method": "ks", "warning": 0.01, "critical": 0.05}, "warning >= critical"),
        ({"method": "ks", "warning": 2, "critical": 0.05}, "at most 1"),
    ],
)
def test_thresholds_that_the_apiserver_would_refuse_are_refused_in_a_file_too(
    test: dict[str, object], problem: str, spec_of: SpecOf
) -> None:
    drift = spec_of(columns={"a": test}).checks.drift
    with pytest.raises(ConfigurationError, match=f"spec.checks.drift.columns.a: .*{problem}"):
        drift_test(drift, "a", "Numerical")
