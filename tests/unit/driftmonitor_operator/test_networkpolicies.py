"""Who may connect to whom, read from the policies as a network that enforces them does."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import resources
from driftmonitor_operator.apiserver import Apiserver, located
from driftmonitor_operator.config import OperatorConfig

Body = dict[str, Any]
Policies = Callable[..., dict[str, Body]]
APISERVER = Apiserver((("10.0.0.1", 443), ("192.0.2.7", 6443), ("2001:db8::7", 6443)))


@pytest.fixture
def policies(make_monitor: Callable[..., DriftMonitor], config: OperatorConfig) -> Policies:
    """The policies by component; `settings` are the operator's."""

    def make(settings: Body | None = None, **spec: Any) -> dict[str, Body]:
        manifests = resources.desired(make_monitor(**spec), replace(config, **(settings or {})), APISERVER)
        found = [m for m in manifests if m["kind"] == "NetworkPolicy"]
        return {m["metadata"]["labels"]["app.kubernetes.io/component"]: m["spec"] for m in found}

    return make


def reaches(policy: Body, address: str, port: int, protocol: str = "TCP") -> bool:
    """Whether the policy lets its pods connect to an address outside of all pods that it names."""

    def within(block: Body) -> bool:
        target = ip_address(address)
        return target in ip_network(block["cidr"]) and not any(target in ip_network(b) for b in block.get("except", []))

    return any(
        any("ipBlock" in peer and within(peer["ipBlock"]) for peer in rule["to"])
        and any(p["protocol"] == protocol and p.get("port", port) == port for p in rule["ports"])
        for rule in policy.get("egress", [])
    )


def components(rules: list[Body]) -> set[str]:
    """The components whose pods these rules name."""
    peers = [peer for rule in rules for peer in rule.get("to", rule.get("from", []))]
    selectors = [peer["podSelector"]["matchLabels"] for peer in peers if "podSelector" in peer]
    assert all(selector["app.kubernetes.io/instance"] == "wine" for selector in selectors)
    return {selector["app.kubernetes.io/component"] for selector in selectors}


def test_each_component_has_a_policy_for_both_directions_that_picks_its_own_pods(policies: Policies) -> None:
    for component, policy in policies().items():
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        labels = policy["podSelector"]["matchLabels"]
        assert labels["app.kubernetes.io/component"] == component
        assert labels["app.kubernetes.io/instance"] == "wine"
    assert set(policies()) == {"inference", "collector", "check"}


def test_anyone_may_ask_the_server_and_nothing_else_of_its_pod(policies: Policies) -> None:
    ports = [{"protocol": "TCP", "port": 8080}, {"protocol": "TCP", "port": 9000}]
    assert policies()["inference"]["ingress"] == [{"ports": ports}]


def test_the_collector_is_for_this_monitors_pods_and_connects_to_nobody(policies: Policies) -> None:
    policy = policies()["collector"]
    assert components(policy["ingress"]) == {"inference", "check"}
    assert all(rule["ports"] == [{"protocol": "TCP", "port": 8080}] for rule in policy["ingress"])
    assert "egress" not in policy


@pytest.mark.parametrize(
    ("uri", "ports"),
    [("s3://records/wines", [443, 9000]), ("az://records/wines", [443, 9000]), ("gs://records/wines", [443])],
)
def test_the_collector_reaches_its_object_store_and_nothing_that_hands_out_credentials(
    policies: Policies, uri: str, ports: list[int]
) -> None:
    policy = policies(collector={"storage": {"uri": uri, "credentialsSecret": "records"}})["collector"]
    assert [port for port in (443, 9000) if reaches(policy, "8.8.8.8", port)] == ports
    assert not any(reaches(policy, address, 443) for address in ("169.254.169.254", "192.0.2.7", "10.0.0.1"))
    assert reaches(policy, "10.0.0.53", 53, "UDP")


def test_others_may_be_let_to_the_collector(policies: Policies) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    own, others = policies({"collector_peers": (peer,)})["collector"]["ingress"]
    assert components([own]) == {"inference", "check"}
    assert others == {"from": [peer], "ports": [{"protocol": "TCP", "port": 8080}]}


