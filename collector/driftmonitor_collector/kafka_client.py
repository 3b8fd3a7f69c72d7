"""The topic that records come from, read as a member of a consumer group. Only this module knows the library."""

import json
import logging
from collections.abc import Iterable
from time import monotonic
from typing import Any, NamedTuple

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, TopicPartition

from driftmonitor_collector.kafka_config import KafkaConfig

MAX_TAKEN = 5000
MAX_TAKEN_BYTES = 8 << 20
_FETCHED_KILOBYTES = 16 << 10
"""What the library reads ahead, for all partitions together."""
_WAIT_SECONDS = 0.5
_QUIET_SECONDS = 60.0
"""How long the same trouble is not logged again: the library tells of each attempt to connect."""
_logger = logging.getLogger(__name__)


class TopicError(Exception):
    """This reader is of no more use; another may be opened."""


class Message(NamedTuple):
    """A message and its place."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    milliseconds: int | None = None
    """Its time since 1970, as its producer or its broker has it; None where it has none."""


class TopicReader:
    """The messages of one topic, once or more often each. One thread at a time may use it."""

    def __init__(self, config: KafkaConfig) -> None:
        """Returns at once, with or without a broker; TopicError for settings that the library refuses."""
        self._topic = config.topic
        self.connected = False
        """Whether a broker answers, as of the last seconds."""
        self.lag: int | None = None
        """Messages of its partitions that are not stored, as of the last seconds; None where not known yet."""
        self._told: dict[object, float] = {}
        try:
            self._consumer = Consumer(self._settings(config))
            self._consumer.subscribe([config.topic])
        except KafkaException as error:
            raise TopicError(str(error)) from error

    def _settings(self, config: KafkaConfig) -> dict[str, Any]:
        secured = config.security_protocol
        return {
            "bootstrap.servers": config.bootstrap_servers,
            "client.id": "driftmonitor-collector",
            "log_level": 2,  # what goes wrong is told to error_cb as well
            "group.id": config.group,
            "security.protocol": secured,
            **({"ssl.ca.location": str(config.ca_file)} if secured.endswith("ssl") and config.ca_file else {}),
            **(
                {
                    "sasl.mechanism": config.mechanism,
                    "sasl.username": config.username,
                    "sasl.password": config.password,
                }
                if secured.startswith("sasl")
                else {}
            ),
            # Offsets are committed each second, and those alone that `done` was told of.
            "enable.auto.offset.store": False,
            "auto.commit.interval.ms": 1000,
            # Rows that were sent before the first start count, too; so do those left of a topic cut short.
            "auto.offset.reset": "earliest",
            # Rows of a transaction that a killed shipper left open come again, and are dropped then; the default would
            # hold up everything behind them until the broker gives the transaction up.
            "isolation.level": "read_uncommitted",
            # How long the partitions of a collector that was killed wait for the next one.
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 2_000,
            # How soon a topic is found that is made later; the default is 5 minutes.
            "topic.metadata.refresh.interval.ms": 10_000,
            "queued.max.messages.kbytes": _FETCHED_KILOBYTES,
            "fetch.message.max.bytes": 1 << 20,
            "reconnect.backoff.max.ms": 5_000,
            "socket.keepalive.enable": True,
            "statistics.interval.ms": 2_000,
            "stats_cb": self._observe,
            "error_cb": self._complain,
        }

    def take(self) -> list[Message]:
        """The next messages, bounded in number and bytes; none when none came within half a second. TopicError."""
        taken: list[Message] = []
        size = 0
        while len(taken) < MAX_TAKEN and size < MAX_TAKEN_BYTES:
            try:
                message = self._consumer.poll(0 if taken else _WAIT_SECONDS)
            except (KafkaException, RuntimeError) as error:  # RuntimeError: it is closed
                raise TopicError(str(error)) from error
            if message is None:
                break
            problem = message.error()
            if problem is not None:
                self._complain(problem)
                if problem.fatal():
                    raise TopicError(str(problem))
                break
            partition, offset, value = message.partition(), message.offset(), message.value()
            assert partition is not None and offset is not None  # noqa: S101  # as of every message that is no error
            kind, milliseconds = message.timestamp()
            time = None if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds
            taken.append(Message(partition, offset, message.key(), value, time))
            size += len(value or b"")
        return taken

    def done(self, messages: Iterable[Message]) -> None:
        """Let the group go on behind these messages, which are stored, within a second."""
        behind: dict[int, int] = {}
        for message in messages:
            behind[message.partition] = max(message.offset + 1, behind.get(message.partition, 0))
        for partition, offset in behind.items():
            try:
                self._consumer.store_offsets(offsets=[TopicPartition(self._topic, partition, offset)])
            except KafkaException as error:
                # Another collector has the partition now, and will find the rows stored.
                _logger.info("partition %d of %s is not ours any more: %s", partition, self._topic, error)

    def close(self) -> None:
        """Leave the group, so that others need not wait for this member's return."""
        self.connected = False
        self._consumer.close()

    def _observe(self, statistics: str) -> None:
        content = json.loads(statistics)
        self.connected = any(broker["state"] == "UP" for broker in content["brokers"].values())
        partitions = content["topics"].get(self._topic, {}).get("partitions", {}).values()
        lags = [max(partition["consumer_lag_stored"], partition["consumer_lag"]) for partition in partitions]
        known = [lag for lag in lags if lag >= 0]
        self.lag = sum(known) if known else self.lag

    def _complain(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.connected = False
        now = monotonic()
        if now - self._told.get(error.code(), -_QUIET_SECONDS) >= _QUIET_SECONDS:
            self._told[error.code()] = now
            _logger.warning(
                "Kafka: %s (%s); it is tried again, and told again after a minute", error.str(), error.name()
            )
