"""`driftmonitor.dev/v1alpha1`: the DriftMonitor object. The CRD and docs/api.md are generated from these types."""

import hashlib
import json
import math
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from driftmonitor_api import cron
from driftmonitor_api.base import (
    DNS_SUBDOMAIN,
    ByteSize,
    Count,
    Duration,
    DurationOrZero,
    Milliseconds,
    ObjectName,
    Quantity,
    Share,
    SpecModel,
    StatusModel,
    parse_quantity,
    rule,
    rules,
)
from driftmonitor_api.kafka import Kafka
from driftmonitor_api.storage import MODELS_SUPPORTED, SUPPORTED, StorageError, StorageUri
from driftmonitor_api.storeaddress import STORE_ADDRESS, STORE_ADDRESSES, is_store_address

GROUP = "driftmonitor.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "DriftMonitor"
PLURAL = "driftmonitors"
SINGULAR = "driftmonitor"
SHORT_NAMES = ["drift", "dm"]

NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
NAME_MAX_LENGTH = 40
"""The children's names (`<name>-collector`, CronJob `<name>-check`) must fit Kubernetes' bounds of 63 and 52."""

DEFAULT_VOLUME_SIZE = "10Gi"
MAX_STATUS_COLUMNS = 50
MAX_STATUS_VIOLATIONS = 50
MAX_HISTORY = 20
MAX_ENDED_WRITERS = 100


def _parsed_model_uri(uri: str) -> str:
    try:
        StorageUri.parse(uri)
    except StorageError as error:
        raise ValueError(str(error)) from error
    return uri


def _parsed_uri(uri: str) -> str:
    if _parsed_model_uri(uri).startswith("models:"):
        raise ValueError(f"{uri!r}: a registry of models holds no data; use {SUPPORTED}")
    return uri


_PATH = r"[^\s[:cntrl:]?#/][^\s[:cntrl:]?#]*"
_HOST = r"([a-zA-Z0-9]([-a-zA-Z0-9._]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])"
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_BUCKET = "[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"
_MODEL_NAME = r"[^\s[:cntrl:]/:@?#]+"
_STAGE = "(?i:latest|production|staging|archived|none)"
_URI = (
    f"configmap://{DNS_SUBDOMAIN}/[-._a-zA-Z0-9]{{1,253}}|pvc://{DNS_SUBDOMAIN}/{_PATH}"
    f"|(s3|gs)://{_BUCKET}/{_PATH}|https?://{_HOST}(:{_PORT})?/+[!$-.0->@-~][!-~]*"
)
_MODEL_URI = f"{_URI}|models:/{_MODEL_NAME}(/([1-9][0-9]{{0,17}}|{_STAGE})|@[-_a-zA-Z0-9]{{1,255}})"


def _uri_rule(uri: str) -> str:
    return f"self.matches(r'^({uri})$') && !self.matches('/[.][.]([/?#]|$)')"


StorageUriField = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    rule(_uri_rule(_URI), f"must be {SUPPORTED}, without a user, a password or white space in it"),
    AfterValidator(_parsed_uri),
]
ModelUriField = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    rule(_uri_rule(_MODEL_URI), f"must be {MODELS_SUPPORTED}, without a user, a password or white space in it"),
    AfterValidator(_parsed_model_uri),
]


def _web_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        usual = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = usual and "@" not in parts.netloc
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{address!r} is not of the form http://host:port/path or https://host:port/path")
    return address


_WEB_ADDRESS_RULE = rule(
    f"self.matches(r'^https?://{_HOST}(:{_PORT})?(/[!-~]*)?$')",
    "must be of the form http://host:port/path or https://host:port/path, without a user or a password",
)
WebAddress = Annotated[str, Field(min_length=1, max_length=1024), _WEB_ADDRESS_RULE, AfterValidator(_web_address)]
PlainWebAddress = Annotated[
    str,
    # None of the characters that end a value, or name a variable, in the shippers' files.
    Field(min_length=1, max_length=1024, pattern=r"^[-!#%&()*+,./0-9:;=?@A-Z_a-z~\[\]]+$"),
    _WEB_ADDRESS_RULE,
    AfterValidator(_web_address),
]
_LABEL_KEY = rf"^({DNS_SUBDOMAIN}/)?([A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9]$"
_LABEL_KEY_LENGTH = 253
LabelKey = Annotated[str, Field(min_length=1, max_length=_LABEL_KEY_LENGTH, pattern=_LABEL_KEY)]
LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
_CREDENTIALS_PAIRS = (
    (
        "!has(self.credentialsSecret) || (has(self.storageUri) && self.storageUri.matches('^(s3|gs|https?)://'))",
        "credentialsSecret is for s3://, gs:// and https:// addresses; what is mounted needs none",
    ),
)
_MODEL_CREDENTIALS_PAIRS = (
    (
        "!has(self.credentialsSecret) || self.storageUri.matches('^((s3|gs|https?)://|models:/)')",
        "credentialsSecret is for s3://, gs://, https:// and models:/ addresses; what is mounted needs none",
    ),
    (
        "has(self.credentialsSecret) || !self.storageUri.startsWith('models:/')",
        "a models:/ address needs credentialsSecret: the Secret says with MLFLOW_TRACKING_URI where the registry is",
    ),
)
Sha256 = Annotated[str, Field(min_length=64, max_length=64, pattern=r"^[0-9a-f]{64}$")]
FeatureName = Annotated[str, Field(min_length=1, max_length=128)]
FeatureSet = Annotated[
    list[FeatureName], Field(min_length=1, max_length=100, json_schema_extra={"x-kubernetes-list-type": "set"})
]
SecretKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[._a-zA-Z0-9][-._a-zA-Z0-9]*$")]
Threshold = Annotated[float, Field(ge=0, le=1_000_000)]

