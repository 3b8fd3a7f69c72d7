"""What must be equal of two DriftMonitors with equal specs, and of their children. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from driftmonitor_api.base import parse_quantity
from driftmonitor_operator import kinds
from driftmonitor_operator.reasons import CONDITIONS

Body = dict[str, Any]
COMPARED = (*kinds.APPLIED, kinds.SECRET)
_TIMED = ("ChecksHealthy", "DriftDetected")
"""Conditions that time changes too: a fresh object may be younger than the schedule's first gap."""
_COUNTERS = ("deployment.kubernetes.io/revision",)
_AMOUNT = re.compile(r"[.]resources[.](limits|requests)[.](cpu|memory)$")
_VOLATILE_METADATA = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "namespace")


def portrait(monitor: Body, children: Iterable[Body]) -> Body:
    """A monitor and its children without names, identities and times."""
    metadata, status = monitor["metadata"], monitor.get("status", {})
    named = [(f"{body['kind']} {_anonymous(body['metadata']['name'], monitor)}", body) for body in children]
    drawn = {
        "spec": monitor["spec"],
        "observed": status.get("observedGeneration") == metadata["generation"],
        "conditions": [
            {
                "type": condition["type"],
                "observed": condition["observedGeneration"] == metadata["generation"],
                "verdict": "" if condition["type"] in _TIMED else f"{condition['status']} {condition['reason']}",
            }
            for condition in status.get("conditions", [])
        ],
        "endpoints": status.get("endpoints"),
        "metadata": sorted(metadata.keys() - {"managedFields"}),
        "children": sorted(((name, _bare(body, monitor)) for name, body in named), key=json.dumps),
    }
    anonymous: Body = json.loads(_anonymous(json.dumps(drawn), monitor))
    return anonymous


def differences(fresh: Any, there: Any, path: str = "") -> Iterator[str]:
    """Where a portrait differs from that of a fresh object, in sentences."""
    if isinstance(fresh, dict) and isinstance(there, dict):
        for name in sorted(fresh.keys() | there.keys()):
            yield from differences(fresh.get(name), there.get(name), f"{path}.{name}")
    elif path == ".children" and [name for name, _ in fresh] != [name for name, _ in there]:
        had, has = [name for name, _ in fresh], [name for name, _ in there]
        yield f"children: missing {_surplus(had, has)}, left over {_surplus(has, had)}"
    elif path == ".children":
        for (name, expected), (_, found) in zip(fresh, there, strict=True):
            yield from differences(expected, found, name)
    elif isinstance(fresh, list) and isinstance(there, list) and len(fresh) == len(there):
        for number, pair in enumerate(zip(fresh, there, strict=True)):
            yield from differences(*pair, f"{path}[{number}]")
    elif fresh != there and not _is_same_amount(path, fresh, there):
        yield f"{path}: a fresh object has {json.dumps(fresh)}, this one {json.dumps(there)}"


def _is_same_amount(path: str, fresh: Any, there: Any) -> bool:
    """The apiserver keeps an amount as it was first written when it is only written in another way."""
    written = fresh is not None and there is not None and _AMOUNT.search(path)
    return bool(written) and parse_quantity(fresh) == parse_quantity(there)


def strange(there: Body) -> Iterator[str]:
    """What no monitor's portrait may show, in sentences."""
    if not there["observed"]:
        yield "status.observedGeneration is not metadata.generation"
    if [condition["type"] for condition in there["conditions"]] != list(CONDITIONS):
        yield f"its conditions are {[condition['type'] for condition in there['conditions']]}"
    for condition in there["conditions"]:
        if not condition["observed"]:
            yield f"condition {condition['type']} is about an older spec"
    if unwanted := {"annotations", "finalizers", "ownerReferences"} & set(there["metadata"]):
        yield f"its metadata has {sorted(unwanted)}"
    for name, body in there["children"]:
        yield from (f"{name} names namespace {other}" for other in _namespaces(body) if other != "NAMESPACE")


def _namespaces(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "namespace" and isinstance(value, str))
        for value in node.values():
            yield from _namespaces(value)
    elif isinstance(node, list):
        for value in node:
            yield from _namespaces(value)


def _bare(body: Body, monitor: Body) -> Body:
    """A child without what two of the same manifest differ in."""
    metadata = {name: value for name, value in body["metadata"].items() if name not in _VOLATILE_METADATA}
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key not in _COUNTERS}
    metadata |= {"annotations": annotations} if annotations else {}
    if body["kind"] == "Secret":
        return {"metadata": metadata, "keys": sorted(body["data"])}
    bare = {name: value for name, value in body.items() if name != "status"} | {"metadata": metadata}
    if body["kind"] == "Service":
        bare["spec"] = {name: value for name, value in body["spec"].items() if not name.startswith("clusterIP")}
    autoscaled = "autoscaling" in monitor["spec"]["serving"]
    if body["kind"] == "Deployment" and body["metadata"]["name"] == monitor["metadata"]["name"] and autoscaled:
        bare["spec"] = {name: value for name, value in body["spec"].items() if name != "replicas"}
    return bare


def _anonymous(text: str, monitor: Body) -> str:
    """Without the names that a monitor gives to its children, and the digests of what has such names in it."""
    metadata = monitor["metadata"]
    for name, word in ((metadata["uid"], "UID"), (metadata["namespace"], "NAMESPACE"), (metadata["name"], "NAME")):
        text = text.replace(name, word)
    text = re.sub(rf'("{re.escape(kinds.CONFIGURATION_ANNOTATION)}": ")[0-9a-f]+"', r'\1DIGEST"', text)
    return re.sub(r"NAME-(config|shipper|validation)-[0-9a-f]{6,}", r"NAME-\1-DIGEST", text)


def _surplus(some: list[str], others: list[str]) -> list[str]:
    rest = list(some)
    for name in others:
        if name in rest:
            rest.remove(name)
    return rest
