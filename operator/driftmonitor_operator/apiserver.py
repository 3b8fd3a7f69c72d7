"""Where pods reach the apiserver: what NetworkPolicies let the check connect to, and keep the server from. Pure."""

from dataclasses import dataclass
from ipaddress import ip_address

from driftmonitor_operator.kinds import Body


@dataclass(frozen=True)
class Apiserver:
    """IP addresses with TCP ports, in a fixed order."""

    endpoints: tuple[tuple[str, int], ...]

    @property
    def addresses(self) -> list[str]:
        """The addresses without the ports."""
        return sorted({address for address, _ in self.endpoints})


def located(endpoint_slice: Body | None, *others: tuple[str, int]) -> Apiserver:
    """From the EndpointSlice `kubernetes`, where it was read, and other addresses that are known."""
    found = {(str(ip_address(address)), port) for address, port in others}
    if endpoint_slice is not None:
        ports = [port["port"] for port in endpoint_slice.get("ports") or []]
        for endpoint in endpoint_slice.get("endpoints") or []:
            found |= {(str(ip_address(address)), port) for address in endpoint["addresses"] for port in ports}
    return Apiserver(tuple(sorted(found)))