FeatureType = Literal["Numerical", "Categorical"]
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
_THRESHOLD_RULES = rules(
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


class Feature(SpecModel):
    """One named input of the model."""

    name: FeatureName
    """The name in requests, in the store and in the reference."""
    type: FeatureType
    """`Numerical` or `Categorical`; says which drift test applies."""


class OutlierDetector(SpecModel):
    """A second ONNX model that says how unlike a row is to those that it was trained on. It takes the features of the
    model, in one tensor in the same order or in one for each by name. Its flag and score go with each row into the
    answer and the record; the score is the higher, the more unusual the row. Two forms are taken: label and scores, as
    skl2onnx exports scikit-learn's IsolationForest, OneClassSVM and LocalOutlierFactor, whose score is negated, since
    theirs is the lower, the more unusual the row; or one number for each row that is the higher, the more unusual the
    row, such as the reconstruction error of an autoencoder."""

    model_config = {"json_schema_extra": rules(*_MODEL_CREDENTIALS_PAIRS)}

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

    model_config = {"json_schema_extra": rules(*_MODEL_CREDENTIALS_PAIRS)}

    storage_uri: ModelUriField
    """Where the model lies: `configmap://<name>/<key>`, `pvc://<claim>/<path>`, `s3://<bucket>/<key>`,
    `gs://<bucket>/<key>`, `https://` or `http://`; or in an MLflow registry, `models:/<name>/<version>`,
    `models:/<name>/<stage>` or `models:/<name>@<alias>`. Each pod asks the registry when it starts: with a stage or an
    alias `sha256` keeps pods from serving different models."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace for fetching it. Its keys, for `https://`: `token`, or `username` and `password`;
    for `s3://`: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and where needed `AWS_SESSION_TOKEN`, `AWS_REGION`,
    `AWS_ENDPOINT_URL`; for `gs://`: `service-account.json`; for `models:/`: `MLFLOW_TRACKING_URI`, where the server
    asks for them `MLFLOW_TRACKING_TOKEN`, or `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, and the keys of
    the store where the registry has its files."""
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


class ResourceList(SpecModel):
    """Amounts of processor and memory."""

    cpu: Quantity | None = None
    """Processor, such as `500m` or `2`."""
    memory: Quantity | None = None
    """Memory, such as `512Mi`."""


def _in_order(low: str, high: str) -> tuple[str, str]:
    """The rule for two fields of which either may be left out."""
    both = f"!has(self.{low}) || !has(self.{high})"
    return f"{both} || self.{low} <= self.{high}", f"{low} must not be more than {high}"


def _within_limit(resource: str) -> tuple[str, str]:
    both = f"has(self.requests) && has(self.limits) && has(self.requests.{resource}) && has(self.limits.{resource})"
    request, limit = (f"quantity(string(self.{amount}.{resource}))" for amount in ("requests", "limits"))
    return f"!({both}) || {request}.compareTo({limit}) <= 0", f"requests.{resource} must not be more than its limit"


class Resources(SpecModel):
    """What the scheduler reserves, and what the kernel enforces."""

    model_config = {"json_schema_extra": rules(_within_limit("cpu"), _within_limit("memory"))}

    requests: ResourceList | None = None
    """Reserved on the node."""
    limits: ResourceList | None = None
    """Enforced; over its memory limit a container is killed."""


class Autoscaling(SpecModel):
    """A HorizontalPodAutoscaler over the inference pods' processor use; it needs a metrics server in the cluster."""

    model_config = {
        "json_schema_extra": rules(
            ("self.minReplicas <= self.maxReplicas", "minReplicas must not be more than maxReplicas"),
        )
    }

    min_replicas: Annotated[int, Field(ge=1, le=100)] = 1
    """The fewest inference pods."""
    max_replicas: Annotated[int, Field(ge=1, le=100)]
    """The most inference pods."""
    target_cpu_utilization_percent: Annotated[int, Field(ge=1, le=100)] = 80
    """Processor use of the inference container, in percent of its request, that the number of pods is steered to."""


class Batching(SpecModel):
    """The rows of requests that come at the same time are predicted together."""

    max_batch_size: Annotated[int, Field(ge=2, le=10_000)] = 32
    """Rows that are predicted together at most; a request of as many rows or more is predicted by itself."""
    max_latency: Milliseconds = "2ms"
    """How long a request waits for others at most, such as `2ms`."""


class Tracing(SpecModel):
    """A span for each request, sent to an OpenTelemetry collector. One that is not to be had costs spans, never
    requests."""

    endpoint: WebAddress
    """Where spans go, by OTLP over HTTP, such as `http://otel-collector.observability.svc:4318/v1/traces`."""
    sampling_percent: Annotated[int, Field(ge=1, le=100)] = 100
    """Percent of the requests without a `traceparent` that are traced. One with a `traceparent` is traced if its caller
    traces it."""


MAX_WORKERS = 16


class Serving(SpecModel):
    """How the model is served."""

    model_config = {
        "json_schema_extra": rules(
            ("!has(self.replicas) || !has(self.autoscaling)", "set replicas or autoscaling, not both"),
        )
    }

    replicas: Annotated[int, Field(ge=0, le=100)] | None = None
    """Number of inference pods. Default: 1, or what `autoscaling` makes of it."""
    autoscaling: Autoscaling | None = None
    """Has the number of pods follow the load, instead of `replicas`."""
    resources: Resources | None = None
    """Of the inference container. Default: requests of 100m and 256Mi, a memory limit of 1Gi. One process serves for
    each processor of `limits.cpu`, rounded up, 16 at most; without that limit one."""
    batching: Batching | None = None
    """Predicts rows of several requests together. Default: each request by itself, which is faster for most models."""
    max_concurrent_requests: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Requests that a process has in hand at once; what comes beyond is answered 503 with `Retry-After`."""
    access_log: bool = False
    """Whether each request is a line of the container's log: method, path, status, rows, seconds and ids."""
    tracing: Tracing | None = None
    """Exports a span for each request. Default: none."""

    @property
    def workers(self) -> int:
        """Number of processes of one pod that serve."""
        limits = self.resources.limits if self.resources is not None else None
        processors = parse_quantity(limits.cpu) if limits is not None and limits.cpu is not None else 1
        return min(max(1, math.ceil(processors)), MAX_WORKERS)

    @property
    def least_replicas(self) -> int:
        """The number of pods that must be there, autoscaled or not."""
        if self.autoscaling is not None:
            return self.autoscaling.min_replicas
        return 1 if self.replicas is None else self.replicas


class Shipper(SpecModel):
    """The sidecar that carries the prediction log to the collector."""

    type: Literal["Fluentd", "SyslogNG"] = "Fluentd"
    """The program."""
    buffer_size: Annotated[
        ByteSize,
        rule("quantity(self).compareTo(quantity('64Mi')) >= 0", "must be 64Mi or more"),
    ] = "512Mi"
    """Disk for the prediction log, and as much again for the sidecar's buffer, for the time that the collector is
    away. `logging.whenFull` says what happens when the log has reached it."""
    resources: Resources | None = None
    """Of the sidecar. Default: requests of 50m and 64Mi, a memory limit of 512Mi."""


class ServerLogToken(SpecModel):
    """Where the bearer token for the receiver lies."""

    name: ObjectName
    """A Secret of the same namespace."""
    key: SecretKey = "token"
    """The key in it whose value is used. The sidecar reads it when it starts."""


class ServerLog(SpecModel):
    """Sends the server's own log on: its events and errors, and with `serving.accessLog` a line for each request. The
    container's log has them all the same. While the receiver is away the sidecar keeps some MiB of it; what is older is
    then lost, and no request ever waits."""

    url: PlainWebAddress
    """Where the sidecar posts the lines, as newline-delimited JSON with `Authorization: Bearer`, such as
    `https://logs.example/ingest`."""
    token_secret: ServerLogToken | None = None
    """The token. Default: an empty one."""


class RedactionKey(SpecModel):
    """Where the key lies that features are hashed with."""

    name: ObjectName
    """A Secret of the same namespace."""
    key: SecretKey = "key"
    """The key in it whose value is used: 16 bytes or more, which only you know. Pods read it when they start."""


class Redact(SpecModel):
    """Features that are kept out of the log, the store and the reports. Checks do not compare them."""

    model_config = {
        "json_schema_extra": rules(
            ("has(self.drop) || has(self.hash)", "name the features to drop or to hash"),
            ("has(self.hash) == has(self.keySecret)", "set hash and keySecret together, or neither"),
            (
                "!has(self.drop) || !has(self.hash) || !self.drop.exists(name, name in self.hash)",
                "a feature is either dropped or hashed, not both",
            ),
        )
    }

    drop: FeatureSet | None = None
    """Names of features that records leave out."""
    hash: FeatureSet | None = None
    """Names of features of which records have a keyed hash (HMAC-SHA256) instead of the value: the same value has the
    same hash, so that values can be counted and joined, and without the key nobody can try values out."""
    key_secret: RedactionKey | None = None
    """The key, for `hash`."""


class Logging(SpecModel):
    """How predictions are logged."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.kafka) || (has(self.shipper) && self.shipper.type == 'SyslogNG')",
                "kafka needs shipper.type SyslogNG: the other programs were not shown to bring every row into a topic",
            )
        )
    }

    durability: Literal["File", "Sync"] = "File"
    """`File`: a row is written to the log file before its answer is sent, and survives the end of the process. `Sync`:
    it is also synced to the disk, and survives the end of the node's operating system where the disk does."""
    when_full: Literal["Refuse", "ServeAndCount"] = "Refuse"
    """When the log has reached `shipper.bufferSize`: `Refuse` answers 503 until there is room; `ServeAndCount` answers,
    does not log, and counts each row as lost, which lowers the coverage."""
    sampling_percent: Annotated[int, Field(ge=1, le=100)] = 100
    """Percent of the requests that are logged; a request is logged with all its rows or not at all."""
    redact: Redact | None = None
    """Keeps the values of some features from being written anywhere. Default: records have all features."""
    server_log: ServerLog | None = None
    """Sends the server's own log to an address. Default: it is in the container's log alone."""
    shipper: Shipper = Shipper()
    """The sidecar."""
    kafka: Kafka | None = None
    """Sends predictions through a topic, from which the collector takes them. Default: straight to the collector."""


def _store_address(uri: str) -> str:
    if not is_store_address(uri):
        raise ValueError(f"{uri!r} is not of the form {STORE_ADDRESSES}")
    return uri


class Storage(SpecModel):
    """Where the records lie: on a volume, or in an object store."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.uri) || (!has(self.size) && !has(self.storageClassName))",
                "uri is for an object store, size and storageClassName are for a volume: set one or the other",
            ),
            (
                "has(self.uri) == has(self.credentialsSecret)",
                "set uri and credentialsSecret together: the Secret has the keys for the object store",
            ),
        )
    }

    size: ByteSize | None = None
    """Size of the volume claim. Default: `10Gi`."""
    storage_class_name: ObjectName | None = None
    """Of the volume claim. Default: the cluster's default StorageClass."""
    uri: (
        Annotated[
            str,
            Field(min_length=1, max_length=1024),
            rule(f"self.matches('^{STORE_ADDRESS}$')", f"must be {STORE_ADDRESSES}"),
            AfterValidator(_store_address),
        ]
        | None
    ) = None
    """Object store instead of a volume: `s3://<bucket>/<prefix>`, `gs://<bucket>/<prefix>` or
    `az://<container>/<prefix>`. The records lie below it, in `<namespace>/<name>` of the DriftMonitor, and stay there
    when it is deleted. The store must have conditional writes (`If-None-Match: *`), as all three clouds have. Default:
    a volume."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace with the keys for `uri`, which must allow to read, write, list and delete. For
    `s3://` and `gs://` those of `model.credentialsSecret`; for `az://`: `AZURE_STORAGE_ACCOUNT_NAME` and one of
    `AZURE_STORAGE_ACCOUNT_KEY` and `AZURE_STORAGE_SAS_TOKEN`, where needed `AZURE_STORAGE_ENDPOINT`."""

    @property
    def volume_size(self) -> str:
        """Size of the volume claim, where there is one."""
        return self.size or DEFAULT_VOLUME_SIZE


def _unchanged(field: str, default: str | None = None) -> str:
    """A rule's part: whether an optional field of `self` is as it was."""
    if default is not None:
        return " == ".join(f"(has({it}.{field}) ? {it}.{field} : '{default}')" for it in ("self", "oldSelf"))
    return f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})"


