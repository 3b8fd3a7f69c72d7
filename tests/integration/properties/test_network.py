"""Who can reach whom: by the NetworkPolicies as they lie on the apiserver, and by what the operator's process does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from driftmonitor_operator import kinds
from hack.cluster.controlplane import ControlPlane
from tests.support import connections
from tests.support.installation import REPOSITORY, Installation
from tests.support.networkpolicies import Endpoint, connects

CELLAR = "cellar-of-networks"
APISERVER = ("192.0.2.10", 6443)
SERVICE = ("10.96.0.1", 443)
"""Its two addresses: its own, and the one of the Service `kubernetes`, which pods are told."""
METADATA = (
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "fe80::a9fe:a9fe",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
)
"""Where clouds hand out a node's or a pod's credentials."""
SOMEWHERE = Endpoint("198.51.100.7")
RESOLVER = Endpoint("10.96.0.10")
CHECKS: dict[str, Any] = {"checks": {"schedule": "0 0 1 1 *"}}
JUDGING = {"checks": {**CHECKS["checks"], "validation": {}}}
SPECS: dict[str, dict[str, Any]] = {
    "mounted": {"model": {"storageUri": "pvc://m/m"}, "reference": {"storageUri": "configmap://r/r"}, **CHECKS},
    "fetched": {
        "model": {"storageUri": "https://models.example/wine.onnx"},
        "reference": {"storageUri": "http://models.example:8080/wine.parquet"},
        **JUDGING,
    },
    "stored": {
        "model": {"storageUri": "s3://models/wine.onnx", "credentialsSecret": "s3"},
        "reference": {"storageUri": "gs://models/wine.parquet"},
        **CHECKS,
    },
    "inside": {
        "model": {"storageUri": "http://models.default.svc/wine.onnx"},
        "reference": {"window": {}},
        **JUDGING,
    },
}
PROMETHEUS = {"kubernetes.io/metadata.name": "monitoring"}


@pytest.fixture(scope="module")
def installation(chart_plane: ControlPlane, chart_programs: Path, tmp_path_factory: Any) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("network")
    release = Installation(
        chart_plane, chart_programs, directory, "driftmonitor", "network-system", REPOSITORY / "fluentd"
    )
    release.make_namespace(CELLAR)
    # The apiserver of a control plane on the loopback address cannot say where pods reach it, so it is said here.
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": APISERVER[1], "protocol": "TCP"}],
        "endpoints": [{"addresses": [APISERVER[0]], "conditions": {"ready": True}}],
    }
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    assert release.get(f"{path}/kubernetes") is None
    release.plane.client.json("POST", path, slice_)
    peer = {"namespaceSelector": {"matchLabels": PROMETHEUS}}
    api = {"cidrs": [f"{APISERVER[0]}/32"], "ports": [APISERVER[1]]}
    release.install(networkPolicies={"collectorPeers": [peer], "apiServer": api})
    yield release
    release.helm("uninstall", "driftmonitor")
    release.kubectl("delete", "crd", "driftmonitors.driftmonitor.dev", "--timeout=60s")
    release.plane.client.json("DELETE", f"{path}/kubernetes")


@pytest.fixture(scope="module")
def watched(installation: Installation, tmp_path_factory: Any) -> tuple[set[tuple[str, str]], set[tuple[str, int]]]:
    """An operator's life: what its interpreter said of its connections, and what the kernel did."""
    folder, environment = connections.watch(tmp_path_factory.mktemp("watched") / "hook")
    told = {"KUBERNETES_SERVICE_HOST": SERVICE[0], "KUBERNETES_SERVICE_PORT": str(SERVICE[1])}
    with installation.operator(folder, **environment, **told) as operator:
        for name, spec in SPECS.items():
            installation.apply_monitor(CELLAR, name, spec)
        installation.wait_until_applied(CELLAR)
        operator.wait_for_resyncs()
        ends = connections.remote_ends(operator.pid)
        installation.apply_monitor(CELLAR, "short", SPECS["fetched"])
        installation.wait_until_applied(CELLAR)
        installation.kubectl("delete", "driftmonitor", "short", "-n", CELLAR)
        operator.wait_for_resyncs()
    return connections.seen(folder), ends


