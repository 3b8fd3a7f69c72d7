"""The variables that say where the topic is."""

from pathlib import Path

import pytest

from driftmonitor_collector.config import ConfigError
from driftmonitor_collector.kafka_config import parse_kafka_config

WHOLE = {
    "KAFKA_BOOTSTRAP_SERVERS": "a:9092,b:9092",
    "KAFKA_TOPIC": "predictions",
    "KAFKA_MESSAGE_KEY": "cellar/wine",
}


def test_without_brokers_there_is_no_topic() -> None:
    assert parse_kafka_config({}) is None
    assert parse_kafka_config(WHOLE | {"KAFKA_BOOTSTRAP_SERVERS": ""}) is None


def test_the_group_is_that_of_the_monitor() -> None:
    config = parse_kafka_config(WHOLE)
    assert config is not None
    assert config.group == "driftmonitor.cellar.wine"
    assert config.security_protocol == "plaintext"


def test_the_password_is_not_shown() -> None:
    config = parse_kafka_config(WHOLE | {"KAFKA_USERNAME": "me", "KAFKA_PASSWORD": "secret-word"})
    assert "secret-word" not in repr(config)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"KAFKA_BOOTSTRAP_SERVERS": "a"}, "KAFKA_BOOTSTRAP_SERVERS is 'a'; give host:port"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "a:1, b:2"}, "KAFKA_BOOTSTRAP_SERVERS"),
        ({"KAFKA_TOPIC": ""}, "KAFKA_TOPIC is ''"),
        ({"KAFKA_TOPIC": ".."}, "KAFKA_TOPIC"),
        ({"KAFKA_TOPIC": "a b"}, "KAFKA_TOPIC"),
        ({"KAFKA_MESSAGE_KEY": ""}, "KAFKA_MESSAGE_KEY is empty"),
        ({"KAFKA_SECURITY_PROTOCOL": "tls"}, "give one of plaintext, ssl, sasl_plaintext, sasl_ssl"),
        ({"KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM is 'GSSAPI'"),
        ({"KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}, "username and password of the Secret that spec.logging.kafka"),
        ({"KAFKA_CA_FILE": "/nowhere/ca.crt"}, "KAFKA_CA_FILE /nowhere/ca.crt is no file"),
    ],
)
def test_a_malformed_variable_is_named_with_the_fix(change: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_kafka_config(WHOLE | change)
    assert problem in str(caught.value)


def test_a_file_with_authorities_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").touch()
    config = parse_kafka_config(WHOLE | {"KAFKA_CA_FILE": str(tmp_path / "ca.crt")})
    assert config is not None
    assert config.ca_file == tmp_path / "ca.crt"
