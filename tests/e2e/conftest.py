"""A real cluster with the operator on it, and one monitor that goes through all phases. Each phase is a fixture."""

import os
import uuid
from collections.abc import Iterator

import pytest

from hack.cluster.errors import ClusterError
from hack.demo import diagnosis, flights, install, manifests, monitor, traffic
from hack.demo.flights import Flights
from hack.demo.install import Installed
from hack.demo.kubectl import Kubectl
from hack.demo.monitor import Snapshot

NAME = "flights"
FEW_ROWS = 200
STABLE_ROWS = 3_000
LATER_ROWS = 4_000
READY_SECONDS = 300.0
VERDICT_SECONDS = 300.0


@pytest.fixture(scope="session")
def installed() -> Installed:
    cluster, kind = install.find_cluster()
    try:
        connected = install.connect_cluster(cluster, kind, f"driftmonitor-e2e-{uuid.uuid4().hex[:6]}")
    except ClusterError as error:
        reason = f"needs a running cluster ({error.problem} Start one: python3 -m hack.cluster up)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    install.install_operator(connected, install.load_images())
    return connected


@pytest.fixture(scope="session")
def kubectl(installed: Installed) -> Iterator[Kubectl]:
    namespace = installed.kubectl.namespace
    installed.kubectl.apply(manifests.namespace(namespace))
    yield installed.kubectl
    installed.kubectl.run("delete", "namespace", namespace, "--wait=false")


@pytest.fixture(scope="session")
def data() -> Flights:
    return flights.prepare()


@pytest.fixture(scope="session")
def shipper(installed: Installed) -> str:
    return install.shipper_for(installed)[0]


@pytest.fixture(scope="session")
def sent() -> traffic.Sent:
    """Every request of this session to the monitor; a test that predicts adds to it."""
    return traffic.Sent()


@pytest.fixture(scope="session")
def ready(installed: Installed, kubectl: Kubectl, data: Flights, shipper: str) -> Snapshot:
    document = manifests.monitor(NAME, shipper)
    kubectl.apply(*manifests.config_maps(document, data), document)
    try:
        monitor.wait(kubectl, NAME, "Ready=True", lambda seen: seen.ready, READY_SECONDS)
    except ClusterError:
        print(diagnosis.diagnose(kubectl, NAME, kubectl.within(install.SYSTEM_NAMESPACE)))
        raise
    return monitor.take_snapshot(kubectl, NAME)


@pytest.fixture(scope="session")
def forward(ready: Snapshot, kubectl: Kubectl) -> Iterator[traffic.PortForward]:
    with traffic.PortForward(kubectl, NAME, 80) as port_forward:
        yield port_forward


@pytest.fixture(scope="session")
def few(kubectl: Kubectl, forward: traffic.PortForward, data: Flights, sent: traffic.Sent) -> Snapshot:
    sent.add(traffic.send(forward, flights.read_rows(data.held_out, FEW_ROWS)))
    monitor.wait(
        kubectl, NAME, "InsufficientData", lambda seen: seen.insufficient and seen.rows == sent.rows, VERDICT_SECONDS
    )
    return monitor.take_snapshot(kubectl, NAME)


@pytest.fixture(scope="session")
def stable(
    kubectl: Kubectl, forward: traffic.PortForward, data: Flights, sent: traffic.Sent, few: Snapshot
) -> Snapshot:
    sent.add(traffic.send(forward, flights.read_rows(data.held_out, STABLE_ROWS, start=FEW_ROWS)))
    monitor.wait(kubectl, NAME, "DriftDetected=False", lambda seen: seen.stable, VERDICT_SECONDS)
    return monitor.take_snapshot(kubectl, NAME)


@pytest.fixture(scope="session")
def drifted(
    kubectl: Kubectl, forward: traffic.PortForward, data: Flights, sent: traffic.Sent, stable: Snapshot
) -> Snapshot:
    sent.add(traffic.send(forward, flights.read_rows(data.later, LATER_ROWS)))
    monitor.wait(kubectl, NAME, "DriftDetected=True", lambda seen: seen.drifted, VERDICT_SECONDS)
    return monitor.take_snapshot(kubectl, NAME)
