"""`spec.checks.window` and `spec.checks.drift`: which predictions are compared, and with which tests."""

from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import Duration, DurationOrZero, SpecModel, rule, rules
from driftmonitor_api.v1alpha1.fields import in_order
from driftmonitor_api.v1alpha1.methods import THRESHOLD_RULES, CategoricalMethod, Method, NumericalMethod, Threshold


class Window(SpecModel):
    """Which predictions a check looks at: those from `now - offset - lookback` to `now - offset`."""

    model_config = {
        "json_schema_extra": rules(in_order("minRows", "maxRows")),
    }

    lookback: Duration = "1h"
    """Length of the window, such as `1h`."""
    offset: DurationOrZero = "0s"
    """How long before now the window ends."""
    min_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    """Fewer rows than this, in the window or in the reference, is `InsufficientData`, never "no drift"."""
    max_rows: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """Of a window with more rows the newest ones are compared; of a `reference.window`, too. Rows lie on the node's
    disk; one column at a time is in memory. docs/drift.md says what `checks.resources` they need."""


class NumericalTest(SpecModel):
    """The drift test of numerical columns."""

    model_config = {"json_schema_extra": THRESHOLD_RULES}

    method: NumericalMethod = "psi_quantile"
    """Name of the test: Evidently's where the test is Evidently's, and `psi_quantile`, `ks_statistic` and
    `chi2_contingency`. `ks`, `cramer_von_mises`, `anderson`, `t_test` and `chi2_contingency` score with a p-value (less
    is more drift), the others with a distance."""
    warning: Threshold | None = None
    """Score at which drift is suspected. Default: by method, psi_quantile 0.05, psi 0.1, jensenshannon 0.1, kl_div 0.1,
    hellinger 0.1, wasserstein 0.1, ks_statistic 0.1, p-values 0.05."""
    critical: Threshold | None = None
    """Score at which drift is detected. Default: by method, psi_quantile 0.1, psi 0.2, jensenshannon 0.2, kl_div 0.2,
    hellinger 0.2, wasserstein 0.2, ks_statistic 0.2, p-values 0.01."""
    min_effect: Threshold | None = None
    """With a p-value: the effect below which there is no drift, however small the p-value, so that many rows do not
    alarm on nothing. Default: by method, t_test 0.2 (Cohen's d), ks 0.1, cramer_von_mises 0.1, anderson 0.1 (the
    statistic of Kolmogorov and Smirnov), chi2_contingency 0.1 (total variation distance)."""


class CategoricalTest(SpecModel):
    """The drift test of categorical columns."""

    model_config = {"json_schema_extra": THRESHOLD_RULES}

    method: CategoricalMethod = "linfinity"
    """Name of the test: Evidently's where the test is Evidently's, and `linfinity` and `chi2_contingency`.
    `chi2_contingency`, `chisquare`, `z`, `fisher_exact` and `TVD` score with a p-value (less is more drift), the others
    with a distance."""
    warning: Threshold | None = None
    """Score at which drift is suspected. Default: by method, linfinity 0.03, psi 0.1, jensenshannon 0.1, kl_div 0.1,
    hellinger 0.1, p-values 0.05."""
    critical: Threshold | None = None
    """Score at which drift is detected. Default: by method, linfinity 0.05, psi 0.2, jensenshannon 0.2, kl_div 0.2,
    hellinger 0.2, p-values 0.01."""
    min_effect: Threshold | None = None
    """With a p-value: the total variation distance (the share of rows that would have to change their category) below
    which there is no drift, however small the p-value. Default: 0.1."""


class ColumnTest(SpecModel):
    """The drift test of one column, instead of its type's."""

    model_config = {"json_schema_extra": THRESHOLD_RULES}

    method: Method
    """Name of the test; it must be one that applies to the column's type. Texts and embeddings have one,
    `domain_classifier`: the area under the ROC curve of a classifier that tells the window's rows from the
    reference's."""
    warning: Threshold | None = None
    """Score at which drift is suspected. Default: by method, as for its type; domain_classifier 0.55."""
    critical: Threshold | None = None
    """Score at which drift is detected. Default: by method, as for its type; domain_classifier 0.6."""
    min_effect: Threshold | None = None
    """With a p-value: the effect below which there is no drift. Default: by method, as for its type."""


class Drift(SpecModel):
    """How the window is compared with the reference."""

    numerical: NumericalTest = NumericalTest()
    """The test of numerical columns and of those of times."""
    categorical: CategoricalTest = CategoricalTest()
    """The test of categorical columns and of booleans."""
    drift_share: Annotated[float, Field(gt=0, le=1)] = 0.01
    """The share of columns drifted, 0 to 1, from which on the verdict is drift. With the default one column decides, of
    up to a hundred."""
    columns: Annotated[
        dict[str, ColumnTest],
        Field(max_length=100),
        rule("self.all(name, name.size() >= 1 && name.size() <= 128)", "each key must be a column's name"),
    ] = {}
    """Tests of single columns, by column name."""
