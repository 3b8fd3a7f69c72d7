"""Pure: the arguments of the control plane's programs, shared by the embedded cluster and the tests' control plane."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SERVICE_RANGE = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"  # the Service `kubernetes` always gets the first address of the range
POD_RANGE = "10.244.0.0/16"
DOMAIN = "cluster.local"
API_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    f"kubernetes.default.svc.{DOMAIN}",
    "localhost",
)


@dataclass(frozen=True)
class Etcd:
    """Where etcd keeps its data and listens; clients reach it without TLS, so on the loopback address only."""

    data: Path
    client_port: int
    peer_port: int
    metrics: str  # host:port, also answers /health

    @property
    def client(self) -> str:
        """The URL for clients."""
        return f"http://127.0.0.1:{self.client_port}"


@dataclass(frozen=True)
class ApiServer:
    """Where kube-apiserver listens and the files that prove who it is."""

    etcd: str
    bind_address: str
    advertise_address: str
    port: int
    certificates: Path
    serviceaccount_tokens: bool  # False where no controller makes ServiceAccounts, so that pods are admitted without
    audit: Audit | None = None


@dataclass(frozen=True)
class Audit:
    """Where kube-apiserver finds what to write down of each request, and where it writes it, one JSON object a line."""

    policy: Path
    log: Path


AUDIT_POLICY: dict[str, object] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],  # a watch is told of when it begins and when it ends
    "rules": [{"level": "Metadata"}],
}
"""Who did what to which object, and what came of it, of every request; no bodies."""


def etcd_arguments(etcd: Etcd) -> list[str]:
    """A single member that may lose its data when the machine crashes: the cluster is thrown away then anyway."""
    peer = f"http://127.0.0.1:{etcd.peer_port}"
    return [
        "etcd",
        "--name=only",
        f"--data-dir={etcd.data}",
        f"--listen-client-urls={etcd.client}",
        f"--advertise-client-urls={etcd.client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=only={peer}",
        f"--listen-metrics-urls=http://{etcd.metrics}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver_arguments(program: Path, server: ApiServer) -> list[str]:
    """kube-apiserver with RBAC, the node authorizer and the files of `controlplane_files`."""
    pki = server.certificates
    return [
        str(program),
        f"--etcd-servers={server.etcd}",
        f"--bind-address={server.bind_address}",
        f"--advertise-address={server.advertise_address}",
        f"--secure-port={server.port}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        *([] if server.serviceaccount_tokens else ["--disable-admission-plugins=ServiceAccount"]),
        *(_audit_arguments(server.audit) if server.audit else []),
        "--allow-privileged=true",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        f"--kubelet-client-certificate={pki / 'apiserver-kubelet.crt'}",
        f"--kubelet-client-key={pki / 'apiserver-kubelet.key'}",
        "--kubelet-preferred-address-types=InternalIP",  # its name is in no DNS
        f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
        f"--service-account-key-file={pki / 'serviceaccounts.pub'}",
        f"--service-account-signing-key-file={pki / 'serviceaccounts.key'}",
        "--profiling=false",
        "--v=0",
    ]


def _audit_arguments(audit: Audit) -> list[str]:
    # Written before the answer is sent, so that what was answered is in the log.
    return [
        f"--audit-policy-file={audit.policy}",
        f"--audit-log-path={audit.log}",
        "--audit-log-mode=blocking",
        "--audit-log-maxsize=10000",  # MB; it would begin another file at 100
    ]


def controller_manager_arguments(
    program: Path, kubeconfig: Path, certificates: Path, bind_address: str, port: int, *, with_node: bool
) -> list[str]:
    """kube-controller-manager; `with_node` also hands out the pods' address ranges."""
    ranges = [
        "--allocate-node-cidrs=true",
        f"--cluster-cidr={POD_RANGE}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
    ]
    return [
        str(program),
        f"--kubeconfig={kubeconfig}",
        f"--bind-address={bind_address}",
        f"--secure-port={port}",
        "--leader-elect=false",
        "--kube-api-qps=100",  # the default of 20 lets deletions by owner reference pile up for minutes
        "--kube-api-burst=200",
        "--use-service-account-credentials=true",
        f"--root-ca-file={certificates / 'ca.crt'}",
        f"--service-account-private-key-file={certificates / 'serviceaccounts.key'}",
        *(ranges if with_node else []),
        "--profiling=false",
        "--v=0",
    ]


def scheduler_arguments(program: Path, kubeconfig: Path, bind_address: str, port: int) -> list[str]:
    """kube-scheduler."""
    return [
        str(program),
        f"--kubeconfig={kubeconfig}",
        f"--bind-address={bind_address}",
        f"--secure-port={port}",
        "--leader-elect=false",
        "--profiling=false",
        "--v=0",
    ]
