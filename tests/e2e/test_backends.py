"""What lies outside of a monitor's own volumes: its rows go through a topic into an object store, its server's log to
an address, and a service beside it says of rows whether they have drifted. Everything of the monitor's runs in pods.
"""

import base64
import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from hack.cluster.errors import ClusterError
from hack.demo import diagnosis, flights, install, manifests, monitor, report, traffic
from hack.demo.flights import Flights
from hack.demo.install import Installed
from hack.demo.kubectl import Kubectl
from hack.kafka.server import Kafka
from hack.objectstore.server import ObjectStore
from tests.support.receiver import Receiver
from tests.support.waiting import wait_for

NAME = "backends"
BUCKET = "predictions"
LOG_TOKEN = "token-of-the-receiver"
ROWS = 300
MIN_ROWS = 100
READY_SECONDS = 300.0
STORED_SECONDS = 180.0
ANSWER_SECONDS = 300.0
"""The first comparison loads much."""


@dataclass(frozen=True)
class Backends:
    """What runs on this machine, outside of the cluster."""

    kafka: Kafka
    store: ObjectStore
    log: Receiver


@pytest.fixture(scope="module")
def address(kubectl: Kubectl) -> str:
    """That of this machine on its link to the cluster, which pods reach."""
    clusters = yaml.safe_load(Path(kubectl.kubeconfig).read_text())["clusters"]
    server = urlsplit(clusters[0]["cluster"]["server"])
    with socket.create_connection((server.hostname, server.port or 443), timeout=30) as link:
        found: str = link.getsockname()[0]
    if found.startswith("127."):
        pytest.skip("pods of this cluster do not reach this machine by the address that it reaches the cluster from")
    return found


@pytest.fixture(scope="module")
def backends(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    folder = tmp_path_factory.mktemp("backends")
    (folder / "kafka").mkdir()
    (folder / "store").mkdir()
    log = Receiver(LOG_TOKEN, address)
    with ExitStack() as stack:
        try:
            kafka = stack.enter_context(Kafka(folder / "kafka", host=address))
            store = stack.enter_context(ObjectStore(folder / "store", address))
        except ClusterError as error:
            pytest.skip(f"no broker or no object store: {error}")
        stack.enter_context(log.running())
        store.make_bucket(BUCKET)
        yield Backends(kafka, store, log)


@pytest.fixture(scope="module")
def rows(installed: Installed, kubectl: Kubectl, data: Flights, backends: Backends) -> list[flights.Row]:
    """All sent to a monitor that is ready."""
    document = manifests.monitor(NAME, "SyslogNG")
    spec = document["spec"]
    spec["logging"] |= {
        "kafka": {"bootstrapServers": [backends.kafka.bootstrap], "topic": "flights"},
        "serverLog": {"url": backends.log.url, "tokenSecret": {"name": "receiver"}},
    }
    spec["serving"] = {"accessLog": True}
    spec["collector"] = {"storage": {"uri": f"s3://{BUCKET}/monitors", "credentialsSecret": "store"}, "replicas": 2}
    spec["checks"] |= {"validation": {}, "schedule": "0 0 1 1 *", "window": {"lookback": "1d", "minRows": MIN_ROWS}}
    keys = {
        "AWS_ACCESS_KEY_ID": backends.store.access_key_id,
        "AWS_SECRET_ACCESS_KEY": backends.store.secret_access_key,
        "AWS_ENDPOINT_URL": backends.store.endpoint,
        "AWS_REGION": backends.store.region,
    }
    secrets = {"store": keys, "receiver": {"token": LOG_TOKEN}}
    kubectl.apply(
        *(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": content}
            for name, content in secrets.items()
        ),
        *manifests.config_maps(document, data),
        document,
    )
    try:
        monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, READY_SECONDS)
    except ClusterError:
        print(diagnosis.diagnose(kubectl, NAME, kubectl.within(install.SYSTEM_NAMESPACE)))
        raise
    sent = flights.read_rows(data.held_out, ROWS)
    with traffic.PortForward(kubectl, NAME, 80) as forward:
        assert traffic.send(forward, sent).rows == ROWS
    return sent


def test_each_row_goes_through_the_topic_and_is_stored_once_in_the_object_store(
    kubectl: Kubectl, backends: Backends, rows: list[flights.Row]
) -> None:
    def coverage() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(report.fetch(kubectl, NAME, "/v1/coverage"))
        return found

    wait_for("every row is stored", lambda: coverage()["stored"] >= ROWS, STORED_SECONDS, 0.5)
    assert (coverage()["written"], coverage()["stored"], coverage()["missing"]) == (ROWS, ROWS, 0)
    pods = kubectl.items("pods", f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component=collector")
    metrics = [
        kubectl.run(
            "get", "--raw", f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
        )
        for pod in pods
    ]
    taken = re.findall(r"^driftmonitor_collector_kafka_messages_total (\S+)$", "\n".join(metrics), re.MULTILINE)
    assert len(taken) == 2, "each replica reads the topic"
    assert sum(map(float, taken)) >= ROWS
    folder = backends.store.buckets / BUCKET / "monitors" / kubectl.namespace / NAME
    assert any(path.is_file() for path in folder.rglob("*"))


def test_the_servers_log_arrives_at_its_address(backends: Backends, rows: list[flights.Row]) -> None:
    def requests() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in backends.log.lines]
        return [line for line in lines if "/predict" in json.dumps(line)]

    wait_for("a request is in the log", lambda: bool(requests()), STORED_SECONDS, 0.5)
    assert backends.log.refused == {}


def test_the_validation_service_tells_rows_of_a_later_season_from_those_of_the_same(
    kubectl: Kubectl, data: Flights, rows: list[flights.Row]
) -> None:
    monitor.wait(
        kubectl,
        NAME,
        "ValidationReady=True",
        lambda seen: seen.condition("ValidationReady")[0] == "True",
        READY_SECONDS,
    )
    token = base64.b64decode(kubectl.get("secret", f"{NAME}-collector")["data"]["token"]).decode()
    verdicts = []
    with traffic.PortForward(kubectl, f"{NAME}-validation", 80) as forward:
        for file in (data.held_out, data.later):
            body = json.dumps([{"features": row} for row in flights.read_rows(file, 1000)])
            connection = http.client.HTTPConnection("127.0.0.1", forward.open(), timeout=ANSWER_SECONDS)
            connection.request("POST", "/validation", body, {"Authorization": f"Bearer {token}"})
            answer = json.loads(connection.getresponse().read())
            connection.close()
            assert answer["check"]["rows"] == 1000, answer
            verdicts.append(answer["check"]["verdict"])
    assert verdicts == ["NoDrift", "DriftDetected"]
