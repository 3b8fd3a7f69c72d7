"""A cluster, the images on it, the operator in it: what has to be there before a monitor."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from hack.cluster import builds, drivers
from hack.cluster.errors import ClusterError
from hack.demo import manifests
from hack.demo.kubectl import Kubectl, Object, connect

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "charts" / "driftmonitor"
RELEASE = "driftmonitor"
SYSTEM_NAMESPACE = "driftmonitor-system"
OPERATOR = "driftmonitor-operator"
ROLLOUT_SECONDS = 300
ARCHIVE_ANNOTATION = "driftmonitor.dev/demo-archive"

Archives = dict[str, str]


@dataclass(frozen=True)
class Installed:
    """The cluster and how to talk to it."""

    cluster_kind: str
    kubectl: Kubectl
    helm: Path


def find_cluster() -> tuple[drivers.Cluster, str]:
    """The cluster that `CLUSTER` names, and its kind; it need not run."""
    kind = drivers.choose(os.environ.get("CLUSTER"), drivers.docker_answers)
    return drivers.create(kind, os.environ.get("CLUSTER_NAME") or drivers.DEFAULT_NAME, os.environ), kind


def connect_cluster(cluster: drivers.Cluster, kind: str, namespace: str) -> Installed:
    """kubectl and helm for a running cluster. ClusterError when it does not answer."""
    programs = builds.ensure(["kubectl", "helm"])
    kubectl = connect(namespace, cluster.kubeconfig(), programs)
    kubectl.run("get", "--raw", "/readyz", timeout=20)
    return Installed(kind, kubectl, programs / "helm")


def load_images() -> Archives:
    """Build what has changed and make it known to the cluster; the archives by component."""
    command = [sys.executable, "-m", "hack.images", "--load"]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise ClusterError("the images could not be built and loaded.", "see the lines above")
    return {line.split()[0]: Path(line.split()[2]).name for line in done.stdout.splitlines() if line.strip()}


def install_operator(installed: Installed, archives: Archives, image_prefix: str | None = None) -> None:
    """`helm upgrade --install`, until the operator is ready."""
    system = installed.kubectl.within(SYSTEM_NAMESPACE)
    system.apply(manifests.namespace(SYSTEM_NAMESPACE))
    before = system.find("deployment", OPERATOR)
    command = [str(installed.helm), "--kubeconfig", system.kubeconfig, "--namespace", SYSTEM_NAMESPACE]
    command += ["upgrade", "--install", RELEASE, str(CHART)]
    command += ["--set", f"images.prefix={image_prefix}"] if image_prefix else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=ROLLOUT_SECONDS)
    if done.returncode:
        raise ClusterError(f"helm failed: {done.stderr.strip()}", f"`{' '.join(command)}` shows it again")
    archive = archives.get("operator", "")
    # A new build has the old name, so Kubernetes does not see that it should start it.
    if before and before["metadata"].get("annotations", {}).get(ARCHIVE_ANNOTATION, "") != archive:
        system.run("rollout", "restart", f"deployment/{OPERATOR}")
    system.run("annotate", "--overwrite", f"deployment/{OPERATOR}", f"{ARCHIVE_ANNOTATION}={archive}")
    wait_rollout(system, OPERATOR)


def wait_rollout(kubectl: Kubectl, deployment: str) -> None:
    """Wait until all pods of a Deployment are new and ready."""
    limit = f"--timeout={ROLLOUT_SECONDS}s"
    kubectl.run("rollout", "status", f"deployment/{deployment}", limit, timeout=ROLLOUT_SECONDS + 10)


def choose_shipper(cluster_kind: str, node_images: Iterable[str], fluentd: str) -> tuple[str, str]:
    """Pure: the shipper's type, and the reason in a sentence.

    The embedded cluster reaches no image registry, so there the image must be on the node already.
    """
    if any(name == fluentd or name.endswith(f"/{fluentd}") for name in node_images):
        return "Fluentd", f"the node has {fluentd}"
    if cluster_kind == "embedded":
        return "SyslogNG", (
            f"the shipper is syslog-ng instead of Fluentd: the embedded cluster reaches no image registry,"
            f" and its node has no image {fluentd}"
        )
    return "Fluentd", f"the node pulls {fluentd}"


def shipper_for(installed: Installed) -> tuple[str, str]:
    """`choose_shipper` for this cluster and the image that the chart names."""
    fluentd: str = yaml.safe_load((CHART / "values.yaml").read_text())["images"]["fluentd"]
    return choose_shipper(installed.cluster_kind, node_images(installed.kubectl.items("nodes")), fluentd)


def node_images(nodes: Iterable[Object]) -> list[str]:
    """Pure: the names of all images on the nodes."""
    return [name for node in nodes for image in node["status"].get("images", []) for name in image.get("names") or []]
