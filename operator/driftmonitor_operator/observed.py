"""What is known of a live object: enough to judge it, little enough to hold thousands."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from driftmonitor_operator.kinds import (
    COMPONENT_LABEL,
    CONFIGURATION_ANNOTATION,
    INSTANCE_LABEL,
    JOB,
    POD,
    Body,
)

Key = tuple[str, str]
"""Namespace and name of a DriftMonitor."""


@dataclass
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
    status: Body
    body: Body | None = field(repr=False)
    """The whole object until it was found equal to its manifest."""
    applied: str | None = None
    """Digest of the manifest that it was found equal to."""

    @classmethod
    def of(cls, body: Body) -> "Observed":
        """Take over an object as the API gives it."""
        metadata: dict[str, Any] = body["metadata"]
        labels = metadata.get("labels") or {}
        owners = metadata.get("ownerReferences") or []
        return cls(
            kind=body["kind"],
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=int(metadata["resourceVersion"]),
            owners=tuple((owner["kind"], owner["name"], owner["uid"]) for owner in owners),
            component=labels.get(COMPONENT_LABEL, ""),
            instance=labels.get(INSTANCE_LABEL, ""),
            generation=metadata.get("generation", 0),
            created=datetime.fromisoformat(metadata["creationTimestamp"]),
            terminating="deletionTimestamp" in metadata,
            configuration=(metadata.get("annotations") or {}).get(CONFIGURATION_ANNOTATION, ""),
            status=body.get("status") or {},
            body=None if body["kind"] in (JOB.name, POD.name) else body,
        )

    def settle(self, digest: str) -> None:
        """Note that it equals the manifest with this digest; the whole object is not needed from here on."""
        self.applied, self.body = digest, None

    def owned_by(self, uid: str) -> bool:
        """Whether the object with this uid is an owner."""
        return any(owner == uid for _, _, owner in self.owners)

    def condition(self, kind: str) -> Body:
        """One of its own status conditions, empty where it has none of that type."""
        found: Body = next((c for c in self.status.get("conditions") or [] if c["type"] == kind), {})
        return found


@dataclass(frozen=True)
class Problem:
    """A child that cannot be as it should."""

    component: str
    reason: str
    message: str
