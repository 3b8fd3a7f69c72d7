"""Pure: who may connect to whom by NetworkPolicies, as the API's documentation says a network must judge them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """One end of a connection: a pod, or an address outside."""

    address: str
    namespace: str = ""
    """Empty: no pod."""
    labels: dict[str, str] = field(default_factory=dict)
    namespace_labels: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    """Names of container ports."""


def connects(policies: Iterable[Body], source: Endpoint, target: Endpoint, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is allowed: by the policies that select its source, and by those that select its target."""
    policies = list(policies)
    return _allowed(policies, "Egress", source, target, target, port, protocol) and _allowed(
        policies, "Ingress", target, source, target, port, protocol
    )


def selects(selector: Body, labels: dict[str, str]) -> bool:
    """Whether a label selector picks these labels; an empty one picks all."""
    return all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()) and all(
        _expression(expression, labels) for expression in selector.get("matchExpressions") or []
    )


def _expression(expression: Body, labels: dict[str, str]) -> bool:
    key, values = expression["key"], expression.get("values", [])
    match expression["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise ValueError(f"no such operator: {other}")


def _allowed(
    policies: list[Body], direction: str, pod: Endpoint, peer: Endpoint, target: Endpoint, port: int, protocol: str
) -> bool:
    """Whether the pod's own policies of one direction let it talk with the peer."""
    mine = [
        policy
        for policy in policies
        if pod.namespace
        and policy["metadata"]["namespace"] == pod.namespace
        and direction in _types(policy["spec"])
        and selects(policy["spec"].get("podSelector") or {}, pod.labels)
    ]
    if not mine:
        return True  # a pod that no policy selects is not isolated
    rules, ends = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    return any(
        _port_matches(rule.get("ports") or [], target, port, protocol)
        and _peer_matches(rule.get(ends) or [], policy["metadata"]["namespace"], peer)
        for policy in mine
        for rule in policy["spec"].get(rules) or []
    )


def _types(spec: Body) -> list[str]:
    implied = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    return spec.get("policyTypes") or implied


def _port_matches(ports: list[Body], target: Endpoint, port: int, protocol: str) -> bool:
    if not ports:
        return True
    return any(_one_port_matches(entry, target, port, protocol) for entry in ports)


def _one_port_matches(entry: Body, target: Endpoint, port: int, protocol: str) -> bool:
    if entry.get("protocol", "TCP") != protocol:
        return False
    wanted = entry.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return target.ports.get(wanted) == port
    return bool(wanted <= port <= entry.get("endPort", wanted))


def _peer_matches(peers: list[Body], namespace: str, end: Endpoint) -> bool:
    return not peers or any(_one_peer_matches(peer, namespace, end) for peer in peers)


def _one_peer_matches(peer: Body, namespace: str, end: Endpoint) -> bool:
    if block := peer.get("ipBlock"):
        # Whether it is meant for pods too is the network's affair, so here it is: the worse case for what must not be.
        inside = _contains(block["cidr"], end.address)
        return inside and not any(_contains(cidr, end.address) for cidr in block.get("except") or [])
    if not end.namespace:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"] or {}, end.namespace_labels):
            return False
    elif end.namespace != namespace:
        return False
    return selects(peer.get("podSelector") or {}, end.labels)


def _contains(cidr: str, address: str) -> bool:
    network, ip = ip_network(cidr), ip_address(address)
    return network.version == ip.version and ip in network
