"""Writes every file that is generated from the API types: `python -m driftmonitor_api <repository>`."""

import json
import sys
from pathlib import Path
from typing import Any

from driftmonitor_api import crd

CRD_FILE = "manifests/crds/driftmonitors.yaml"
CRD_TEMPLATE = "charts/driftmonitor/templates/crd.yaml"
API_PAGE = "docs/api.md"
HEADER = "# Generated from api/driftmonitor_api/v1alpha1 by `make generate`. Do not edit.\n"


def yaml(value: Any, indent: int = 0) -> str:
    """The value as block-style YAML; strings are quoted as in JSON, which YAML includes."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{_key(key)}:{_nested(inner, indent)}" for key, inner in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}- {yaml(inner, indent + 1).lstrip()}" for inner in value)
    return f"{pad}{json.dumps(value, ensure_ascii=False)}\n"


def chart_template(definition: str) -> str:
    """The CRD as a template of the chart: optional, and kept at uninstallation if asked for."""
    keep = (
        "  {{- if .Values.crds.keep }}\n"
        "  annotations:\n"
        "    helm.sh/resource-policy: keep\n"
        "  {{- end }}\n"
        '  labels: {{- include "driftmonitor.labels" . | nindent 4 }}\n'
    )
    before, after = definition.split("spec:\n", 1)
    return f"{{{{- if .Values.crds.enabled }}}}\n{before}{keep}spec:\n{after}{{{{- end }}}}\n"


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else json.dumps(key)


def _nested(value: Any, indent: int) -> str:
    return "\n" + yaml(value, indent + 1) if value and isinstance(value, dict | list) else " " + yaml(value)


def generated() -> dict[str, str]:
    """Every generated file by its path in the repository."""
    definition = HEADER + yaml(crd.custom_resource_definition())
    return {
        CRD_FILE: definition,
        CRD_TEMPLATE: chart_template(definition),
        API_PAGE: crd.reference_page(),
    }


def main(arguments: list[str]) -> None:
    """Write them below the folder given."""
    (repository,) = arguments
    for name, text in generated().items():
        path = Path(repository) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
