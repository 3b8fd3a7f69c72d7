"""`spec.model`: the ONNX model to serve."""

from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import ObjectName, SpecModel, rule, rules
from driftmonitor_api.v1alpha1.fields import MODEL_CREDENTIALS_PAIRS, FeatureName, ModelUriField, Sha256
from driftmonitor_api.v1alpha1.methods import FeatureType


class Feature(SpecModel):
    """One named input of the model."""

    name: FeatureName
    """The name in requests, in the store and in the reference."""
    type: FeatureType
    """Says how it is compared: `Numerical`; `Categorical`; `Boolean`, two categories; `Datetime`, a time by ISO 8601,
    by how its times lie to each other; `Text`, which people write, by its words; `Embedding`, a list of numbers, which
    files can have and the server does not take. docs/drift.md says more."""


class OutlierDetector(SpecModel):
    """A second ONNX model that says how unlike a row is to those that it was trained on. It takes the features of the
    model, in one tensor in the same order or in one for each by name. Its flag and score go with each row into the
    answer and the record; the score is the higher, the more unusual the row. Two forms are taken: label and scores, as
    skl2onnx exports scikit-learn's IsolationForest, OneClassSVM and LocalOutlierFactor, whose score is negated, since
    theirs is the lower, the more unusual the row; or one number for each row that is the higher, the more unusual the
    row, such as the reconstruction error of an autoencoder."""

    model_config = {"json_schema_extra": rules(*MODEL_CREDENTIALS_PAIRS)}

    storage_uri: ModelUriField
    """Where it lies, as in `model.storageUri`."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace for fetching it, with the keys of `model.credentialsSecret`."""
    sha256: Sha256 | None = None
    """Digest that the file must have, hexadecimal. Default: any."""
    threshold: Annotated[float, Field(ge=-1_000_000, le=1_000_000)] | None = None
    """A row whose score is above it is flagged. Default: 0 for label and scores, which is where the label changes; a
    detector of one number for each row needs it."""


class Model(SpecModel):
    """The ONNX model to serve."""

    model_config = {"json_schema_extra": rules(*MODEL_CREDENTIALS_PAIRS)}

    storage_uri: ModelUriField
    """Where the model lies: `configmap://<name>/<key>`, `pvc://<claim>/<path>`, `s3://<bucket>/<key>`,
    `gs://<bucket>/<key>`, `https://` or `http://`; or in an MLflow registry, `models:/<name>/<version>`,
    `models:/<name>/<stage>` or `models:/<name>@<alias>`. Each pod asks the registry when it starts: with a stage or an
    alias `sha256` keeps pods from serving different models."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace for fetching it. Its keys, for `https://`: `token`, or `username` and `password`;
    for `s3://`: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and where needed `AWS_SESSION_TOKEN`, `AWS_REGION`,
    `AWS_ENDPOINT_URL`; for `gs://`: `service-account.json`, and where needed `GOOGLE_STORAGE_ENDPOINT`; for `models:/`:
    `MLFLOW_TRACKING_URI`, where the server asks for them `MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and
    `MLFLOW_TRACKING_PASSWORD`, and the keys of the store where the registry has its files."""
    sha256: Sha256 | None = None
    """Digest that the file must have, hexadecimal, as `sha256sum` prints it; with another one nothing is served.
    Default: any."""
    version: Annotated[str, Field(min_length=1, max_length=63)] = "1"
    """Goes with every prediction record."""
    features: (
        Annotated[
            list[Feature],
            Field(
                max_length=500,
                json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
            ),
        ]
        | None
    ) = None
    """The inputs in the model's order. Default: the names and types of the ONNX inputs, where there is one a feature.
    A model with one input tensor of several columns needs them."""
    classes: Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=1000)] | None = None
    """Names of the classes in the order of the model's scores. Default: the labels that the model gives."""
    outlier_detector: OutlierDetector | None = None
    """Says of each row whether it is an outlier. Default: none."""
    importances: Annotated[
        dict[str, Annotated[float, Field(ge=0, le=1_000_000)]],
        Field(max_length=500),
        rule("self.all(name, name.size() >= 1 && name.size() <= 128)", "each key must be a feature's name"),
    ] = {}
    """How much each feature matters to the model, in any unit, such as its permutation importance. With them a check
    tells the impact of each column's drift. Default: none; `checks.importances` finds them."""