class Collector(SpecModel):
    """The service that stores the records."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.replicas) || self.replicas == 1 || (has(self.storage) && has(self.storage.uri))",
                "several replicas need storage.uri: a volume has one writer",
            ),
            (
                "!has(self.retentionSize) || !has(self.storage) || !has(self.storage.uri)",
                "retentionSize is for a volume; an object store has no size, and retention deletes by age",
            ),
        )
    }

    storage: Annotated[
        Storage,
        rule(
            " && ".join((_unchanged("size", DEFAULT_VOLUME_SIZE), _unchanged("storageClassName"), _unchanged("uri"))),
            "storage cannot change, but for its credentialsSecret: it holds the records; make a new DriftMonitor",
        ),
    ] = Storage()
    """Where they lie."""
    replicas: Annotated[int, Field(ge=1, le=10)] = 1
    """Number of its pods; several need `storage.uri`. Each takes records and answers for all: a record is stored once,
    whichever of them it was sent to."""
    retention: Duration = "30d"
    """Age at which records are deleted, by the hour; reports too."""
    retention_size: ByteSize | None = None
    """Size of the stored records, such as `8Gi`, above which their oldest hours are deleted although they have not
    reached that age. Default: 80 % of `storage.size`. With more than is left of the volume, records are refused when it
    is full, and then predictions as `logging.whenFull` says."""
    resources: Resources | None = None
    """Of the collector. Default: requests of 100m and 128Mi, a memory limit of 1Gi."""


class ReferenceWindow(SpecModel):
    """Past predictions as the reference: those from `now - offset - lookback` to `now - offset`, of more than
    `checks.window.maxRows` the newest. `collector.retention` must keep them for that long."""

    lookback: Duration = "7d"
    """Length of the reference window, such as `7d`."""
    offset: Duration = "7d"
    """How long before now it ends, such as `7d`."""


class Reference(SpecModel):
    """What the window is compared with: the data that the model was trained on, or earlier predictions."""

    model_config = {
        "json_schema_extra": rules(
            ("has(self.storageUri) != has(self.window)", "set exactly one of storageUri and window"),
            *_CREDENTIALS_PAIRS,
        )
    }

    storage_uri: StorageUriField | None = None
    """A Parquet or CSV file: `configmap://<name>/<key>`, `pvc://<claim>/<path>`, `s3://<bucket>/<key>`,
    `gs://<bucket>/<key>`, `https://` or `http://`. Its columns are named as the features; others are not compared."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace for fetching it, with the keys of `model.credentialsSecret`."""
    window: ReferenceWindow | None = None
    """A rolling reference: what the model saw in an earlier time."""


