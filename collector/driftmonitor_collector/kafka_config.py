"""Environment variables -> where the topic is that records come from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from driftmonitor_collector.config import ConfigError

HELP = """
variables of records that come from Kafka:
  KAFKA_BOOTSTRAP_SERVERS  brokers to begin with, as host:port with commas between; unset: none come from there
  KAFKA_TOPIC              the topic
  KAFKA_MESSAGE_KEY        the monitor as <namespace>/<name>; messages with another key are of other monitors
  KAFKA_SECURITY_PROTOCOL  plaintext, ssl, sasl_plaintext or sasl_ssl (default: plaintext)
  KAFKA_CA_FILE            certificates that the brokers' are checked with (default: those of the system)
  KAFKA_SASL_MECHANISM     SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN (default: SCRAM-SHA-512)
  KAFKA_USERNAME           for sasl_plaintext and sasl_ssl
  KAFKA_PASSWORD           likewise
"""
SECURITY_PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_SERVERS = re.compile(r"[^\s,]+:[0-9]{1,5}(,[^\s,]+:[0-9]{1,5})*")


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """The topic, and how to get at it."""

    bootstrap_servers: str
    topic: str
    message_key: str
    security_protocol: str = "plaintext"
    ca_file: Path | None = None
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def group(self) -> str:
        """The consumer group: that of the monitor, whichever of its collectors reads."""
        return f"driftmonitor.{self.message_key.replace('/', '.')}"


def parse_kafka_config(environment: Mapping[str, str]) -> KafkaConfig | None:
    """The configuration, None where records come over HTTP alone; ConfigError for the first malformed variable."""
    servers = environment.get("KAFKA_BOOTSTRAP_SERVERS", "")
    if not servers:
        return None
    if not _SERVERS.fullmatch(servers):
        raise ConfigError(f"KAFKA_BOOTSTRAP_SERVERS is {servers!r}; give host:port, several with commas between")
    topic = environment.get("KAFKA_TOPIC", "")
    if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
        raise ConfigError(f"KAFKA_TOPIC is {topic!r}; give 1 to 249 letters, digits, dots, underscores and hyphens")
    key = environment.get("KAFKA_MESSAGE_KEY", "")
    if not key:
        raise ConfigError("KAFKA_MESSAGE_KEY is empty; give the monitor as <namespace>/<name>")
    protocol = _choice(environment, "KAFKA_SECURITY_PROTOCOL", SECURITY_PROTOCOLS)
    username, password = environment.get("KAFKA_USERNAME") or None, environment.get("KAFKA_PASSWORD") or None
    if protocol.startswith("sasl") and not (username and password):
        raise ConfigError(
            f"KAFKA_SECURITY_PROTOCOL is {protocol}; give KAFKA_USERNAME and KAFKA_PASSWORD, too: "
            "username and password of the Secret that spec.logging.kafka.credentialsSecret names"
        )
    ca_file = Path(environment["KAFKA_CA_FILE"]) if environment.get("KAFKA_CA_FILE") else None
    if ca_file is not None and not ca_file.is_file():
        raise ConfigError(
            f"KAFKA_CA_FILE {ca_file} is no file; "
            "give the Secret that spec.logging.kafka.tls.caSecret names the key ca.crt"
        )
    mechanism = _choice(environment, "KAFKA_SASL_MECHANISM", MECHANISMS)
    return KafkaConfig(servers, topic, key, protocol, ca_file, mechanism, username, password)


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = environment.get(name) or choices[0]
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}; give one of {', '.join(choices)}")
    return value
