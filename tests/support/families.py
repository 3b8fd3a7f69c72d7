"""The children of monitors in a form that can be compared between monitors: what differs by nature is left out."""

import json
import re
from typing import Any

from driftmonitor_api import v1alpha1
from driftmonitor_operator import kinds

Body = dict[str, Any]
_DIGEST = re.compile(r"\b[0-9a-f]{16}\b|\b[0-9a-f]{64}\b")
_ASSIGNED = ("clusterIP", "clusterIPs", "volumeName", "minReadySeconds")
"""Fields of a spec that the apiserver and its controllers fill in."""


def families(api: Any, namespace: str) -> dict[str, list[str]]:
    """The children of each monitor of a namespace, the token Secret among them, sorted; an exact copy is there twice.

    Two monitors with the same spec have equal children, whatever their names, as long as these are found nowhere else
    in a child: names, digests and identities are left out. What is being deleted counts as gone.
    """
    found: dict[str, list[str]] = {}
    for kind in (*kinds.APPLIED, kinds.SECRET):
        for body in api.list(kind.name, namespace):
            metadata = body["metadata"]
            owners = [o for o in metadata.get("ownerReferences", []) if o["kind"] == v1alpha1.KIND]
            for owner in owners if "deletionTimestamp" not in metadata else []:
                found.setdefault(owner["name"], []).append(_normal(kind.name, body, owner["name"], namespace))
    return {name: sorted(children) for name, children in found.items()}


def _normal(kind: str, body: Body, monitor: str, namespace: str) -> str:
    metadata = body["metadata"]
    spec = {name: value for name, value in body.get("spec", {}).items() if name not in _ASSIGNED}
    content = {name: value for name, value in body.items() if name not in ("metadata", "spec", "status", "secrets")}
    if kind == kinds.SECRET.name:
        content["data"] = sorted(content.pop("data", {}))
    kept = {"name": metadata["name"], "labels": metadata.get("labels"), "owners": len(metadata["ownerReferences"])}
    text = json.dumps({"kind": kind, "metadata": kept, "spec": spec, **content}, sort_keys=True)
    return _DIGEST.sub("<digest>", text.replace(namespace, "<namespace>").replace(monitor, "<monitor>"))


def difference(one: list[str], other: list[str]) -> str:
    """What the first has that the second has not, and the other way round; empty where they are equal."""
    left, right = list(one), list(other)
    for child in one:
        if child in right:
            left.remove(child)
            right.remove(child)
    lines = [f"- {child}" for child in left] + [f"+ {child}" for child in right]
    return "\n".join(lines)