@pytest.fixture(scope="module")
def policies(installation: Installation, watched: object) -> list[dict[str, Any]]:
    """All NetworkPolicies of the cluster, as the apiserver has them."""
    items: list[dict[str, Any]] = installation.plane.client.json("GET", "/apis/networking.k8s.io/v1/networkpolicies")[
        "items"
    ]
    return [policy for policy in items if "deletionTimestamp" not in policy["metadata"]]


@pytest.fixture(scope="module")
def pods(installation: Installation, policies: object) -> dict[str, Endpoint]:
    """One pod of each kind that is made, by monitor and component, from the templates as they lie on the apiserver."""
    path = "/apis/apps/v1/namespaces/{}/deployments"
    deployments = [
        body
        for namespace in (CELLAR, installation.namespace)
        for body in installation.plane.client.json("GET", path.format(namespace))["items"]
    ]
    jobs = installation.plane.client.json("GET", f"/apis/batch/v1/namespaces/{CELLAR}/cronjobs")["items"]
    templates = [(body["metadata"]["namespace"], body["spec"]["template"]) for body in deployments]
    templates += [(CELLAR, body["spec"]["jobTemplate"]["spec"]["template"]) for body in jobs]
    found = {}
    for number, (namespace, template) in enumerate(templates, 1):
        labels = template["metadata"]["labels"]
        ports = {p["name"]: p["containerPort"] for c in template["spec"]["containers"] for p in c.get("ports", [])}
        name = f"{labels[kinds.INSTANCE_LABEL]} {labels[kinds.COMPONENT_LABEL]}"
        own = {"kubernetes.io/metadata.name": namespace}
        found[name] = Endpoint(f"10.244.0.{number}", namespace, labels, own, ports)
    assert {f"{m} {c}" for m in SPECS for c in ("inference", "collector", "check")} < set(found)
    assert "driftmonitor operator" in found
    return found


@pytest.mark.property(23)
def test_the_operator_connects_to_the_apiserver_only(
    installation: Installation, watched: tuple[set[tuple[str, str]], set[tuple[str, int]]]
) -> None:
    calls, ends = watched
    server = urlsplit(installation.plane.base_url)
    assert ends == {(server.hostname, server.port)}
    connected = {what for event, what in calls if event in ("socket.connect", "socket.sendto")}
    assert connected == {str((server.hostname, server.port))}
    looked_up = {what for event, what in calls if event in ("socket.getaddrinfo", "socket.gethostbyname")}
    # The others are its own: where its servers listen.
    assert looked_up <= {server.hostname, "0.0.0.0", "None", ""}, looked_up


@pytest.mark.property(23)
@pytest.mark.parametrize("address", METADATA)
def test_no_pod_reaches_a_metadata_address(
    pods: dict[str, Endpoint], policies: list[dict[str, Any]], address: str
) -> None:
    target = Endpoint(address)
    reached = [name for name, pod in pods.items() for port in (80, 443, 8080) if connects(policies, pod, target, port)]
    assert reached == []
    everything = (*range(1, 1024), 3000, 5000, 6443, 8080, 8443, 9000)
    if address in ("169.254.169.254", "fd00:ec2::254"):
        assert not [n for n, pod in pods.items() for port in everything if connects(policies, pod, target, port)]


@pytest.mark.property(23)
def test_no_serving_pod_and_no_collector_reaches_the_apiserver_and_each_check_does(
    pods: dict[str, Endpoint], policies: list[dict[str, Any]]
) -> None:
    for address, port in (APISERVER, SERVICE):
        target = Endpoint(address)
        ports = {80, 443, 6443, 8080, 8443, 10250}
        reaching = {name for name, pod in pods.items() for each in ports if connects(policies, pod, target, each)}
        checks = {name for name in pods if name.endswith(" check")}
        assert reaching - {"driftmonitor operator"} == checks
        assert all(connects(policies, pods[name], target, port) for name in checks)
    assert connects(policies, pods["driftmonitor operator"], Endpoint(APISERVER[0]), APISERVER[1])


