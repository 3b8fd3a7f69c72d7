"""`spec.checks.skew`: the same rows, as training saw them and as serving did."""

from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import ObjectName, Share, SpecModel, rules
from driftmonitor_api.v1alpha1.fields import CREDENTIALS_PAIRS, FeatureName, Sha256, StorageUriField, in_order

SKEW_CHECK = "training_serving_skew_check"


class Skew(SpecModel):
    """Training-serving skew, row by row: what training has for an id is held against what was served for the same id.
    A difference is a fault of how features are made on one of the sides, and a violation of the data's quality."""

    model_config = {
        "json_schema_extra": rules(
            ("has(self.warning) == has(self.critical)", "set warning and critical together, or neither"),
            in_order("warning", "critical"),
            *CREDENTIALS_PAIRS,
        )
    }

    storage_uri: StorageUriField
    """File with the training's rows: as in `reference.storageUri`, whose forms and columns it has, with a column of ids
    beside them."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace for fetching it, with the keys of `model.credentialsSecret`."""
    sha256: Sha256 | None = None
    """Digest that the file must have, hexadecimal. Default: any, as such files grow."""
    id_column: Annotated[str, Field(min_length=1, max_length=128)]
    """Column of the file with the ids. Ids that it has more than once are left out."""
    feature: FeatureName | None = None
    """Feature that has the id of a served row, such as that of a customer. Default: none, and the id is the request's,
    which clients may choose; requests of several rows are left out then."""
    tolerance: Annotated[float, Field(ge=0, le=1)] | None = None
    """Relative difference up to which two numbers are the same. Default: 0.000001, so that single and double precision
    are. 0: none."""
    warning: Share | None = None
    """Share of the rows that differ in a feature, 0 to 1, from which on it is a warning. Default: 0.01."""
    critical: Share | None = None
    """Share of the rows that differ in a feature, 0 to 1, from which on it is critical. Default: 0.05."""
    min_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Rows with the same id below which nothing is said of features, but that they were too few, as a warning."""
