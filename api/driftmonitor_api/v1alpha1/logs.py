"""`spec.logging`: how predictions are logged and shipped."""

from typing import Annotated, Literal

from pydantic import Field

from driftmonitor_api.base import ByteSize, ObjectName, SpecModel, rule, rules
from driftmonitor_api.kafka import Kafka
from driftmonitor_api.v1alpha1.fields import FeatureSet, PlainWebAddress, SecretKey
from driftmonitor_api.v1alpha1.serving import Resources


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
    scores: Literal["Predicted", "All"] = "Predicted"
    """Which probabilities of a classifier a record has: `Predicted`, that of the class predicted; `All`, those of all
    classes, of which there may be 1000. With more than two classes ROC AUC and log loss in `checks.performance` need
    all; a record grows by some 25 bytes for each class, and the store by a column."""
    redact: Redact | None = None
    """Keeps the values of some features from being written anywhere. Default: records have all features."""
    server_log: ServerLog | None = None
    """Sends the server's own log to an address. Default: it is in the container's log alone."""
    shipper: Shipper = Shipper()
    """The sidecar."""
    kafka: Kafka | None = None
    """Sends predictions through a topic, from which the collector takes them. Default: straight to the collector."""