class Window(SpecModel):
    """Which predictions a check looks at: those from `now - offset - lookback` to `now - offset`."""

    model_config = {
        "json_schema_extra": rules(_in_order("minRows", "maxRows")),
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

    model_config = {"json_schema_extra": _THRESHOLD_RULES}

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

    model_config = {"json_schema_extra": _THRESHOLD_RULES}

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

    model_config = {"json_schema_extra": _THRESHOLD_RULES}

    method: Method
    """Name of the test; it must be one that applies to the column's type."""
    warning: Threshold | None = None
    """Score at which drift is suspected. Default: by method, as for its type."""
    critical: Threshold | None = None
    """Score at which drift is detected. Default: by method, as for its type."""
    min_effect: Threshold | None = None
    """With a p-value: the effect below which there is no drift. Default: by method, as for its type."""


class Drift(SpecModel):
    """How the window is compared with the reference."""

    numerical: NumericalTest = NumericalTest()
    """The test of numerical columns."""
    categorical: CategoricalTest = CategoricalTest()
    """The test of categorical columns."""
    drift_share: Annotated[float, Field(gt=0, le=1)] = 0.01
    """The share of columns drifted, 0 to 1, from which on the verdict is drift. With the default one column decides, of
    up to a hundred."""
    columns: Annotated[
        dict[str, ColumnTest],
        Field(max_length=100),
        rule("self.all(name, name.size() >= 1 && name.size() <= 128)", "each key must be a column's name"),
    ] = {}
    """Tests of single columns, by column name."""


_LEVEL_RULES = rules(
    ("has(self.warning) == has(self.critical)", "set warning and critical together, or neither"),
    _in_order("warning", "critical"),
)


class QualityLevels(SpecModel):
    """From which share on a fault is told."""

    model_config = {"json_schema_extra": _LEVEL_RULES}

    warning: Share | None = None
    """Share, 0 to 1, from which on it is a warning, which the conditions do not count."""
    critical: Share | None = None
    """Share, 0 to 1, from which on it degrades the data quality."""


class RowCount(SpecModel):
    """How many rows a window is expected to have."""

    model_config = {"json_schema_extra": rules(_in_order("minimum", "maximum"))}

    minimum: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Fewer are a violation, also where they are too few to compare. Default: any number is in order."""
    maximum: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """More are a violation; it must be less than `checks.window.maxRows`. Default: any number is in order."""


QualityCheck = Literal[
    "completeness_check",
    "missing_column_check",
    "extra_column_check",
    "data_type_check",
    "range_check",
    "infinity_check",
    "categorical_values_check",
    "vanished_categories_check",
    "constant_value_check",
    "duplicate_rows_check",
    "row_count_check",
    "outlier_share_check",
    "statistic_check",
]


DRIFT_CHECKS = ("baseline_drift_check", "mean_shift_check", "quantile_shift_check", "correlation_check")
"""Violations that tell of drift: they go into the verdict, and are no fault of the data's quality."""


class IgnoredViolation(SpecModel):
    """Violations that are in order."""

    column: Annotated[str, Field(min_length=1, max_length=128)]
    """The column, or `(rows)` for what concerns whole rows."""
    check: QualityCheck | None = None
    """The check. Default: all of them."""


class Quality(SpecModel):
    """Which faults of the data are told, and from which share of rows on. The share that the reference has itself is
    added to the thresholds of missing and infinite values, of text and of duplicates, and small samples raise them by
    what chance may do."""

    missing: QualityLevels = QualityLevels()
    """Rows without a value. Default: 0.05 and 0.1."""
    type_mismatch: QualityLevels = QualityLevels()
    """Rows with text where there are numbers. Default: 0, which is any, and 0.01."""
    infinite: QualityLevels = QualityLevels()
    """Rows with an infinite number. Default: 0, which is any, and 0.01."""
    out_of_range: QualityLevels = QualityLevels()
    """Numbers below the reference's smallest or above its largest. Default: 0.05 and 0.1."""
    new_categories: QualityLevels = QualityLevels()
    """Values that are categories which the reference has not. Default: 0.01 and 0.05."""
    vanished_categories: QualityLevels = QualityLevels()
    """Values of the reference that are categories which the window has not. Default: 0.1 and 0.5."""
    duplicates: QualityLevels = QualityLevels()
    """Rows that are copies of an earlier row in all features. Default: 0.1 and 0.5."""
    constant: Literal["Warning", "Critical", "Ignore"] = "Warning"
    """What a column is that has one value in the window and several in the reference."""
    row_count: RowCount = RowCount()
    """Rows of the window. Default: any number is in order."""
    ignore: Annotated[list[IgnoredViolation], Field(max_length=100)] = []
    """What is no fault, such as a weekday that is the same all day."""


class PredictionDrift(SpecModel):
    """What the predictions of the window are compared with: those of a `reference.window`, or a column of a reference
    file. They go into the verdict beside the features: drift of one of them is drift."""

    column: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Column of the reference file with the classes or the values that the model predicts for its rows. Default: none,
    and predictions are not compared with a file."""
    score_column: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Column of the reference file with the probability of the class that the model predicts. Default: none."""
    ignore: bool = False
    """Whether predictions are not compared at all."""


class Outliers(SpecModel):
    """What is told of rows that `model.outlierDetector` flags."""

    max_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the rows that are outliers, 0 to 1, from which on the data quality is degraded."""


class ShiftLevels(SpecModel):
    """From which value on a shift is told."""

    model_config = {"json_schema_extra": _LEVEL_RULES}

    warning: Threshold | None = None
    """Value from which on drift is suspected."""
    critical: Threshold | None = None
    """Value from which on there is drift."""


class Shifts(SpecModel):
    """Shifts of single properties, looked for beside `checks.drift` where they are named here. They go into the
    verdict: one critical shift is drift. Small samples raise the thresholds by what chance may do."""

    mean: ShiftLevels | None = None
    """Shift of a numerical column's mean, by the reference's mean or, where that is larger, its standard deviation.
    Default: not looked for; of `{}`: 0.05 and 0.1."""
    quantiles: ShiftLevels | None = None
    """Shift of a numerical column's median or 95 % quantile, by the distance from the reference's 5 % to its 95 %
    quantile. Default: not looked for; of `{}`: 0.1 and 0.2."""
    correlation: ShiftLevels | None = None
    """Change of the rank correlation (Spearman) of two numerical columns. Default: not looked for; of `{}`: 0.2 and
    0.4."""


class Policy(SpecModel):
    """When verdicts count."""

    consecutive_windows: Annotated[int, Field(ge=1, le=10)] = 1
    """Checks in a row that must find drift before DriftDetected is True; until then drift is suspected. A check
    that could not tell neither counts nor breaks the row."""
    cooldown: DurationOrZero = "0s"
    """How long DriftDetected stays True after the last check that found drift, so that a verdict that goes to and fro
    is told once; as `keep_firing_for` of a Prometheus alert."""
    correction: Literal["None", "BenjaminiHochberg"] = "None"
    """Correction of p-values, the scores of `ks` and `chisquare` and their like, for the number of columns tested with
    them, so that many columns do not raise the rate of false alarms."""
    min_coverage: Share = 0.9
    """Share of the rows written that must have reached the store, 0 to 1; below it DriftDetected is Unknown."""


class Validation(SpecModel):
    """A service that says of rows sent to it whether they drift from the reference, as the checks would: `POST
    /validation` with a list of records and the collector's token. `status.endpoints.validation` is its address."""

    replicas: Annotated[int, Field(ge=1, le=20)] = 1
    """Number of pods. Each answers one request at a time, and lets a few others wait."""
    resources: Resources | None = None
    """Of its container. Default: requests of 100m and 512Mi, a memory limit of 2Gi."""


class Checks(SpecModel):
    """When and how the predictions are checked."""

    schedule: Annotated[
        str,
        Field(min_length=1, max_length=100),
        Field(json_schema_extra=rules(*cron.RULES)),
    ]
    """A cron expression, in the time zone `timeZone`."""
    time_zone: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")] = (
        "Etc/UTC"
    )
    """Name of the schedule's time zone in the IANA data base, such as `Europe/Berlin`."""
    window: Window = Window()
    """The predictions to look at."""
    drift: Drift = Drift()
    """The comparison."""
    quality: Quality = Quality()
    """What is told of the data's quality."""
    outliers: Outliers = Outliers()
    """What is told of outliers, where there is a `model.outlierDetector`."""
    prediction: PredictionDrift = PredictionDrift()
    """The comparison of predictions."""
    shifts: Shifts = Shifts()
    """What else is compared of numerical columns."""
    policy: Policy = Policy()
    """When verdicts count."""
    resources: Resources | None = None
    """Of the check's container. Default: requests of 100m and 512Mi, a memory limit of 2Gi."""
    validation: Validation | None = None
    """Judges rows on request, too. Default: nothing does."""


