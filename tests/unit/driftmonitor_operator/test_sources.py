from typing import Any

import pytest

from driftmonitor_operator.kinds import Kind
from driftmonitor_operator.sources import missing

OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    ("ConfigMap", "wine-model"): {"binaryData": {"model.onnx": "AA=="}, "data": {"notes": ""}},
    ("ConfigMap", "empty"): {},
    ("PersistentVolumeClaim", "models"): {},
}


def get(kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
    assert namespace == "cellar"
    return OBJECTS.get((kind.name, name))


@pytest.mark.parametrize(
    "uri",
    [
        "configmap://wine-model/model.onnx",
        "configmap://wine-model/notes",
        "pvc://models/a/b.onnx",
        "https://x.example/m.onnx",
    ],
)
def test_what_is_there_or_fetched_is_not_missing(uri: str) -> None:
    assert missing(uri, "cellar", get) == ""


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("configmap://other/k", "there is no ConfigMap 'other' in namespace 'cellar'; create it"),
        ("configmap://wine-model/m", "ConfigMap 'wine-model' has no key 'm'; its keys: model.onnx, notes"),
        ("configmap://empty/m", "ConfigMap 'empty' has no key 'm'; its keys: none"),
        ("pvc://other/m", "there is no PersistentVolumeClaim 'other' in namespace 'cellar'; create it"),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(uri: str, message: str) -> None:
    assert missing(uri, "cellar", get) == message
