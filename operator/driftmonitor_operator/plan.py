"""What to do about each child: pure decisions from the manifest and the live object."""

from collections.abc import Iterable
from enum import Enum

from driftmonitor_operator import kinds
from driftmonitor_operator.compare import difference
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.observed import Observed, Problem

_DELETABLE = {kind.name for kind in kinds.APPLIED}


class Step(Enum):
    """What one child needs."""

    KEEP = "keep"
    APPLY = "apply"


def decide(manifest: Body, digest: str, live: Observed | None, uid: str) -> Step | Problem:
    """What to do for the manifest with this digest, of the monitor with this uid; `live` None: there is none."""
    if live is None:
        return Step.APPLY
    name, component = f"{live.kind} {live.name}", manifest["metadata"]["labels"][kinds.COMPONENT_LABEL]
    if not live.owned_by(uid):
        if any(kind == kinds.MONITOR.name for kind, _, _ in live.owners):
            message = f"{name} still belongs to a deleted DriftMonitor; it is made anew as soon as it is gone"
            return Problem(component, "ChildTerminating", message)
        message = f"{name} exists and is not of this DriftMonitor; delete it, or give the DriftMonitor another name"
        return Problem(component, "ChildNotOwned", message)
    if live.terminating:
        return Problem(component, "ChildTerminating", f"{name} is being deleted; it is made anew as soon as it is gone")
    if live.applied == digest:
        return Step.KEEP
    if live.body is not None and difference(manifest, live.body, kinds.FIELD_MANAGER) is None:
        return Step.KEEP
    return Step.APPLY


def unwanted(children: Iterable[Observed], manifests: Iterable[Body], uid: str) -> list[Observed]:
    """Children of the monitor with this uid that no manifest asks for."""
    wanted = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
    return [
        child
        for child in children
        if child.kind in _DELETABLE
        and (child.kind, child.name) not in wanted
        and child.owned_by(uid)
        and not child.terminating
    ]