class Toleration(SpecModel):
    """Lets pods run on nodes with a taint that it matches."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.operator) || self.operator != 'Exists' || !has(self.value)",
                "value must not be set where operator is Exists",
            ),
            (
                "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
                "operator must be Exists where there is no key",
            ),
        )
    }

    key: LabelKey | None = None
    """The taint's key. Default: any."""
    operator: Literal["Equal", "Exists"] | None = None
    """Default: `Equal`."""
    value: LabelValue | None = None
    """The taint's value, for `Equal`."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Default: all."""


class Scheduling(SpecModel):
    """Which nodes the pods of this monitor may run on."""

    node_selector: Annotated[
        dict[str, LabelValue],
        Field(max_length=20),
        rule(
            f"self.all(key, key.size() <= {_LABEL_KEY_LENGTH} && key.matches(r'{_LABEL_KEY}'))",
            "each key must be a label's name, such as topology.kubernetes.io/zone",
        ),
    ] = {}
    """Labels that a node must have."""
    tolerations: Annotated[list[Toleration], Field(max_length=20)] = []
    """Taints that a node may have."""


def _known(which: str) -> tuple[str, str]:
    redact = "self.logging.redact"
    return (
        f"!has(self.model.features) || !has(self.logging) || !has({redact}) || !has({redact}.{which})"
        f" || {redact}.{which}.all(name, self.model.features.exists(feature, feature.name == name))",
        f"logging.redact.{which} names a feature that is not in model.features",
    )


