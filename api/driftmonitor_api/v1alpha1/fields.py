"""Types of single fields that several parts of the spec share."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from driftmonitor_api.base import DNS_SUBDOMAIN, rule
from driftmonitor_api.storage import MODELS_SUPPORTED, SUPPORTED, StorageError, StorageUri


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
LABEL_KEY = rf"^({DNS_SUBDOMAIN}/)?([A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9]$"
LABEL_KEY_LENGTH = 253
LabelKey = Annotated[str, Field(min_length=1, max_length=LABEL_KEY_LENGTH, pattern=LABEL_KEY)]
LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
CREDENTIALS_PAIRS = (
    (
        "!has(self.credentialsSecret) || (has(self.storageUri) && self.storageUri.matches('^(s3|gs|https?)://'))",
        "credentialsSecret is for s3://, gs:// and https:// addresses; what is mounted needs none",
    ),
)
MODEL_CREDENTIALS_PAIRS = (
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


def in_order(low: str, high: str) -> tuple[str, str]:
    """The rule for two fields of which either may be left out."""
    both = f"!has(self.{low}) || !has(self.{high})"
    return f"{both} || self.{low} <= self.{high}", f"{low} must not be more than {high}"
