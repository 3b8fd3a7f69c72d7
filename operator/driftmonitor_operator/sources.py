"""Whether what a `storageUri` names can be mounted at all."""

from collections.abc import Callable

from driftmonitor_api.storage import StorageUri
from driftmonitor_operator.kinds import BY_NAME, Body, Kind

Get = Callable[[Kind, str, str], Body | None]


def missing(uri: str | None, namespace: str, get: Get) -> str:
    """Why it cannot be mounted, in a sentence that says what to do; empty where it can, or where it is not mounted."""
    if uri is None:
        return ""
    source = StorageUri.parse(uri)
    match source.scheme:
        case "configmap":
            found = get(BY_NAME["ConfigMap"], namespace, source.container)
            if found is None:
                return f"there is no ConfigMap {source.container!r} in namespace {namespace!r}; create it"
            keys = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
            if source.path not in keys:
                named = ", ".join(sorted(keys)[:10]) or "none"
                return f"ConfigMap {source.container!r} has no key {source.path!r}; its keys: {named}"
        case "pvc":
            if get(BY_NAME["PersistentVolumeClaim"], namespace, source.container) is None:
                return f"there is no PersistentVolumeClaim {source.container!r} in namespace {namespace!r}; create it"
        case _:
            pass
    return ""