class DriftMonitorSpec(SpecModel):
    """What is wanted."""

    model_config = {"json_schema_extra": rules(_known("drop"), _known("hash"))}

    model: Model
    """The ONNX model to serve."""
    serving: Serving = Serving()
    """How it is served."""
    logging: Logging = Logging()
    """How its predictions are logged."""
    collector: Collector = Collector()
    """Where they are stored."""
    reference: Reference
    """What they are compared with."""
    checks: Checks
    """When and how they are compared."""
    scheduling: Scheduling = Scheduling()
    """Where all pods of this monitor run."""
    suspend: bool = False
    """Stops the checks; serving and logging go on."""

    @property
    def subject(self) -> str:
        """Digest of what a check compares: which model, with which reference."""
        named = [self.model.storage_uri, self.model.version, self.reference.storage_uri]
        if self.reference.window is not None:
            named += [self.reference.window.lookback, self.reference.window.offset]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:16]


Verdict = Literal["NoDrift", "DriftSuspected", "DriftDetected", "InsufficientData", "ReferenceMissing", "CheckFailed"]
Severity = Literal["NoDrift", "DriftSuspected", "DriftDetected", "NotChecked"]
ConditionStatus = Literal["True", "False", "Unknown"]
Name = Annotated[str, Field(max_length=253)]
Text = Annotated[str, Field(max_length=1024)]
Message = Annotated[str, Field(max_length=4096)]
MAX_SCORE = 1e15
"""A score beyond it is given as this. The apiserver holds a number that is whole against a maximum of 64 bits, and
takes a larger maximum for a negative one."""
Score = Annotated[float, Field(ge=0, le=MAX_SCORE)]


