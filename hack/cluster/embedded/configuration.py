"""Pure: the configuration files of the node's programs."""

from __future__ import annotations

import json
from pathlib import Path

from hack.cluster.components import DOMAIN, POD_RANGE
from hack.cluster.embedded.settings import (
    CONTAINERD_SOCKET,
    CONTAINERD_STATE,
    DNS_READY_PORT,
    KUBELET_HEALTH_PORT,
    PAUSE_IMAGE,
    PROXY_HEALTH_PORT,
    Settings,
)

PLUGINS = Path("/usr/lib/cni")  # where Debian's containernetworking-plugins lie
NODE_PODS = "10.244.0.0/24"  # what the first node of POD_RANGE gets


def containerd(settings: Settings) -> str:
    """containerd's config.toml."""
    data = settings.directory / "containerd"
    return f"""\
version = 2
root = "{data}/root"
state = "{CONTAINERD_STATE}"

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{data}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = {str(settings.restrict_oom_score).lower()}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{PLUGINS}"
    conf_dir = "{settings.configuration}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def pod_network() -> str:
    """The CNI configuration: a bridge on the node, an address each, masqueraded beyond it."""
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,  # so that a pod reaches itself through its own Service
        "ipam": {"type": "host-local", "ranges": [[{"subnet": NODE_PODS}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}, indent=2)


def kubelet(settings: Settings) -> str:
    """The KubeletConfiguration."""
    return json.dumps(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": settings.node_address,
            "healthzBindAddress": settings.node_address,
            "healthzPort": KUBELET_HEALTH_PORT,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(settings.certificates / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(settings.certificates / "kubelet-server.crt"),
            "tlsPrivateKeyFile": str(settings.certificates / "kubelet-server.key"),
            "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
            "clusterDNS": [settings.node_address],
            "clusterDomain": DOMAIN,
            "resolvConf": "",  # the host's name servers are out of a pod's reach
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{settings.name}",
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "failCgroupV1": False,
            "oomScoreAdj": 0,
            "podLogsDir": str(settings.directory / "pod-logs"),
            "volumePluginDir": str(settings.directory / "volume-plugins"),
            # Images come by `load-image` and could not be pulled again: a full disk must not remove them.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
        },
        indent=2,
    )


def proxy(settings: Settings) -> str:
    """The KubeProxyConfiguration."""
    return json.dumps(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clusterCIDR": POD_RANGE,
            "hostnameOverride": settings.name,
            "clientConnection": {"kubeconfig": str(settings.configuration / "kube-proxy.kubeconfig")},
            "healthzBindAddress": f"{settings.node_address}:{PROXY_HEALTH_PORT}",
            "metricsBindAddress": f"{settings.node_address}:10249",
            "oomScoreAdj": 0,
            # Zero leaves the kernel's own values, which belong to the whole machine.
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        },
        indent=2,
    )


def corefile(settings: Settings) -> str:
    """CoreDNS's Corefile; names outside the cluster do not exist, there is nobody to ask for them."""
    return f"""\
. {{
    bind {settings.node_address}
    errors
    ready {settings.node_address}:{DNS_READY_PORT}
    cache 5
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {settings.configuration}/coredns.kubeconfig
        pods insecure
        ttl 5
    }}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def files(settings: Settings) -> dict[str, str]:
    """All of them by their path inside the configuration folder."""
    return {
        "containerd.toml": containerd(settings),
        "cni/10-pods.conflist": pod_network(),
        "kubelet.json": kubelet(settings),
        "kube-proxy.json": proxy(settings),
        "Corefile": corefile(settings),
    }
