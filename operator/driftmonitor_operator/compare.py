"""Whether a live object is what its manifest says, told without asking the apiserver. Pure.

It is when each field of the manifest has its value there, and the field manager owns these fields and no other: one
more was taken out of the manifest since it was applied; one less was changed by someone, as a Service's selector to
which a label was added. Defaults and fields of other managers do not count.
"""

import json
from typing import Any

from driftmonitor_api.base import parse_quantity
from driftmonitor_operator.kinds import Body

_QUANTITY_PARENTS = ("requests", "limits")
_QUANTITY_FIELDS = ("sizeLimit",)


def difference(manifest: Body, live: Body, manager: str) -> str | None:
    """Path of the first field that an apply of `manifest` would change, or None."""
    fields = _owned_fields(live, manager)
    if fields is None:
        return "metadata.managedFields"
    return _unlike(manifest, live, "") or _surplus(fields, manifest, "") or _lost(fields, manifest, "")


def _owned_fields(live: Body, manager: str) -> dict[str, Any] | None:
    for entry in live["metadata"].get("managedFields", []):
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            fields: dict[str, Any] = entry.get("fieldsV1", {})
            return fields
    return None


def _unlike(wanted: Any, live: Any, path: str) -> str | None:
    match wanted:
        case dict():
            if not isinstance(live, dict):
                return path
            for key, value in wanted.items():
                where = f"{path}.{key}" if path else key
                if key not in live:
                    return where
                if found := _unlike(value, live[key], where):
                    return found
            return None
        case list():
            if not isinstance(live, list) or len(live) != len(wanted):
                return path
            pairs = enumerate(zip(wanted, live, strict=True))
            return next((found for index, (a, b) in pairs if (found := _unlike(a, b, f"{path}[{index}]"))), None)
        case _:
            return None if wanted == live or _same_quantity(wanted, live, path) else path


def _same_quantity(wanted: Any, live: Any, path: str) -> bool:
    """Whether both are one amount written in two ways: the apiserver stores 1000m as 1."""
    parent, _, field = path.rpartition(".")
    if parent.rpartition(".")[2] not in _QUANTITY_PARENTS and field not in _QUANTITY_FIELDS:
        return False
    try:
        return parse_quantity(wanted) == parse_quantity(live)
    except ValueError:
        return False


def _surplus(fields: dict[str, Any], wanted: Any, path: str) -> str | None:
    """Path of the first owned field that `wanted` lacks; `fields` is in the API's format FieldsV1."""
    for key, below in fields.items():
        if key == ".":
            continue
        kind, _, text = key.partition(":")
        where = f"{path}.{text}" if path else text
        if kind == "f":
            present = isinstance(wanted, dict) and text in wanted
            value = wanted[text] if present else None
        else:
            value = _element(kind, json.loads(text), wanted)
            present = value is not None
        if not present:
            return where
        if found := _surplus(below, value, where):
            return found
    return None


def _lost(fields: dict[str, Any], wanted: Any, path: str) -> str | None:
    """Path of the first field of `wanted` that is not owned; the API owns some maps and lists as a whole."""
    for key, below in fields.items():
        if not below or key == ".":
            continue
        kind, _, text = key.partition(":")
        value = wanted[text] if kind == "f" else _element(kind, json.loads(text), wanted)
        where = f"{path}.{text}" if path else text
        if found := _lost(below, value, where):
            return found
    unowned = wanted.keys() - {key[2:] for key in fields} if isinstance(wanted, dict) else set()
    if not path:
        unowned -= {"apiVersion", "kind"}
    elif path == "metadata":
        unowned -= {"name", "namespace"}
    return f"{path}.{min(unowned)}".lstrip(".") if unowned else None


def _element(kind: str, key: Any, wanted: Any) -> Any:
    """The element of a list that FieldsV1 names by its keys (`k`) or by its value (`v`)."""
    if not isinstance(wanted, list):
        return None
    if kind == "v":
        return key if key in wanted else None
    # A key that the manifest leaves out was defaulted, as the protocol of a port.
    return next((item for item in wanted if all(item.get(name, value) == value for name, value in key.items())), None)
