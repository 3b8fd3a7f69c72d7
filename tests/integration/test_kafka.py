"""Predictions through a topic of a real broker: the server's log in, the real collector's store out.

The shipper and the collector are told of the topic as the operator tells their pods.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from driftmonitor_operator.resources.kafka import CA_MOUNT, collector_variables
from hack.cluster.certificates import CertificateAuthority
from hack.cluster.errors import ClusterError
from hack.kafka.server import Kafka
from hack.shippers import MissingProgramError, executable
from tests.support.shipping import Collector, Pipeline, build, monitor_with
from tests.support.waiting import wait_for

KEY = b"default/wine"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, authority: CertificateAuthority) -> Iterator[Kafka]:
    certificate = authority.issue("broker", "broker", addresses=["127.0.0.1"])
    server = Kafka(tmp_path_factory.mktemp("kafka"), certificate=certificate)
    try:
        server.__enter__()
    except ClusterError as error:
        pytest.skip(f"no Kafka: {error}")
    yield server
    server.kill()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """One for each test, in the one broker."""
    name: str = request.node.name
    return name[:200]


def told(collector: Collector, folder: Path, **kafka: Any) -> None:
    """Tell the collector of the topic as the operator does."""
    collector.changes = {
        "KAFKA_USERNAME": Kafka.username,
        "KAFKA_PASSWORD": Kafka.password,
        **{
            variable["name"]: variable["value"].replace(CA_MOUNT, str(folder / "authorities"))
            for variable in collector_variables(monitor_with("SyslogNG", kafka=kafka))
            if "value" in variable
        },
    }


@pytest.fixture
def pipeline(tmp_path: Path, broker: Kafka, authority: CertificateAuthority, topic: str) -> Iterator[Pipeline]:
    """Over TLS and with a login; the collector runs, the shipper does not yet."""
    try:
        program = executable("SyslogNG")
    except MissingProgramError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    kafka = {
        "bootstrapServers": [broker.secure],
        "topic": topic,
        "tls": {"caSecret": "authority"},
        "credentialsSecret": "login",
    }
    with build("SyslogNG", program, tmp_path, kafka=kafka) as made:
        (made.sidecar.place(CA_MOUNT) / "ca.crt").write_bytes(authority.pair.certificate.read_bytes())
        told(made.collector, tmp_path, **kafka)
        made.collector.start()
        wait_for("the collector is ready", made.collector.ready)
        yield made
    assert Kafka.password not in made.sidecar.log.read_text()
    assert Kafka.password not in made.collector.log.read_text()


@pytest.fixture
def collector(tmp_path: Path, broker: Kafka, topic: str) -> Iterator[Collector]:
    """One that reads the topic in plain text, and does not run yet."""
    made = Collector(tmp_path)
    told(made, tmp_path, bootstrapServers=[broker.bootstrap], topic=topic)
    yield made
    made.stop()


@pytest.fixture
def producer(broker: Kafka) -> Producer:
    return Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})


def record(seq: int) -> bytes:
    line: dict[str, Any] = {
        "request_id": f"r-{seq}", "row": 0, "monitor": "default/wine", "model": "wine", "model_version": "3",
        "writer": "pod/1/start1", "seq": seq, "features": {"alcohol": 13.5}, "prediction": {"label": "a"},
        "timestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return json.dumps(line).encode()


def metric(collector: Collector, name: str) -> float:
    lines = collector.get("/metrics").decode().splitlines()
    (value,) = (line.rpartition(" ")[2] for line in lines if line.startswith(f"driftmonitor_collector_kafka_{name} "))
    return float(value)


def test_each_row_is_stored_once_over_sudden_ends_of_broker_collector_and_shipper(
    pipeline: Pipeline, broker: Kafka
) -> None:
    pipeline.sidecar.start()
    pipeline.server.predict(2000)
    wait_for("the first rows are stored", lambda: pipeline.collector.coverage()["stored"] > 0)
    pipeline.server.predict(3000)
    pipeline.collector.kill()
    pipeline.server.predict(2000)
    pipeline.collector.start()
    wait_for("the collector is ready again", pipeline.collector.ready)
    pipeline.server.predict(2000)
    broker.kill()
    pipeline.server.predict(2000)
    broker.start()
    pipeline.server.predict(1000)
    pipeline.sidecar.kill()
    pipeline.server.predict(1000)
    pipeline.sidecar.start()
    pipeline.assert_each_row_is_stored_once_as_written()
    assert len(pipeline.server.written) == 13_000


def test_messages_that_are_no_records_are_kept_apart_and_hold_up_nothing(
    collector: Collector, producer: Producer, topic: str
) -> None:
    producer.produce(topic, b"no JSON", key=KEY)
    producer.produce(topic, None, key=KEY)
    producer.produce(topic, record(1))
    producer.produce(topic, record(2), key=b"default/other")
    producer.produce(topic, record(3), key=KEY)
    producer.flush()
    collector.start()
    wait_for("the collector is ready", collector.ready)
    wait_for("the one record is stored", lambda: collector.coverage()["stored"] == 1)
    wait_for("nothing waits", lambda: metric(collector, "lag_messages") == 0)
    assert metric(collector, "connected") == 1
    assert metric(collector, "messages_total") == 4
    assert metric(collector, "other_messages_total") == 1
    (writer,) = collector.coverage()["writers"]
    assert writer["missing_intervals"] == [[1, 2]]

    def kept() -> list[dict[str, str]]:
        files = (collector.data / "rejected").glob("*.jsonl")
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    wait_for("what is no record is kept apart", lambda: len(kept()) == 3)
    without_key = next(line for line in kept() if line["line"] == record(1).decode())
    assert "has no key; give it the monitor's, default/wine" in without_key["reason"]
    assert "is empty" in next(line for line in kept() if not line["line"])["reason"]


def test_no_offset_is_let_go_before_its_record_is_stored(collector: Collector, producer: Producer, topic: str) -> None:
    for seq in range(1, 101):
        producer.produce(topic, record(seq), key=KEY)
    producer.flush()
    topic_only = dict(collector.changes)
    collector.changes |= {"RESERVE_BYTES": str(1 << 50)}  # a full disk
    collector.start()
    wait_for("the collector is ready", collector.ready)
    wait_for("the collector tries to store them", lambda: metric(collector, "failures_total") >= 2)
    assert collector.coverage()["stored"] == 0
    collector.stop()
    collector.changes = topic_only
    collector.start()
    wait_for("the collector is ready again", collector.ready)
    wait_for("the rows are stored", lambda: collector.coverage()["stored"] == 100)
    assert collector.coverage()["missing"] == 0