def test_who_may_reach_the_collector_may_ask_the_shipper_for_its_metrics(policies: Policies) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    metrics = {"from": [peer], "ports": [{"protocol": "TCP", "port": 24231}]}
    for shipper, rules in (("Fluentd", [metrics]), ("SyslogNG", [])):
        logging = {"shipper": {"type": shipper}}
        assert policies({"collector_peers": (peer,)}, logging=logging)["inference"]["ingress"][1:] == rules
        assert policies(logging=logging)["inference"]["ingress"][1:] == []


def test_the_sidecar_reaches_the_receiver_of_the_servers_log(policies: Policies) -> None:
    without = policies()["inference"]
    assert not reaches(without, "8.8.8.8", 8443)
    policy = policies(logging={"serverLog": {"url": "https://logs.example:8443/in"}})["inference"]
    assert [port for port in (80, 6443, 8443) if reaches(policy, "8.8.8.8", port)] == [8443]
    assert not reaches(policy, "192.0.2.7", 8443)


VALIDATION: Body = {"schedule": "* * * * *", "validation": {}}


def test_anyone_may_ask_the_validation_service_which_reaches_its_reference_alone(policies: Policies) -> None:
    mounted = policies(checks=VALIDATION)
    assert mounted["validation"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8080}]}]
    assert "egress" not in mounted["validation"]
    assert components(mounted["collector"]["ingress"]) == {"inference", "check"}

    fetched = policies(checks=VALIDATION, reference={"storageUri": "https://references.example:8443/wine.parquet"})
    assert [port for port in (80, 443, 6443, 8443) if reaches(fetched["validation"], "8.8.8.8", port)] == [8443]
    assert reaches(fetched["validation"], "10.96.0.10", 53, "UDP")
    for address in ("10.0.0.1", "192.0.2.7", "169.254.169.254"):
        assert not any(reaches(fetched["validation"], address, port) for port in (80, 443, 6443, 8443))
    assert components(fetched["collector"]["ingress"]) == {"inference", "check"}


def test_a_validation_service_whose_reference_is_a_window_asks_the_collector(policies: Policies) -> None:
    found = policies(checks=VALIDATION, reference={"window": {}})
    assert components(found["validation"]["egress"]) == {"collector"}
    assert components(found["collector"]["ingress"]) == {"inference", "check", "validation"}
    assert not reaches(found["validation"], "8.8.8.8", 443)


def test_a_check_reaches_the_model_where_it_finds_importances_with_it(policies: Policies) -> None:
    model = {"storageUri": "https://models.example:8443/wine.onnx"}
    without = policies(model=model)["check"]
    assert not reaches(without, "8.8.8.8", 8443)
    asked = {"schedule": "* * * * *", "importances": {}}
    policy = policies(model=model, checks=asked)["check"]
    assert [port for port in (80, 443, 6443, 8443) if reaches(policy, "8.8.8.8", port)] == [8443]
    assert not reaches(policy, "192.0.2.7", 8443)
    same = policies(model=model, checks=asked, reference={"storageUri": "https://models.example:8443/wine.csv"})
    assert same["check"] == policy


def test_nobody_connects_to_a_check(policies: Policies) -> None:
    assert "ingress" not in policies()["check"]


@pytest.mark.parametrize("component", ["inference", "check"])
def test_names_can_be_resolved_but_not_by_what_hands_out_credentials(policies: Policies, component: str) -> None:
    policy = policies()[component]
    for protocol in ("UDP", "TCP"):
        for server in ("10.96.0.10", "169.254.20.10", "2001:db8::53"):
            assert reaches(policy, server, 53, protocol)
        for metadata in ("169.254.169.254", "fd00:ec2::254"):
            assert not reaches(policy, metadata, 53, protocol)
    assert "collector" in components(policy["egress"])


def test_a_server_whose_model_is_mounted_connects_to_its_collector_alone(policies: Policies) -> None:
    policy = policies()["inference"]
    for address in ("8.8.8.8", "10.0.0.1", "192.0.2.7", "2001:db8::1"):
        assert not any(reaches(policy, address, port) for port in (80, 443, 6443, 8080))


@pytest.mark.parametrize(
    ("endpoint", "ports"),
    [
        ("https://otel.example/v1/traces", [443]),
        ("http://otel.example:4318", [4318]),
        ("http://otel-collector.observability.svc:4318/v1/traces", [80, 443, 4318, 6443]),
    ],
)
def test_spans_reach_what_takes_them_and_no_credentials(policies: Policies, endpoint: str, ports: list[int]) -> None:
    policy = policies(serving={"tracing": {"endpoint": endpoint}})["inference"]
    assert [port for port in (80, 443, 4318, 6443) if reaches(policy, "10.1.2.3", port)] == ports
    for address in ("169.254.169.254", "fd00:ec2::254", "10.0.0.1", "192.0.2.7"):
        assert not any(reaches(policy, address, port) for port in (80, 443, 4318, 6443))