class Condition(StatusModel):
    """One observation, by the API conventions."""

    type: Annotated[str, Field(max_length=63)]
    """Such as `Ready` or `DriftDetected`."""
    status: ConditionStatus
    """Whether it holds; `Unknown` where nothing is known."""
    reason: Annotated[str, Field(max_length=63)]
    """One word for programs."""
    message: Message
    """A sentence for people: what is the case and what to do."""
    last_transition_time: datetime
    """When `status` last changed."""
    observed_generation: Count
    """The generation of the spec that was looked at."""


class FetchedFile(StatusModel):
    """A file that was fetched."""

    sha256: Name
    """Digest of the file, hexadecimal."""
    size_bytes: Count
    """Size of the file, bytes."""
    resolved_uri: Text | None = None
    """What a `models:/` address stood for then, such as `models:/wine/3`."""


class ModelStatus(FetchedFile):
    """The model that was fetched last."""

    version: Name
    """`spec.model.version` of the pod that fetched it."""
    outlier_detector: FetchedFile | None = None
    """The outlier detector that the same pod fetched."""


class Endpoints(StatusModel):
    """Addresses inside the cluster."""

    predict: Text
    """Where to send rows: `POST {"instances": [...]}`."""
    infer: Text | None = None
    """Where clients of the Open Inference Protocol (v2) send tensors over HTTP."""
    grpc: Text | None = None
    """Host and port for clients of the Open Inference Protocol over gRPC."""
    collector: Text
    """The store of records and reports."""
    validation: Text | None = None
    """Where to send rows that are to be judged: `POST` with a list of records. None without `checks.validation`."""


class ReferenceStatus(StatusModel):
    """The reference that the last check read."""

    storage_uri: Text | None = None
    """Its address; none where it is a window of earlier predictions."""
    window_start: datetime | None = None
    """Begin of that window, inclusive."""
    window_end: datetime | None = None
    """End of that window, exclusive."""
    sha256: Name | None = None
    """Digest of the file, hexadecimal; none where it is a window of earlier predictions."""
    rows: Count
    """Number of rows."""
    time: datetime
    """When it was read."""


class CheckResult(StatusModel):
    """What a check concluded."""

    time: datetime
    """When the check ran."""
    window_start: datetime
    """Begin of the window, inclusive."""
    window_end: datetime
    """End of the window, exclusive."""
    rows: Count
    """Rows compared."""
    rows_written: Count | None = None
    """Rows that the servers wrote since the monitor's start, as they report it."""
    rows_stored: Count | None = None
    """Rows of these that the collector holds."""
    rows_lost: Count | None = None
    """Rows of these that were answered and are lost: never logged, as `logging.whenFull: ServeAndCount` has it, or sent
    to the collector several times in vain."""
    coverage: Share | None = None
    """Share of the rows written that is stored, 0 to 1."""
    verdict: Verdict
    """`NoDrift`, `DriftSuspected` or `DriftDetected`; or why there is none."""
    message: Message = ""
    """The verdict in a sentence."""
    drift_share: Share | None = None
    """Share of the columns that drifted, 0 to 1."""
    drifted: Name = ""
    """Columns drifted of columns checked, such as `3/12`."""
    report: Text = ""
    """Path of the HTML report at the collector."""
    subject: Name | None = None
    """Digest of the model's and the reference's address and version in the spec that was read: a verdict with another
    one is about something else."""


class ColumnResult(StatusModel):
    """One column compared."""

    name: Annotated[str, Field(max_length=128)]
    """The feature."""
    type: FeatureType
    """Its type."""
    method: Method
    """Name of the test."""
    score: Score | None = None
    """The test's score; none where it could not be computed."""
    effect: Score | None = None
    """Where the score is a p-value: the size of the difference, which is held against `minEffect`."""
    min_effect: Threshold | None = None
    """Where the score is a p-value: the effect below which there is no drift."""
    p_value: Annotated[float, Field(ge=0, le=1)] | None = None
    """Where the score is a distance that is only told from 0 beyond chance (`psi_quantile`, `linfinity`): how likely
    one as large is by chance. Above 0.0002 there is no drift, whatever the score."""
    adjusted_score: Annotated[float, Field(ge=0, le=1)] | None = None
    """The score, a p-value, after `checks.policy.correction`: what is held against `warning` and `critical` instead of
    it. None without a correction, and for methods that score with a distance."""
    warning: Threshold
    """Score at which drift is suspected."""
    critical: Threshold
    """Score at which drift is detected."""
    severity: Severity
    """What the score says."""


ViolationSeverity = Literal["Warning", "Critical"]


