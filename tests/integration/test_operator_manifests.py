"""The golden manifests on a real apiserver: it takes each field, and gives back what is recognised as applied."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmonitor_operator import compare, kinds

GOLDEN = Path(__file__).parents[1] / "unit/driftmonitor_operator/golden"
Body = dict[str, Any]


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_manifest_is_valid_and_known_again_once_applied(operator_api: Any, file: Path) -> None:
    namespace = f"golden-{file.stem}"
    client = operator_api.plane.client
    client.json("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    manifests: list[Body] = list(yaml.safe_load_all(file.read_text()))
    assert manifests
    for golden in manifests:
        manifest = copy.deepcopy(golden)
        manifest["metadata"]["namespace"] = namespace
        del manifest["metadata"]["ownerReferences"]  # without their owner they would be collected
        path = kinds.BY_NAME[manifest["kind"]].path(namespace, manifest["metadata"]["name"])
        query = f"?fieldManager={kinds.FIELD_MANAGER}&fieldValidation=Strict"
        live = client.json("PATCH", path + query, manifest, "application/apply-patch+yaml")
        assert compare.fingerprint(live, kinds.FIELD_MANAGER) == compare.digest(manifest), path
        assert not compare.added_to(live, kinds.FIELD_MANAGER)
