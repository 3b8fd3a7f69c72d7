"""`spec.logging.kafka`: predictions go to the collector through a topic."""

from typing import Annotated

from pydantic import Field

from driftmonitor_api.base import ObjectName, SpecModel, rules

_HOST = r"([a-zA-Z0-9]([-a-zA-Z0-9._]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])"
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

BrokerAddress = Annotated[str, Field(min_length=3, max_length=260, pattern=f"^{_HOST}:{_PORT}$")]


class KafkaTls(SpecModel):
    """TLS to the brokers. `{}` is enough where a public authority has signed their certificates."""

    ca_secret: ObjectName | None = None
    """Secret of the same namespace with the certificates that the brokers' are checked with, under the key `ca.crt`.
    Default: those of public authorities."""


class Kafka(SpecModel):
    """A topic of Apache Kafka, or of what speaks its protocol. It must exist, or be made by its first use, and take
    messages of 2 MiB (`max.message.bytes`). Each row is a message whose key is the monitor, as `namespace/name`, so
    that monitors may share a topic. The collector reads as the consumer group `driftmonitor.namespace.name`, and
    commits an offset once its row is stored. Rows that lie unread when another topic is named here stay in theirs."""

    model_config = {
        "json_schema_extra": rules(
            (
                "!has(self.credentialsSecret) || has(self.tls)",
                "credentialsSecret needs tls: a password would go in clear",
            )
        )
    }

    bootstrap_servers: Annotated[
        list[BrokerAddress],
        Field(min_length=1, max_length=20),
        Field(json_schema_extra={"x-kubernetes-list-type": "set"}),
    ]
    """Brokers to begin with, as `host:port`; they name the others."""
    topic: Annotated[str, Field(min_length=1, max_length=249, pattern="^[a-zA-Z0-9_][a-zA-Z0-9._-]*$")]
    """The topic."""
    tls: KafkaTls | None = None
    """Speaks TLS. Default: plain text."""
    credentials_secret: ObjectName | None = None
    """Secret of the same namespace with `username` and `password`, for SASL's mechanism PLAIN: may write the topic and
    use transactions whose id begins with `driftmonitor.`, and may read the topic as the group. Pods read it when they
    start. Default: no login."""
