"""Pure: what roles grant and what an audit log shows of what was used, in the same terms."""

from collections.abc import Iterable
from typing import Any, NamedTuple

Body = dict[str, Any]


class Right(NamedTuple):
    """One verb on one resource, such as `("apps", "deployments", "patch")`; a subresource is `pods/log`."""

    group: str
    resource: str
    verb: str


def granted(rules: Iterable[Body]) -> set[Right]:
    """What these rules grant, whatever names they bound it to."""
    return {
        Right(group, resource, verb)
        for rule in rules
        for group in rule.get("apiGroups", [])
        for resource in rule.get("resources", [])
        for verb in rule["verbs"]
    }


def used(events: Iterable[Body]) -> set[Right]:
    """What these audit events show as used; a patch that created its object needed `create` too."""
    rights = set()
    for event in events:
        if (reference := event.get("objectRef")) is None or "resource" not in reference:
            continue
        subresource = reference.get("subresource")
        resource = f"{reference['resource']}/{subresource}" if subresource else reference["resource"]
        right = Right(reference.get("apiGroup", ""), resource, event["verb"])
        rights.add(right)
        if right.verb == "patch" and event.get("responseStatus", {}).get("code") == 201:
            rights.add(right._replace(verb="create"))
    return rights


def refused(events: Iterable[Body]) -> list[str]:
    """The requests that were not allowed."""
    return [
        f"{event['verb']} {event['requestURI']}: {event['responseStatus'].get('message', '')}"
        for event in events
        if event.get("responseStatus", {}).get("code") in (401, 403)
    ]


def rules_of(account: str, namespace: str, manifests: Iterable[Body]) -> dict[str, list[Body]]:
    """By namespace (empty: everywhere), the rules that a release's bindings give to one ServiceAccount."""
    manifests = list(manifests)
    roles = {
        (role["kind"], role["metadata"].get("namespace", ""), role["metadata"]["name"]): role["rules"]
        for role in manifests
        if role["kind"] in ("Role", "ClusterRole")
    }
    found: dict[str, list[Body]] = {}
    for binding in manifests:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        if any((s["name"], s["namespace"]) == (account, namespace) for s in binding["subjects"]):
            where = binding["metadata"].get("namespace", "")
            role = binding["roleRef"]
            home = where if role["kind"] == "Role" else ""
            found.setdefault(where, []).extend(roles[role["kind"], home, role["name"]])
    return found
