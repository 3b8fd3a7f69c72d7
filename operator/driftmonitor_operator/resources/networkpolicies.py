"""Who may connect to whom. Where the cluster's network enforces NetworkPolicies; elsewhere they do nothing."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from driftmonitor_api.storage import StorageUri
from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator.apiserver import Apiserver
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.resources.common import GRPC_PORT, HTTP_PORT, Component, child, selector
from driftmonitor_operator.resources.shipperprograms import METRICS_PORT, has_metrics

METADATA = ("169.254.169.254/32", "fd00:ec2::254/128")
"""Where clouds hand out a node's credentials to whoever asks."""
NODES_OWN = (
    "169.254.0.0/16",
    "fe80::/10",
    "fd00:ec2::254/128",
    # Clouds whose metadata are not at a link-local address: Alibaba, Azure's machine agent, Oracle.
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
)
"""What only the node itself should talk to. Names are asked for at some of them, so this is for other ports."""
DNS_PORT = 53
_DEFAULT_PORTS = {"http": 80, "https": 443, "s3": 443, "gs": 443}


def network_policies(monitor: DriftMonitor, config: OperatorConfig, apiserver: Apiserver) -> list[Body]:
    """One for each component; none where the operator is told to make none."""
    if not config.network_policies:
        return []
    spec = monitor.spec
    collector = {"to": [_pods(monitor, "collector")], "ports": [_tcp(HTTP_PORT)]}
    asks = spec.checks.validation is not None and spec.reference.storage_uri is None
    clients: tuple[Component, ...] = ("inference", "check", "validation") if asks else ("inference", "check")
    inside: Body = {"from": [_pods(monitor, client) for client in clients], "ports": [_tcp(HTTP_PORT)]}
    peers: Body = {"from": list(config.collector_peers), "ports": [_tcp(HTTP_PORT)]}
    model = _fetching(spec.model.storage_uri, spec.model.credentials_secret, apiserver)
    importances = model if spec.checks.importances is not None else []
    if (detector := spec.model.outlier_detector) is not None:
        rules = _fetching(detector.storage_uri, detector.credentials_secret, apiserver)
        model = model + [rule for rule in rules if rule not in model]
    reference = _fetching(spec.reference.storage_uri, spec.reference.credentials_secret, apiserver)
    skew = spec.checks.skew
    found = _fetching(skew.storage_uri, skew.credentials_secret, apiserver) if skew is not None else []
    training = [rule for rule in found if rule not in reference]
    training += [rule for rule in importances if rule not in [*reference, *training]]
    # The Secret, which the operator does not read, says where MLflow is.
    tracking = [_outside(None, apiserver)] if spec.checks.mlflow is not None else []
    tracing = spec.serving.tracing
    spans = [_outside(_port(tracing.endpoint, None), apiserver)] if tracing is not None else []
    server_log = spec.logging.server_log
    lines = [_outside(_port(server_log.url, None), apiserver)] if server_log is not None else []
    # Each broker says itself where it is to be reached, and on which port.
    topic = [_outside(None, apiserver)] if spec.logging.kafka is not None else []
    served: list[Body] = [{"ports": [_tcp(HTTP_PORT), _tcp(GRPC_PORT)]}]
    if config.collector_peers and has_metrics(spec.logging.shipper.type):
        served.append({"from": list(config.collector_peers), "ports": [_tcp(METRICS_PORT)]})
    storage = spec.collector.storage
    storing = [_dns(), _outside(_port(storage.uri, storage.credentials_secret), apiserver)] if storage.uri else []
    taking = [rule for rule in ([_dns(), *topic] if topic else []) if rule not in storing]
    policies = [
        _policy(monitor, "inference", served, [_dns(), collector, *model, *spans, *lines, *topic]),
        _policy(monitor, "collector", [inside, *([peers] if config.collector_peers else [])], [*storing, *taking]),
        _policy(monitor, "check", [], [_dns(), collector, *_publishing(apiserver), *tracking, *reference, *training]),
    ]
    if spec.checks.validation is not None:
        reached = [collector] if asks else reference
        policies.append(
            _policy(monitor, "validation", [{"ports": [_tcp(HTTP_PORT)]}], [_dns(), *reached] if reached else [])
        )
    return policies


def _policy(monitor: DriftMonitor, component: Component, ingress: list[Body], egress: list[Body]) -> Body:
    spec: Body = {
        "podSelector": {"matchLabels": selector(monitor, component)},
        "policyTypes": ["Ingress", "Egress"],
    }
    # The API drops an empty list; both mean that nothing may.
    if ingress:
        spec["ingress"] = ingress
    if egress:
        spec["egress"] = egress
    return child("NetworkPolicy", monitor, component, spec=spec)


def _dns() -> Body:
    """Names may be resolved by any server: where it runs, on the nodes or in pods, differs between clusters."""
    ports = [{"protocol": "UDP", "port": DNS_PORT}, _tcp(DNS_PORT)]
    return {"to": _anywhere_but(METADATA), "ports": ports}


def _publishing(apiserver: Apiserver) -> list[Body]:
    """What the check reads its monitor from and writes its verdict to."""
    by_port: dict[int, list[Body]] = {}
    for address, port in apiserver.endpoints:
        by_port.setdefault(port, []).append({"ipBlock": {"cidr": _host(address)}})
    return [{"to": blocks, "ports": [_tcp(port)]} for port, blocks in sorted(by_port.items())]


def _fetching(uri: str | None, credentials: str | None, apiserver: Apiserver) -> list[Body]:
    """What is fetched may lie anywhere but where credentials of the node or of the cluster are to be had."""
    if uri is None or StorageUri.parse(uri).mounted:
        return []
    return [_outside(_port(uri, credentials), apiserver)]


def _outside(port: int | None, apiserver: Apiserver) -> Body:
    excluded = (*NODES_OWN, *map(_host, apiserver.addresses))
    return {"to": _anywhere_but(excluded), "ports": [_tcp(port) if port else {"protocol": "TCP"}]}


def _port(uri: str, credentials: str | None) -> int | None:
    """The port that the pod will connect to; None where only the cluster knows it."""
    parts = urlsplit(uri)
    if parts.scheme == "models" or (parts.scheme in ("s3", "az") and credentials is not None):
        return None  # the Secret, which the operator does not read, names the endpoint
    if parts.scheme in ("http", "https") and _in_cluster(parts.hostname or ""):
        return None  # policies look at the pod's port, which a Service may map to another one
    try:
        return parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError:
        return None  # it is none that can be connected to, as the program will say


def _in_cluster(host: str) -> bool:
    return ("." not in host.strip("[]") and ":" not in host) or host.endswith((".svc", ".svc.cluster.local"))


def _anywhere_but(excluded: tuple[str, ...]) -> list[Body]:
    blocks: list[Body] = []
    for cidr, version6 in (("0.0.0.0/0", False), ("::/0", True)):
        outside = sorted({block for block in excluded if (":" in block) == version6})
        blocks.append({"ipBlock": {"cidr": cidr, "except": outside}})
    return blocks


def _pods(monitor: DriftMonitor, component: Component) -> Body:
    return {"podSelector": {"matchLabels": selector(monitor, component)}}


def _host(address: str) -> str:
    return f"{address}/{ip_address(address).max_prefixlen}"


def _tcp(port: int) -> Body:
    return {"protocol": "TCP", "port": port}
