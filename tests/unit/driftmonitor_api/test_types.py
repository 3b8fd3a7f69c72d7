from typing import Any

import pytest
from pydantic import ValidationError

from driftmonitor_api import crd
from driftmonitor_api.config import InferenceConfig
from driftmonitor_api.records import PredictionRecord
from driftmonitor_api.v1alpha1 import DriftMonitor

MINIMAL: dict[str, Any] = {
    "apiVersion": "driftmonitor.dev/v1alpha1",
    "kind": "DriftMonitor",
    "metadata": {"name": "wine", "namespace": "cellar"},
    "spec": {
        "model": {"storageUri": "configmap://wine/model.onnx"},
        "reference": {"storageUri": "configmap://wine/reference.parquet"},
        "checks": {"schedule": "*/5 * * * *"},
    },
}


def schemas(node: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(path, node)]
    for name, field in node.get("properties", {}).items():
        found += schemas(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in node:
            found += schemas(node[key], f"{path}[]")
    return found


def spec_and_status() -> list[tuple[str, dict[str, Any]]]:
    properties = crd.custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return schemas(properties["spec"], "spec") + schemas(properties["status"], "status")


def test_model_reference_and_schedule_are_enough() -> None:
    monitor = DriftMonitor.model_validate(MINIMAL)
    assert monitor.spec.checks.window.min_rows == 500
    assert monitor.spec.logging.shipper.type == "Fluentd"
    assert InferenceConfig.of(monitor).monitor == "cellar/wine"


def test_an_unknown_field_is_an_error_that_names_it() -> None:
    document = {**MINIMAL, "spec": {**MINIMAL["spec"], "replica": 2}}
    with pytest.raises(ValidationError, match="replica"):
        DriftMonitor.model_validate(document)


def test_the_schema_has_no_reference_union_or_title() -> None:
    for path, node in spec_and_status():
        assert not {"$ref", "title", "oneOf", "allOf", "const"} & node.keys(), path
        assert "anyOf" not in node or node.get("x-kubernetes-int-or-string"), path


def test_every_field_says_what_it_means() -> None:
    for path, node in spec_and_status():
        if not path.endswith("[]"):
            assert node.get("description"), path


def test_only_the_spec_has_defaults() -> None:
    assert {path.split(".")[0] for path, node in spec_and_status() if "default" in node} == {"spec"}


def test_a_prediction_record_keeps_its_wire_names() -> None:
    line = (
        '{"request_id":"r-1","row":0,"timestamp":"2026-01-01T00:00:00Z","monitor":"cellar/wine","model":"wine",'
        '"model_version":"3","writer":"pod/0/1","seq":1,"features":{"alcohol":13.2,"kind":"red"},'
        '"prediction":{"label":"a","score":0.98,"scores":null,"value":null},"latency_ms":0.41,"trace_id":null,"outlier":{"flag":false,"score":0.12}}'
    )
    assert PredictionRecord.model_validate_json(line).model_dump_json() == line
