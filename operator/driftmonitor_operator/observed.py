"""What is known of a live object: enough to judge it, little enough to hold thousands."""

import sys
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from driftmonitor_operator import compare
from driftmonitor_operator.kinds import (
    COMPONENT_LABEL,
    CONFIGURATION_ANNOTATION,
    FIELD_MANAGER,
    INSTANCE_LABEL,
    JOB,
    POD,
    Body,
)

Key = tuple[str, str]
"""Namespace and name of a DriftMonitor."""


_JUDGED = ("Deployment", JOB.name, POD.name)
_NO_STATUS: Body = {}


@lru_cache(maxsize=4096)
def _shared(owners: tuple[tuple[str, str, str], ...]) -> tuple[tuple[str, str, str], ...]:
    """One object for all children that have the same owners."""
    return owners


@dataclass(slots=True)
class Observed:
    """One child, or a Job or pod of one."""

    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: int
    owners: tuple[tuple[str, str, str], ...]
    """Kind, name and uid of each owner."""
    component: str
    instance: str
    """Name of the monitor that its label names."""
    generation: int
    created: datetime
    terminating: bool
    configuration: str
    """Digest in the annotation of a pod."""
    config_maps: tuple[str, ...]
    """ConfigMaps that a pod mounts, or those that a Deployment makes."""
    replicas: int | None
    """Number of pods that a Deployment is to have."""
    status: Body
    """Of the kinds that are judged by it; empty for the others."""
    applied: str
    """Digest of the manifest that was applied to it and is still in force; empty where none is."""
    changed: datetime | None
    """When the operator's applies last changed it, by the apiserver's clock."""
    added_to: bool
    """Whether others have added to its spec."""

    @classmethod
    def of(cls, body: Body) -> "Observed":
        """Take over an object as the API gives it."""
        kind: str = body["kind"]
        metadata: dict[str, Any] = body["metadata"]
        labels = metadata.get("labels") or {}
        owners = metadata.get("ownerReferences") or []
        child = kind not in (JOB.name, POD.name)
        return cls(
            kind=sys.intern(kind),  # interned: what thousands of objects have in common is held once
            namespace=sys.intern(metadata["namespace"]),
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=int(metadata["resourceVersion"]),
            owners=_shared(tuple((owner["kind"], owner["name"], owner["uid"]) for owner in owners)),
            component=sys.intern(labels.get(COMPONENT_LABEL, "")),
            instance=sys.intern(labels.get(INSTANCE_LABEL, "")),
            generation=metadata.get("generation", 0),
            created=datetime.fromisoformat(metadata["creationTimestamp"]),
            terminating="deletionTimestamp" in metadata,
            configuration=sys.intern((metadata.get("annotations") or {}).get(CONFIGURATION_ANNOTATION, "")),
            config_maps=_config_maps(body),
            replicas=(body.get("spec") or {}).get("replicas"),
            status=(body.get("status") or _NO_STATUS) if kind in _JUDGED else _NO_STATUS,
            applied=compare.fingerprint(body, FIELD_MANAGER) if child else "",
            changed=written_at(body, FIELD_MANAGER) if child else None,
            added_to=child and compare.added_to(body, FIELD_MANAGER),
        )

    def settle(self, digest: str) -> None:
        """Take it for what this digest stands for, whatever the apiserver has made of it: it was just applied."""
        self.applied, self.added_to = digest, False

    def owned_by(self, uid: str) -> bool:
        """Whether the object with this uid is an owner."""
        return any(owner == uid for _, _, owner in self.owners)

    def condition(self, kind: str) -> Body:
        """One of its own status conditions, empty where it has none of that type."""
        found: Body = next((c for c in self.status.get("conditions") or [] if c["type"] == kind), {})
        return found


def written_at(body: Body, manager: str, subresource: str = "") -> datetime | None:
    """When a field manager last changed something by an apply, by the apiserver's clock; None where it never did."""
    for entry in body["metadata"].get("managedFields") or []:
        is_apply = entry.get("operation") == "Apply" and entry.get("subresource", "") == subresource
        if entry.get("manager") == manager and is_apply and "time" in entry:
            return datetime.fromisoformat(entry["time"])
    return None


@dataclass(frozen=True)
class Problem:
    """A child that cannot be as it should."""

    component: str
    reason: str
    message: str


def _config_maps(body: Body) -> tuple[str, ...]:
    if body["kind"] not in (POD.name, "Deployment"):
        return ()
    spec = body.get("spec") or {}
    pod = spec if body["kind"] == POD.name else spec.get("template", {}).get("spec", {})
    volumes = pod.get("volumes") or []
    return tuple(sys.intern(volume["configMap"]["name"]) for volume in volumes if "configMap" in volume)
