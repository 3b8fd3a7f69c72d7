"""What to do about each child: pure decisions from the manifest and the live object."""

from collections.abc import Iterable
from enum import Enum

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import kinds
from driftmonitor_operator.compare import RESTARTED_ANNOTATION, applied_fields
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.observed import Observed, Problem

_DELETABLE = {kind.name for kind in kinds.APPLIED}


class Step(Enum):
    """What one child needs."""

    KEEP = "keep"
    APPLY = "apply"
    OVERWRITE = "overwrite"
    """An apply would leave what others have added."""


def decide(manifest: Body, digest: str, live: Observed | None, monitor: DriftMonitor) -> Step | Problem:
    """What to do for this monitor's manifest with this digest; `live` None: there is none."""
    if live is None:
        return Step.APPLY
    name, component = f"{live.kind} {live.name}", manifest["metadata"]["labels"][kinds.COMPONENT_LABEL]
    if not live.owned_by(monitor.metadata.uid):
        if any(kind == kinds.MONITOR.name for kind, _, _ in live.owners):
            message = f"{name} still belongs to a deleted DriftMonitor; it is made anew as soon as it is gone"
            return Problem(component, "ChildTerminating", message)
        message = f"{name} exists and is not of this DriftMonitor; delete it, or give the DriftMonitor another name"
        return Problem(component, "ChildNotOwned", message)
    if live.terminating:
        return Problem(component, "ChildTerminating", f"{name} is being deleted; it is made anew as soon as it is gone")
    if live.applied != digest:
        return Step.APPLY
    if leaves_replicas(manifest) and (live.replicas or 0) < monitor.spec.serving.least_replicas:
        return Step.APPLY
    return Step.OVERWRITE if live.added_to else Step.KEEP


def leaves_replicas(manifest: Body) -> bool:
    """Whether the number of pods is an autoscaler's to set."""
    return manifest["kind"] == "Deployment" and "replicas" not in manifest["spec"]


def handover(manifest: Body, live: Body, least: int) -> Body | None:
    """What the second field manager applies to a live Deployment before the number of pods is left to the autoscaler.

    A field that leaves the manifest of its only owner is reset: all pods but one would go. None: nothing is to be done.
    The autoscaler lets a Deployment be that has no replicas, so it gets the least number.
    """
    if not leaves_replicas(manifest):
        return None
    replicas = live["spec"].get("replicas", 0)
    owned = "f:replicas" in applied_fields(live, kinds.FIELD_MANAGER).get("f:spec", {})
    if replicas >= least and not owned:
        return None
    identity = {name: manifest["metadata"][name] for name in ("name", "namespace")}
    spec = {"replicas": max(replicas, least)}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": identity, "spec": spec}


def overwriting(manifest: Body, live: Body) -> list[Body]:
    """The JSON patch that makes the live object's spec the manifest's, but for what is others' to set."""
    spec = manifest["spec"]
    if manifest["kind"] == "Deployment":
        template, held = spec["template"], live["spec"]
        annotations = dict(template["metadata"].get("annotations", {}))
        if restarted := (held["template"]["metadata"].get("annotations") or {}).get(RESTARTED_ANNOTATION):
            annotations[RESTARTED_ANNOTATION] = restarted
        metadata = template["metadata"] | ({"annotations": annotations} if annotations else {})
        spec = {"replicas": held["replicas"], **spec, "template": template | {"metadata": metadata}}
    return [
        # It fails when the object has changed since it was read.
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        {"op": "replace", "path": "/spec", "value": spec},
    ]


def unwanted(children: Iterable[Observed], manifests: Iterable[Body], uid: str) -> list[Observed]:
    """Children of the monitor with this uid that no manifest asks for, and that no pod may still need."""
    children, manifests = list(children), list(manifests)
    wanted = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
    return [
        child
        for child in children
        if child.kind in _DELETABLE
        and (child.kind, child.name) not in wanted
        and child.owned_by(uid)
        and not child.terminating
        and not (child.kind == "ConfigMap" and _may_be_mounted(child, children, manifests, uid))
    ]


def _may_be_mounted(config_map: Observed, children: list[Observed], manifests: list[Body], uid: str) -> bool:
    """Whether a pod mounts it, or one may be made that does.

    ReplicaSets, which make pods, are not watched. The pods that are seen do not suffice: while a rollout is stuck, a
    pod of the old ReplicaSet can be lost and made again at any moment. As long as the Deployment is not rolled out in
    full, everything is kept. Once it is, the old ReplicaSets make no more pods. Nor do they once the Deployment is
    neither there nor wanted.
    """
    component = config_map.component
    deployment = next((c for c in children if c.kind == "Deployment" and c.component == component), None)
    holders = [c for c in children if c.kind == kinds.POD.name]
    if deployment is None:
        if any(_is_deployment_of(component, manifest) for manifest in manifests):
            return True
    elif not deployment.owned_by(uid) or not _rolled_out(deployment):
        return True
    else:
        holders.append(deployment)
    return any(config_map.name in holder.config_maps for holder in holders)


def _is_deployment_of(component: str, manifest: Body) -> bool:
    labels: dict[str, str] = manifest["metadata"]["labels"]
    return manifest["kind"] == "Deployment" and labels[kinds.COMPONENT_LABEL] == component


def _rolled_out(deployment: Observed) -> bool:
    status = deployment.status
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration", 0) >= deployment.generation and counts == [deployment.replicas] * 3
