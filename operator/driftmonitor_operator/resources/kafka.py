"""What the shipper and the collector are told of the topic between them."""

from driftmonitor_api.kafka import Kafka
from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.pods import env, mount

CA_MOUNT = "/etc/driftmonitor-kafka"
_CA_KEY = "ca.crt"
_UID = {"apiVersion": "v1", "fieldPath": "metadata.uid"}  # with the default, which the apiserver would add
_PRODUCER = {"name": "KAFKA_PRODUCER", "valueFrom": {"fieldRef": _UID}}
_ESCAPED = """sed 's/["\\\\]/\\\\&/g'"""
_WITH_LOGIN = (
    f'KAFKA_USERNAME=$(printf %s "$KAFKA_USERNAME" | {_ESCAPED}) && '
    f'KAFKA_PASSWORD=$(printf %s "$KAFKA_PASSWORD" | {_ESCAPED}) && '
    'export KAFKA_USERNAME KAFKA_PASSWORD && exec "$0" "$@"'
)


def collector_variables(monitor: DriftMonitor) -> list[Body]:
    """Where the collector finds the topic; none without one."""
    kafka = monitor.spec.logging.kafka
    return [] if kafka is None else _variables(monitor, kafka)


def shipper_variables(monitor: DriftMonitor, ca_file: str) -> list[Body]:
    """Where the shipper finds it; `ca_file` has the certificates of its image."""
    kafka = monitor.spec.logging.kafka
    if kafka is None:
        return []
    authorities = [] if kafka.tls is not None and kafka.tls.ca_secret is not None else env(KAFKA_CA_FILE=ca_file)
    return [*_variables(monitor, kafka), *authorities, _PRODUCER]


def _variables(monitor: DriftMonitor, kafka: Kafka) -> list[Body]:
    secured = ("sasl_" if kafka.credentials_secret is not None else "") + ("ssl" if kafka.tls else "plaintext")
    variables = env(
        KAFKA_BOOTSTRAP_SERVERS=",".join(kafka.bootstrap_servers),
        KAFKA_TOPIC=kafka.topic,
        KAFKA_MESSAGE_KEY=f"{monitor.metadata.namespace}/{monitor.metadata.name}",
        KAFKA_SECURITY_PROTOCOL=secured,
        KAFKA_SASL_MECHANISM="PLAIN",
    )
    if kafka.tls is not None and kafka.tls.ca_secret is not None:
        variables += env(KAFKA_CA_FILE=f"{CA_MOUNT}/{_CA_KEY}")
    if kafka.credentials_secret is not None:
        for name, key in (("KAFKA_USERNAME", "username"), ("KAFKA_PASSWORD", "password")):
            # A missing one is the collector's to name: the server's pod would wait for it, and serve nobody.
            reference = {"name": kafka.credentials_secret, "key": key, "optional": True}
            variables.append({"name": name, "valueFrom": {"secretKeyRef": reference}})
    return variables


def volumes(monitor: DriftMonitor) -> list[Body]:
    """The authorities that the user trusts, where there are any."""
    if (secret := _ca_secret(monitor)) is None:
        return []
    items = [{"key": _CA_KEY, "path": _CA_KEY}]
    source = {"secretName": secret, "items": items, "optional": True, "defaultMode": 0o440}
    return [{"name": "kafka-ca", "secret": source}]


def mounts(monitor: DriftMonitor) -> list[Body]:
    """Where that volume goes."""
    return [] if _ca_secret(monitor) is None else [mount("kafka-ca", CA_MOUNT, read_only=True)]


def _ca_secret(monitor: DriftMonitor) -> str | None:
    kafka = monitor.spec.logging.kafka
    return None if kafka is None or kafka.tls is None else kafka.tls.ca_secret


def shipper_command(monitor: DriftMonitor, command: list[str]) -> list[str]:
    """The shipper's command line; its file takes values word for word, so those of a Secret are escaped before."""
    kafka = monitor.spec.logging.kafka
    if kafka is None or kafka.credentials_secret is None:
        return command
    return ["sh", "-c", _WITH_LOGIN, *command]
