"""The link between the host and the node: a veth pair with two addresses, gone with the node's namespace."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hack.cluster.components import POD_RANGE, SERVICE_RANGE
from hack.cluster.errors import ClusterError

NODE_INTERFACE = "host0"  # its name inside the node's namespace
_CANDIDATES = tuple(
    f"{first_two}.{third}.0/30" for first_two in ("192.168", "172.31", "10.251") for third in range(251, 240, -1)
)
_SHORTEST_PREFIX = 8  # a shorter route is a default route in disguise, as some VPNs set
_SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",  # so that a Service works between two pods of the same bridge
}


def host_interface(name: str) -> str:
    """The host's end of the link of the cluster called `name`; the kernel allows 15 characters."""
    return f"dm{zlib.crc32(name.encode()):08x}"


def choose_range(routes: Iterable[dict[str, Any]]) -> ipaddress.IPv4Network:
    """A range that no route of the host (`ip -json route`) and none of the cluster's own touches."""
    destinations = [route["dst"] for route in routes if route.get("dst", "default") != "default"]
    networks = [ipaddress.ip_network(text, strict=False) for text in (POD_RANGE, SERVICE_RANGE, *destinations)]
    taken = [network for network in networks if network.prefixlen >= _SHORTEST_PREFIX]
    for text in _CANDIDATES:
        candidate = ipaddress.IPv4Network(text)
        if not any(candidate.overlaps(network) for network in taken):
            return candidate
    raise ClusterError(f"the host has routes to every one of {', '.join(_CANDIDATES)}.", "remove one of the routes")


def host_routes() -> list[dict[str, Any]]:
    """The host's IPv4 routes of all tables."""
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all") or "[]")
    return [route for route in routes if isinstance(route, dict)]


def link_exists(name: str) -> bool:
    """Whether a cluster called `name` has its link on this host."""
    return Path("/sys/class/net", host_interface(name)).exists()


def connect(name: str, first_process: int, host_address: str, prefix_length: int) -> None:
    """Make the link and move its other end into the namespace of the process `first_process`."""
    interface = host_interface(name)
    peer = f"{interface}n"
    _ip("link", "add", interface, "type", "veth", "peer", "name", peer)
    _ip("link", "set", peer, "netns", str(first_process))
    _ip("address", "add", f"{host_address}/{prefix_length}", "dev", interface)
    _ip("link", "set", interface, "up")


def disconnect(name: str) -> None:
    """Remove the link, if the kernel has not done so already."""
    subprocess.run(["ip", "link", "delete", host_interface(name)], capture_output=True)


def arrived(name: str) -> bool:
    """Inside: whether the link's other end is here."""
    command = ["ip", "link", "show", "dev", f"{host_interface(name)}n"]
    return subprocess.run(command, capture_output=True).returncode == 0


def configure_node(name: str, node_address: str, prefix_length: int) -> None:
    """Inside: give the link its address, and let packets through between pods and Services."""
    _ip("link", "set", "lo", "up")
    _ip("link", "set", f"{host_interface(name)}n", "name", NODE_INTERFACE)
    _ip("address", "add", f"{node_address}/{prefix_length}", "dev", NODE_INTERFACE)
    _ip("link", "set", NODE_INTERFACE, "up")
    # Without any route the node's own programs could not even try a Service's address; kube-proxy then redirects it.
    _ip("route", "add", SERVICE_RANGE, "dev", NODE_INTERFACE)
    for setting, value in _SETTINGS.items():
        (Path("/proc/sys") / setting).write_text(value)


def _ip(*arguments: str) -> str:
    try:
        return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout
    except subprocess.CalledProcessError as error:
        raise ClusterError(f"ip {' '.join(arguments)} failed: {error.stderr.strip()}") from error
