"""The names of the drift tests, and what their thresholds must be."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import rules

Threshold = Annotated[float, Field(ge=0, le=1_000_000)]

FeatureType = Literal["Numerical", "Categorical", "Boolean", "Datetime", "Text", "Embedding"]
NumericalMethod = Literal[
    "psi_quantile",
    "psi",
    "jensenshannon",
    "kl_div",
    "hellinger",
    "wasserstein",
    "ks_statistic",
    "ks",
    "cramer_von_mises",
    "anderson",
    "t_test",
    "chi2_contingency",
]
CategoricalMethod = Literal[
    "linfinity",
    "psi",
    "jensenshannon",
    "kl_div",
    "hellinger",
    "chi2_contingency",
    "chisquare",
    "z",
    "fisher_exact",
    "TVD",
]
Method = Literal[
    "psi_quantile",
    "psi",
    "jensenshannon",
    "kl_div",
    "hellinger",
    "wasserstein",
    "ks_statistic",
    "linfinity",
    "domain_classifier",
    "ks",
    "cramer_von_mises",
    "anderson",
    "t_test",
    "chi2_contingency",
    "chisquare",
    "z",
    "fisher_exact",
    "TVD",
]
P_VALUE_METHODS: tuple[Method, ...] = (
    "ks",
    "cramer_von_mises",
    "anderson",
    "t_test",
    "chi2_contingency",
    "chisquare",
    "z",
    "fisher_exact",
    "TVD",
)
"""Their score is a p-value: the smaller, the more drift."""

_SCORED_BY_P_VALUE = f"self.method in {list(P_VALUE_METHODS)}"
THRESHOLD_RULES = rules(
    ("has(self.warning) == has(self.critical)", "set warning and critical together, or neither"),
    (
        f"!has(self.warning) || !has(self.critical) || ({_SCORED_BY_P_VALUE} ?"
        " self.warning >= self.critical : self.warning <= self.critical)",
        "warning must be reached before critical: for the p-values of ks, chisquare and their like warning >= critical,"
        " for the distances of every other method warning <= critical",
    ),
    (
        f"!({_SCORED_BY_P_VALUE}) || ((!has(self.warning) || self.warning <= 1.0) &&"
        " (!has(self.critical) || self.critical <= 1.0))",
        "the thresholds of ks, chisquare and their like are p-values: at most 1",
    ),
    (
        f"!has(self.minEffect) || {_SCORED_BY_P_VALUE}",
        "minEffect is for methods whose score is a p-value; a distance is an effect itself",
    ),
)
