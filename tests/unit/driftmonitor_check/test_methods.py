"""Methods, their thresholds, and what a score says."""

import math
import re
from collections.abc import Callable
from typing import get_args

import pytest

from driftmonitor_api.v1alpha1 import (
    P_VALUE_METHODS,
    CategoricalTest,
    DriftMonitorSpec,
    FeatureType,
    Method,
    NumericalTest,
    Severity,
)
from driftmonitor_check.methods import (
    APPLICABLE,
    DEFAULT_MIN_EFFECT,
    DEFAULT_THRESHOLDS,
    ConfigurationError,
    DriftTest,
    drift_test,
)

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
        name = "p-values" if method in P_VALUE_METHODS else method
        assert re.search(rf"\b{name} {DEFAULT_THRESHOLDS[method][place]:g}\b", documented)


@pytest.mark.parametrize("test", [NumericalTest, CategoricalTest])
def test_the_smallest_effects_are_those_that_the_api_documents(test: type[NumericalTest | CategoricalTest]) -> None:
    type_: FeatureType = "Numerical" if test is NumericalTest else "Categorical"
    documented = test.model_fields["min_effect"].description or ""
    for method in set(APPLICABLE[type_]) & set(P_VALUE_METHODS):
        name = f"{method} " if type_ == "Numerical" else r"Default: "
        assert re.search(rf"{name}{DEFAULT_MIN_EFFECT[method]:g}\b", documented)


@pytest.mark.parametrize("type_", ["Numerical", "Datetime", "Categorical", "Boolean"])
def test_the_api_offers_each_type_the_methods_that_apply_to_it(type_: FeatureType) -> None:
    test: type[NumericalTest | CategoricalTest] = (
        NumericalTest if type_ in ("Numerical", "Datetime") else CategoricalTest
    )
    assert set(get_args(test.model_fields["method"].annotation)) == set(APPLICABLE[type_])


@pytest.mark.parametrize("type_", ["Text", "Embedding"])
def test_texts_and_embeddings_have_one_test_with_thresholds_of_their_own(type_: FeatureType, spec_of: SpecOf) -> None:
    drift = spec_of(columns={"a": {"method": "domain_classifier", "warning": 0.7, "critical": 0.8}}).checks.drift
    assert drift_test(drift, "a", type_) == DriftTest("domain_classifier", 0.7, 0.8)
    assert drift_test(drift, "b", type_) == DriftTest("domain_classifier", 0.55, 0.6)


def test_every_method_has_thresholds_in_the_direction_of_drift() -> None:
    assert set(DEFAULT_THRESHOLDS) == set(get_args(Method))
    for method, (warning, critical) in DEFAULT_THRESHOLDS.items():
        assert warning > critical if method in P_VALUE_METHODS else warning < critical


@pytest.mark.parametrize(("effect", "severity"), [(0.0999, "NoDrift"), (0.1, "DriftDetected")])
def test_a_p_value_of_an_effect_too_small_to_matter_is_no_drift(effect: float, severity: Severity) -> None:
    assert DriftTest("ks", 0.05, 0.01, 0.1).severity(0.0, effect=effect) == severity


@pytest.mark.parametrize(("p_value", "severity"), [(0.0003, "NoDrift"), (0.0001, "DriftDetected")])
def test_a_distance_that_chance_explains_is_no_drift(p_value: float, severity: Severity) -> None:
    assert DriftTest("psi_quantile", 0.05, 0.1).severity(0.5, p_value=p_value) == severity


@pytest.mark.parametrize("beside", [{"effect": math.nan}, {"p_value": math.nan}])
def test_a_score_beside_what_is_no_number_is_never_stable(beside: dict[str, float]) -> None:
    assert DriftTest("psi_quantile", 0.05, 0.1).severity(0.01, **beside) == "NotChecked"


def test_the_smallest_effect_is_the_objects_or_the_methods(spec_of: SpecOf) -> None:
    drift = spec_of(numerical={"method": "t_test"}, columns={"a": {"method": "ks", "minEffect": 0.03}}).checks.drift
    assert drift_test(drift, "a", "Numerical") == DriftTest("ks", 0.05, 0.01, 0.03)
    assert drift_test(drift, "b", "Numerical") == DriftTest("t_test", 0.05, 0.01, 0.2)


def test_a_column_of_its_own_goes_before_its_type(spec_of: SpecOf) -> None:
    drift = spec_of(numerical={"method": "wasserstein"}, columns={"a": {"method": "ks"}}).checks.drift
    assert drift_test(drift, "a", "Numerical") == DriftTest("ks", 0.05, 0.01, 0.1)
    assert drift_test(drift, "b", "Numerical") == DriftTest("wasserstein", 0.1, 0.2)


def test_thresholds_of_the_object_are_used(spec_of: SpecOf) -> None:
    drift = spec_of(categorical={"method": "chisquare", "warning": 0.1, "critical": 0.001}).checks.drift
    assert drift_test(drift, "a", "Categorical") == DriftTest("chisquare", 0.1, 0.001, 0.1)


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
        ({"method": "psi", "minEffect": 0.1}, "an effect itself"),
    ],
)
def test_thresholds_that_the_apiserver_would_refuse_are_refused_in_a_file_too(
    test: dict[str, object], problem: str, spec_of: SpecOf
) -> None:
    drift = spec_of(columns={"a": test}).checks.drift
    with pytest.raises(ConfigurationError, match=f"spec.checks.drift.columns.a: .*{problem}"):
        drift_test(drift, "a", "Numerical")
