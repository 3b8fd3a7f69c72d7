"""Who is who in a cluster: the certificates of the control plane and of those who call it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import kubeconfig
from hack.cluster.certificates import CertificateAuthority, KeyPair
from hack.cluster.components import API_NAMES, SERVICE_ADDRESS

ADMINISTRATORS = "system:masters"


@dataclass(frozen=True)
class Identities:
    """The certificates of one cluster and the server that they are for."""

    authority: CertificateAuthority
    server: str
    administrator: KeyPair

    @property
    def directory(self) -> Path:
        """The folder with all of them."""
        return self.authority.directory

    def kubeconfig_for(self, path: Path, name: str, user: str, organizations: Iterable[str] = ()) -> Path:
        """Write a kubeconfig for the user called `user`."""
        pair = self.authority.issue(path.stem, user, organizations=organizations)
        return kubeconfig.write(path, name, self.server, self.authority.pair.certificate, pair)

    def administrator_kubeconfig(self, path: Path, name: str) -> Path:
        """Write a kubeconfig that may do everything."""
        return kubeconfig.write(path, name, self.server, self.authority.pair.certificate, self.administrator)


def create_identities(directory: Path, address: str, port: int) -> Identities:
    """Make the authority, the apiserver's certificates, the ServiceAccount key and an administrator in `directory`."""
    authority = CertificateAuthority(directory)
    addresses = dict.fromkeys(("127.0.0.1", SERVICE_ADDRESS, address))
    authority.issue("apiserver", "kube-apiserver", dns_names=API_NAMES, addresses=addresses)
    authority.issue("apiserver-kubelet", "kube-apiserver-kubelet-client", organizations=[ADMINISTRATORS])
    authority.signing_key("serviceaccounts")
    administrator = authority.issue("administrator", "administrator", organizations=[ADMINISTRATORS])
    return Identities(authority, f"https://{address}:{port}", administrator)
