"""Whether a live object is what its manifest says, told without asking the apiserver or keeping the object. Pure.

The apiserver notes in `managedFields` which fields the operator applied. `fingerprint` digests these fields of a live
object as `digest` does its manifest. They differ when one was changed or removed, when another took it over, and when
the manifest has changed. Defaults and what others have added do not count; of the latter `added_to` tells.
"""

import hashlib
import json
from typing import Any

from driftmonitor_api.base import parse_quantity
from driftmonitor_operator.kinds import Body

RESTARTED_ANNOTATION = "kubectl.kubernetes.io/restartedAt"
"""What `kubectl rollout restart` sets on a pod template."""
_COMPLETE = frozenset(
    {"CronJob", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Service"}
)
"""Kinds whose spec is to hold what the operator asks for and nothing else: a container more, a rule more or a pause
would change what they do. The others have no spec, or one that the cluster fills in, as a claim's `volumeName`."""
_OF_OTHERS: Body = {
    "f:replicas": {},  # an autoscaler's, where the manifest leaves it out
    "f:template": {"f:metadata": {"f:annotations": {f"f:{RESTARTED_ANNOTATION}": {}}}},
}
"""Fields of a spec that others may set, in the API's format FieldsV1."""
_QUANTITY_PARENTS = ("requests", "limits")
_QUANTITY_FIELDS = ("sizeLimit",)


def digest(manifest: Body) -> str:
    """A short digest of what a manifest says of its object; its name is not part of that."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in ("name", "namespace")}
    content = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    return _digest(content | {"metadata": metadata})


def fingerprint(live: Body, manager: str) -> str:
    """The digest of the manifest that `manager` applied, if all of it is still so; empty where it applied none."""
    fields = applied_fields(live, manager)
    return _digest(_part(fields, live)) if fields else ""


def applied_fields(live: Body, manager: str) -> Body:
    """The fields that `manager` applied and still owns, in the API's format FieldsV1."""
    entries: list[Body] = live["metadata"].get("managedFields") or []
    return next((entry.get("fieldsV1") or {} for entry in entries if _is_apply(entry, manager)), {})


def added_to(live: Body, manager: str) -> bool:
    """Whether others have set something in the spec that `manager` does not own, where that is not for them to do."""
    if live["kind"] not in _COMPLETE:
        return False
    ours = applied_fields(live, manager).get("f:spec", {})
    return any(
        _exceeds(entry.get("fieldsV1", {}).get("f:spec", {}), ours, _OF_OTHERS)
        for entry in live["metadata"].get("managedFields") or []
        # What is written by way of a subresource is status, or the number of replicas.
        if not entry.get("subresource") and not _is_apply(entry, manager)
    )


def _is_apply(entry: Body, manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def _exceeds(theirs: Body, ours: Body, allowed: Body) -> bool:
    for key, below in theirs.items():
        permitted = allowed.get(key)
        if key == "." or permitted == {}:
            continue
        if key not in ours and permitted is None:
            return True
        if _exceeds(below, ours.get(key, {}), permitted or {}):
            return True
    return False


def _part(fields: Body, live: Any) -> Any:
    """The part of a live object that FieldsV1 names: `f:` a field, `k:` an element by its keys, `v:` by its value."""
    named = {key: below for key, below in fields.items() if key != "."}
    if not named:
        return live  # owned as a whole
    if isinstance(live, dict):
        return {key[2:]: _part(below, live[key[2:]]) for key, below in named.items() if key[2:] in live}
    if not isinstance(live, list):
        return live
    elements = [(key[0], json.loads(key[2:]), below) for key, below in named.items()]
    found = ((item, below) for item in live for kind, key, below in elements if _names(kind, key, item))
    return [_part(below, item) for item, below in found]


def _names(kind: str, key: Any, item: Any) -> bool:
    if kind == "k":
        return isinstance(item, dict) and all(item.get(name) == value for name, value in key.items())
    return bool(item == key)


def _digest(content: Body) -> str:
    return hashlib.sha256(json.dumps(_canonical(content, "", ""), sort_keys=True).encode()).hexdigest()[:16]


def _canonical(value: Any, key: str, parent: str) -> Any:
    """The same amounts written in the same way: the apiserver stores 1000m as 1."""
    match value:
        case dict():
            return {name: _canonical(below, name, key) for name, below in value.items()}
        case list():
            return [_canonical(item, "", "") for item in value]
        case str() | int() if parent in _QUANTITY_PARENTS or key in _QUANTITY_FIELDS:
            try:
                return str(parse_quantity(value).normalize())
            except ValueError:
                return value
        case _:
            return value