EVERY = [80, 443, 8443, 9000]
FETCHED = [
    ("https://models.example/wine.onnx", None, [443]),
    ("https://models.example:8443/wine.onnx", None, [8443]),
    ("http://models.example/wine.onnx", None, [80]),
    ("s3://models/wine.onnx", None, [443]),
    ("s3://models/wine.onnx", "credentials", EVERY),  # the Secret may name another endpoint
    ("gs://models/wine.onnx", "credentials", [443]),
    ("http://store.models.svc/wine.onnx", None, EVERY),  # the Service may map it to another port
    ("http://store.models.svc.cluster.local/wine.onnx", None, EVERY),
    ("http://store/wine.onnx", None, EVERY),
    ("http://192.0.2.99:9000/wine.onnx", None, [9000]),
    ("https://[2001:db8::9]/wine.onnx", None, [443]),
    ("https://models.example:99999/wine.onnx", None, EVERY),
]


@pytest.mark.parametrize(("uri", "secret", "ports"), FETCHED)
@pytest.mark.parametrize("component", ["inference", "check"])
def test_what_is_fetched_may_lie_anywhere_but_where_credentials_are_to_be_had(
    policies: Policies, component: str, uri: str, secret: str | None, ports: list[int]
) -> None:
    source = {"storageUri": uri} | ({"credentialsSecret": secret} if secret else {})
    policy = policies(**({"model": source} if component == "inference" else {"reference": source}))[component]
    for address in ("8.8.8.8", "10.1.2.3", "2001:db8::1"):
        assert [port for port in EVERY if reaches(policy, address, port)] == ports
    for metadata in ("169.254.169.254", "169.254.170.2", "fe80::1", "fd00:ec2::254"):
        assert not any(reaches(policy, metadata, port) for port in ports)


def test_a_registry_may_be_anywhere_since_the_secret_says_where_it_is(policies: Policies) -> None:
    policy = policies(model={"storageUri": "models:/wine/3", "credentialsSecret": "mlflow"})["inference"]
    assert [port for port in EVERY if reaches(policy, "10.1.2.3", port)] == EVERY
    assert not any(reaches(policy, "169.254.169.254", port) for port in EVERY)


def test_the_outlier_detector_is_reached_where_it_lies(policies: Policies) -> None:
    model = {"storageUri": "configmap://m/m", "outlierDetector": {"storageUri": "https://models.example:8443/o"}}
    policy = policies(model=model)["inference"]
    assert [port for port in EVERY if reaches(policy, "8.8.8.8", port)] == [8443]


def test_the_server_never_reaches_the_apiserver_and_the_check_does_where_it_is(policies: Policies) -> None:
    for uri in (
        "https://models.example/a.onnx",
        "http://store.models.svc/a.onnx",
        "https://models.example:6443/a.onnx",
    ):
        found = policies(model={"storageUri": uri}, reference={"storageUri": uri})
        for address, port in APISERVER.endpoints:
            assert not reaches(found["inference"], address, port)
            assert reaches(found["check"], address, port)


def test_the_operator_can_be_told_to_make_none(policies: Policies) -> None:
    assert policies({"network_policies": False}) == {}


def test_the_apiserver_is_where_its_endpoint_slice_and_its_service_are() -> None:
    endpoint_slice = {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.8"]}, {"addresses": ["192.0.2.7"]}],
        "ports": [{"name": "https", "port": 6443}],
    }
    found = located(endpoint_slice, ("10.0.0.1", 443))
    assert found.endpoints == (("10.0.0.1", 443), ("192.0.2.7", 6443), ("192.0.2.8", 6443))
    assert found.addresses == ["10.0.0.1", "192.0.2.7", "192.0.2.8"]
    assert located({"endpoints": None, "ports": None}, ("10.0.0.1", 443)).addresses == ["10.0.0.1"]
    assert located(None, ("10.0.0.1", 443), ("10.0.0.1", 443)).endpoints == (("10.0.0.1", 443),)
