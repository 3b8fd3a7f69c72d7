"""Pure: the API types -> structural schema -> CustomResourceDefinition; the API types -> docs/api.md."""

from typing import Any

from driftmonitor_api import v1alpha1 as api
from driftmonitor_api.base import SpecModel

Schema = dict[str, Any]
_METADATA_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": api.NAME_MAX_LENGTH, "pattern": api.NAME_PATTERN},
    },
}


def structural(model: type[SpecModel]) -> Schema:
    """The schema of a type as a kube-apiserver wants it: no references, no unions with null, no titles."""
    schema = model.model_json_schema(by_alias=True)
    return _structural(schema, schema.get("$defs", {}))


def _structural(node: Schema, definitions: dict[str, Schema]) -> Schema:
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        own, target_rules = node.get("x-kubernetes-validations"), target.get("x-kubernetes-validations", [])
        if own is not None and own is not target_rules:
            node["x-kubernetes-validations"] = [*target_rules, *own]
    if "anyOf" in node and "x-kubernetes-int-or-string" not in node:
        (only,) = [option for option in node["anyOf"] if option != {"type": "null"}]
        outer = {key: value for key, value in node.items() if key != "anyOf"}
        return _structural({**only, **outer}, definitions)
    result: Schema = {}
    for key, value in node.items():
        match key:
            case "title" | "$defs":
                continue
            case "additionalProperties" if isinstance(value, bool):
                continue
            case "additionalProperties" | "items":
                result[key] = _structural(value, definitions)
            case "properties":
                result[key] = {name: _structural(field, definitions) for name, field in value.items()}
            case "const":
                result["enum"] = [value]
            case "exclusiveMinimum" | "exclusiveMaximum":
                result[key.replace("exclusiveMi", "mi").replace("exclusiveMa", "ma")] = value
                result[key] = True
            case "default" if value is None:
                continue
            case "default" if isinstance(value, dict):
                result[key] = {}  # the fields below carry their own defaults
            case "description":
                result[key] = " ".join(value.split())
            case _:
                result[key] = value
    return result


def custom_resource_definition() -> Schema:
    """The CustomResourceDefinition of DriftMonitor."""
    schema = structural(api.DriftMonitor)
    properties = schema["properties"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{api.PLURAL}.{api.GROUP}"},
        "spec": {
            "group": api.GROUP,
            "names": {
                "kind": api.KIND,
                "listKind": f"{api.KIND}List",
                "plural": api.PLURAL,
                "singular": api.SINGULAR,
                "shortNames": api.SHORT_NAMES,
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": api.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": api.PRINTER_COLUMNS,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "description": schema["description"],
                            "required": ["spec"],
                            "properties": {
                                "apiVersion": {"type": "string"},
                                "kind": {"type": "string"},
                                "metadata": _METADATA_SCHEMA,
                                "spec": properties["spec"],
                                "status": _without_defaults(properties["status"]),
                            },
                        }
                    },
                }
            ],
        },
    }


def _without_defaults(node: Schema) -> Schema:
    """Status has no defaults: what nobody wrote must stay unknown."""
    result = {key: value for key, value in node.items() if key != "default"}
    if "properties" in result:
        result["properties"] = {name: _without_defaults(field) for name, field in result["properties"].items()}
        required = [name for name in result.get("required", []) if name in result["properties"]]
        if required:
            result["required"] = required
    if "items" in result:
        result["items"] = _without_defaults(result["items"])
    return result


def reference_page() -> str:
    """docs/api.md: a table of fields for each object in the schema."""
    version = custom_resource_definition()["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    lines = [
        "# API reference",
        "",
        f"`{api.API_VERSION}`, kind `{api.KIND}`. Generated from `api/driftmonitor_api/v1alpha1` by `make generate`.",
        "",
        schema["description"],
        "",
        f"`metadata.name` has at most {api.NAME_MAX_LENGTH} characters, begins with a letter and is a DNS label: the"
        " children are named after it.",
        "",
    ]
    for name in ("spec", "status"):
        lines += _tables(name, schema["properties"][name])
    return "\n".join(lines).rstrip() + "\n"


def _tables(path: str, node: Schema) -> list[str]:
    header = ["| Field | Type | Default | Meaning |", "|---|---|---|---|"]
    lines = [f"## {path}", "", node.get("description", ""), "", *header]
    below: list[str] = []
    for name, field in node["properties"].items():
        need = "required" if name in node.get("required", []) else _code(field.get("default"))
        meaning = " ".join([field.get("description", ""), *_bounds(field)]).replace("|", "\\|")
        lines.append(f"| `{name}` | {_type(field)} | {need} | {meaning} |")
        inner, suffix = field, ""
        if field.get("type") == "array":
            inner, suffix = field["items"], "[]"
        elif isinstance(field.get("additionalProperties"), dict):
            inner, suffix = field["additionalProperties"], ".*"
        if "properties" in inner:
            below += _tables(f"{path}.{name}{suffix}", inner)
    return [*lines, "", *below]


def _type(field: Schema) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map of {_type(field['additionalProperties'])}"
    return str(field.get("type"))


def _code(value: object) -> str:
    if value is None or value == {} or value == []:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _bounds(field: Schema) -> list[str]:
    bounds = []
    if "enum" in field:
        bounds.append("One of " + ", ".join(f"`{value}`" for value in field["enum"]) + ".")
    if "minimum" in field and "maximum" in field:
        over = "More than" if field.get("exclusiveMinimum") else "At least"
        bounds.append(f"{over} {field['minimum']:g}, at most {field['maximum']:g}.")
    bounds += [f"Rule: {rule['message']}." for rule in field.get("x-kubernetes-validations", [])]
    return bounds
