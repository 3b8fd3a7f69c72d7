"""`spec.checks.multivariate`, and what it finds: drift of the columns taken together."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import Count, Share, SpecModel, StatusModel
from driftmonitor_api.v1alpha1.quality import LEVEL_RULES

MultivariateMethod = Literal["DomainClassifier", "Reconstruction"]
MAX_TOLD_FEATURES = 5
"""Features that are named as those which tell the window from the reference."""


class Multivariate(SpecModel):
    """Drift of the columns taken together, such as a correlation that is lost while each column stays as it was. It
    goes into the verdict. Looked at are up to 5,000 rows of each side and the first 100 columns."""

    model_config = {"json_schema_extra": LEVEL_RULES}

    methods: Annotated[
        list[MultivariateMethod],
        Field(min_length=1, max_length=2, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = ["DomainClassifier", "Reconstruction"]
    """`DomainClassifier` learns to tell the window's rows from the reference's. `Reconstruction` is the error with
    which the principal components of the reference give the window's rows back; beyond 3 standard deviations of the
    reference's own parts it is a warning, beyond 5 critical."""
    warning: Annotated[float, Field(ge=0.5, le=1)] | None = None
    """ROC AUC of the domain classifier, 0.5 to 1, from which on drift is suspected. Default: 0.55. Small samples raise
    it by what chance may do."""
    critical: Annotated[float, Field(ge=0.5, le=1)] | None = None
    """ROC AUC of the domain classifier, 0.5 to 1, from which on there is drift. Default: 0.575."""


class FeatureImportance(StatusModel):
    """What one feature does for telling the window from the reference."""

    name: Annotated[str, Field(max_length=128)]
    """The feature."""
    importance: Annotated[float, Field(ge=-1, le=1)]
    """How much the ROC AUC falls when the feature's values are shuffled."""


class MultivariateResult(StatusModel):
    """The columns taken together."""

    columns: Count
    """Columns looked at."""
    rows: Count
    """Rows of the window looked at."""
    reference_rows: Count
    """Rows of the reference looked at."""
    auc: Share | None = None
    """ROC AUC with which the domain classifier tells the window's rows from the reference's, by cross-validation: 0.5
    is a guess, 1 is certain."""
    chance: Share | None = None
    """ROC AUC that chance may reach with so many rows."""
    features: Annotated[list[FeatureImportance], Field(max_length=MAX_TOLD_FEATURES)] = []
    """The features that tell the two apart, the most important first; none where nothing does."""
    reconstruction_error: Annotated[float, Field(ge=0, le=1e15)] | None = None
    """Mean distance of the window's rows from what the reference's principal components give back of them."""
    reconstruction_lower: Annotated[float, Field(ge=0, le=1e15)] | None = None
    """What it is in the reference, less 3 standard deviations."""
    reconstruction_upper: Annotated[float, Field(ge=0, le=1e15)] | None = None
    """What it is in the reference, and 3 standard deviations."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """What was not looked at, and why."""