@pytest.mark.property(23)
@pytest.mark.parametrize("monitor", SPECS)
def test_a_collector_takes_only_what_its_own_monitor_and_the_named_peers_send(
    pods: dict[str, Endpoint], policies: list[dict[str, Any]], monitor: str
) -> None:
    collector = pods[f"{monitor} collector"]
    prometheus = Endpoint("10.244.9.1", "monitoring", {"app": "prometheus"}, PROMETHEUS)
    stranger = Endpoint("10.244.9.2", "other", {}, {"kubernetes.io/metadata.name": "other"})
    ends = {**pods, "prometheus": prometheus, "stranger": stranger, "outside": SOMEWHERE}
    sending = {name for name, end in ends.items() if connects(policies, end, collector, 8080)}
    judging = {"inside validation"} if monitor == "inside" else set()  # its reference is what the collector holds
    assert sending == {f"{monitor} inference", f"{monitor} check", "prometheus"} | judging
    assert not [
        name for name, end in ends.items() for port in (80, 443, 22, 8081) if connects(policies, end, collector, port)
    ]
    reached = [n for n, end in ends.items() for port in (53, 80, 443, 8080) if connects(policies, collector, end, port)]
    assert reached == []
    assert not connects(policies, collector, RESOLVER, 53, "UDP")


@pytest.mark.property(23)
@pytest.mark.parametrize("monitor", SPECS)
def test_what_a_monitor_needs_is_open_and_nothing_else(
    pods: dict[str, Endpoint], policies: list[dict[str, Any]], monitor: str
) -> None:
    serving, check = pods[f"{monitor} inference"], pods[f"{monitor} check"]
    assert connects(policies, SOMEWHERE, serving, 8080)
    assert not connects(policies, SOMEWHERE, serving, 24220)
    assert not connects(policies, SOMEWHERE, check, 8080)
    assert connects(policies, serving, RESOLVER, 53, "UDP")
    assert connects(policies, check, RESOLVER, 53, "UDP")
    wanted = {
        "mounted": (set(), set()),
        "fetched": ({443}, {8080}),
        "stored": ({80, 443, 8080, 9000}, {443}),  # the Secret may name any endpoint
        "inside": ({80, 443, 8080, 9000}, set()),  # the Service may map any port
    }
    for pod, ports in zip((serving, check), wanted[monitor], strict=True):
        assert {port for port in (80, 443, 8080, 9000) if connects(policies, pod, SOMEWHERE, port)} == ports


@pytest.mark.property(23)
@pytest.mark.parametrize(("monitor", "ports"), [("fetched", {8080}), ("inside", set())])
def test_a_validation_service_takes_requests_and_reaches_its_reference_alone(
    pods: dict[str, Endpoint], policies: list[dict[str, Any]], monitor: str, ports: set[int]
) -> None:
    judging = pods[f"{monitor} validation"]
    assert {port for port in (80, 8080, 9000) if connects(policies, SOMEWHERE, judging, port)} == {8080}
    assert {port for port in (80, 443, 8080, 9000) if connects(policies, judging, SOMEWHERE, port)} == ports
    collectors = {
        name for name, pod in pods.items() if name.endswith(" collector") and connects(policies, judging, pod, 8080)
    }
    assert collectors == ({"inside collector"} if monitor == "inside" else set())


@pytest.mark.property(23)
def test_the_operator_takes_probes_and_metrics_only(pods: dict[str, Endpoint], policies: list[dict[str, Any]]) -> None:
    operator = pods["driftmonitor operator"]
    assert {port for port in (80, 443, 8080, 8081, 8082) if connects(policies, SOMEWHERE, operator, port)} == {
        8081,
        8082,
    }
    assert not connects(policies, operator, SOMEWHERE, 443)