class Violation(StatusModel):
    """A fault of the data, in SageMaker Model Monitor's vocabulary and more words of its style."""

    column: Annotated[str, Field(max_length=128)]
    """The feature; `(rows)` where it concerns whole rows."""
    check: Annotated[str, Field(max_length=63)]
    """What it is, such as `missing_column_check`, `completeness_check` or `data_type_check`."""
    message: Text
    """What is wrong."""
    value: Score | None = None
    """What was found, mostly a share of the rows, 0 to 1; none where a column could not be compared at all."""
    threshold: Score | None = None
    """From which value on it is told, with what the reference has itself and what chance may do."""
    severity: ViolationSeverity | None = None
    """`Critical` degrades the data quality, `Warning` does not. None: critical, by a check of a version before 0.3."""


class HistoryEntry(StatusModel):
    """One past verdict."""

    run: Name | None = None
    """The Job of the scheduled run. What a second try of it concludes takes the place of what the first did."""
    time: datetime
    """When the check ran."""
    verdict: Verdict
    """What it concluded."""
    rows: Count
    """Rows compared."""
    coverage: Share | None = None
    """Share of the rows written that was stored, 0 to 1."""
    rows_lost: Count | None = None
    """As in `lastCheck`."""
    drift_share: Share | None = None
    """Share of the columns that drifted, 0 to 1."""
    subject: Name | None = None
    """As in `lastCheck`: only verdicts with the same one count as a row for `checks.policy.consecutiveWindows`."""


class EndedWriter(StatusModel):
    """What one process of an inference server said of its rows when its pod ended."""

    writer: Annotated[str, Field(min_length=1, max_length=256)]
    """As in its records: `pod-uid/worker/start`."""
    written: Count
    """Rows that it had written."""


class DriftMonitorStatus(StatusModel):
    """What is the case. The operator writes the judgement, the check the facts."""

    observed_generation: Count | None = None
    """The generation of the spec that the operator has applied."""
    conditions: Annotated[
        list[Condition],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = []
    """Written by the operator."""
    drift: Annotated[str, Field(max_length=16)] | None = None
    """`Stable`, `Warning`, `Drifted` or `Unknown`: the DriftDetected condition in a word. Written by the operator."""
    last_drift_time: datetime | None = None
    """When a check last found drift that counted, by `checks.policy`, in this model with this reference. Written by the
    operator."""
    endpoints: Endpoints | None = None
    """Written by the operator."""
    model: ModelStatus | None = None
    """Written by the operator."""
    ended_writers: Annotated[list[EndedWriter], Field(max_length=MAX_ENDED_WRITERS)] | None = None
    """Of pods that ended before the collector had confirmed all of their rows; the last ones. The next check tells the
    collector, so that what never came is missing in its coverage. Written by the operator."""
    last_check: CheckResult | None = None
    """Written by the check."""
    reference: ReferenceStatus | None = None
    """Written by the check."""
    columns: Annotated[list[ColumnResult], Field(max_length=MAX_STATUS_COLUMNS)] | None = None
    """The worst columns of the last check. Written by the check."""
    violations: Annotated[list[Violation], Field(max_length=MAX_STATUS_VIOLATIONS)] | None = None
    """Faults of the data that the last check found, critical ones first. Written by the check."""
    history: Annotated[list[HistoryEntry], Field(max_length=MAX_HISTORY)] | None = None
    """The last verdicts, newest first. Written by the check."""


class ObjectMeta(StatusModel):
    """The part of an object's metadata that programs here read."""

    name: str
    """Name."""
    namespace: str = "default"
    """Namespace."""
    uid: str = ""
    """Identity of this object, over names."""
    generation: int = 0
    """Counts changes of the spec."""
    deletion_timestamp: datetime | None = None
    """Set once deletion has begun."""


class DriftMonitor(StatusModel):
    """Serves an ONNX model, stores every prediction it makes, and checks them for drift on a schedule."""

    api_version: Literal["driftmonitor.dev/v1alpha1"] = "driftmonitor.dev/v1alpha1"
    """`driftmonitor.dev/v1alpha1`."""
    kind: Literal["DriftMonitor"] = "DriftMonitor"
    """`DriftMonitor`."""
    metadata: ObjectMeta
    """Name and namespace."""
    spec: DriftMonitorSpec
    """What is wanted."""
    status: DriftMonitorStatus = DriftMonitorStatus()
    """What is the case."""


PRINTER_COLUMNS: list[dict[str, Any]] = [
    {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
    {"name": "Drift", "type": "string", "jsonPath": ".status.drift"},
    {"name": "Drifted", "type": "string", "jsonPath": ".status.lastCheck.drifted"},
    {"name": "Rows", "type": "integer", "jsonPath": ".status.lastCheck.rows"},
    {"name": "Last Check", "type": "date", "jsonPath": ".status.lastCheck.time"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Score", "type": "number", "jsonPath": ".status.lastCheck.driftShare", "priority": 1},
    {
        "name": "Reason",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="DriftDetected")].reason',
        "priority": 1,
    },
    {"name": "Reference", "type": "integer", "jsonPath": ".status.reference.rows", "priority": 1},
    {"name": "Coverage", "type": "number", "jsonPath": ".status.lastCheck.coverage", "priority": 1},
    {"name": "Model", "type": "string", "jsonPath": ".status.model.version", "priority": 1},
]
"""What `kubectl get drift` prints; those of priority 1 with `-o wide`."""
