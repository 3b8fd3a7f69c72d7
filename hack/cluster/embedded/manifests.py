"""Pure: the objects that a fresh cluster gets, each with its API path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]
STORAGE_CLASS = "standard"
VOLUMES = "/api/v1/persistentvolumes"
VOLUME_COUNT = 24
VOLUME_SIZE = "20Gi"  # not enforced: a volume is a folder on the machine's disk
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_DNS = "system:coredns"


def volume_name(index: int) -> str:
    """The name of a volume of the pool, and of its folder."""
    return f"local-{index:02d}"


def persistent_volume(index: int, folder: Path, node: str) -> Manifest:
    """One volume of the pool. Of type `local`, not `hostPath`: the kubelet applies a pod's fsGroup to it."""
    hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(index)},
        "spec": {
            "capacity": {"storage": VOLUME_SIZE},
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"],
            "storageClassName": STORAGE_CLASS,
            "persistentVolumeReclaimPolicy": "Retain",  # nobody deletes `local` volumes; volumes.py empties them
            "local": {"path": str(folder / volume_name(index))},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}},
        },
    }


def storage_class() -> Manifest:
    """The default StorageClass; a claim is bound when its first pod is scheduled."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def dns_role() -> Manifest:
    """What CoreDNS may see."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": _DNS},
        "rules": [
            {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        ],
    }


def dns_role_binding() -> Manifest:
    """Gives CoreDNS that role."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _DNS},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _DNS},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": _DNS}],
    }


def first_objects(volumes: Path, node: str) -> Iterator[tuple[str, Manifest]]:
    """Every object with the path to apply it at; CoreDNS waits for its role, so that comes first."""
    yield f"{_RBAC}/clusterroles/{_DNS}", dns_role()
    yield f"{_RBAC}/clusterrolebindings/{_DNS}", dns_role_binding()
    yield f"/apis/storage.k8s.io/v1/storageclasses/{STORAGE_CLASS}", storage_class()
    for index in range(VOLUME_COUNT):
        yield f"{VOLUMES}/{volume_name(index)}", persistent_volume(index, volumes, node)
