from typing import Any

import pytest

from driftmonitor_operator.compare import difference

MANIFEST: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "wine", "labels": {"a": "1"}},
    "spec": {
        "replicas": 2,
        "containers": [
            {
                "name": "server",
                "args": ["serve"],
                "env": [{"name": "VERSION", "value": "1"}],
                "ports": [{"containerPort": 80}],
                "resources": {"requests": {"cpu": "1000m", "memory": "1Gi"}},
            }
        ],
    },
}


def live() -> dict[str, Any]:
    """The manifest as an apiserver gives it back: with defaults, other managers' fields, canonical quantities."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "wine",
            "uid": "u",
            "labels": {"a": "1", "added-by": "someone"},
            "managedFields": [
                {"manager": "someone", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}},
                {"manager": "me", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}},
                {
                    "manager": "me",
                    "operation": "Apply",
                    "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:a": {}}},
                        "f:spec": {
                            "f:replicas": {},
                            "f:containers": {
                                'k:{"name":"server"}': {
                                    ".": {},
                                    "f:name": {},
                                    "f:args": {},
                                    "f:env": {'k:{"name":"VERSION"}': {".": {}, "f:name": {}, "f:value": {}}},
                                    "f:ports": {
                                        'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
                                    },
                                    "f:resources": {"f:requests": {"f:cpu": {}, "f:memory": {}}},
                                }
                            },
                        },
                    },
                },
            ],
        },
        "spec": {
            "replicas": 2,
            "paused": True,
            "containers": [
                {
                    "name": "server",
                    "args": ["serve"],
                    "env": [{"name": "VERSION", "value": "1"}],
                    "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                    "terminationMessagePath": "/dev/termination-log",
                }
            ],
        },
        "status": {"replicas": 2},
    }


def test_defaults_quantities_and_fields_of_others_are_no_difference() -> None:
    assert difference(MANIFEST, live(), "me") is None


def test_a_changed_value_is_found() -> None:
    body = live()
    body["spec"]["replicas"] = 3
    assert difference(MANIFEST, body, "me") == "spec.replicas"


def test_a_removed_field_is_found() -> None:
    body = live()
    del body["spec"]["containers"][0]["args"]
    assert difference(MANIFEST, body, "me") == "spec.containers[0].args"


@pytest.mark.parametrize("value", ["2", "1000m", "1k"])
def test_text_that_looks_like_a_quantity_is_compared_as_text(value: str) -> None:
    body = live()
    body["spec"]["containers"][0]["env"][0]["value"] = value
    assert difference(MANIFEST, body, "me") == "spec.containers[0].env[0].value"


def test_another_amount_is_found() -> None:
    body = live()
    body["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "2"
    assert difference(MANIFEST, body, "me") == "spec.containers[0].resources.requests.cpu"


def test_an_element_added_by_someone_is_found() -> None:
    body = live()
    body["spec"]["containers"][0]["env"].append({"name": "EXTRA", "value": "x"})
    assert difference(MANIFEST, body, "me") == "spec.containers[0].env"


def test_a_field_that_the_manifest_no_longer_has_is_found_by_its_owner() -> None:
    body = live()
    fields = body["metadata"]["managedFields"][2]["fieldsV1"]
    fields["f:metadata"]["f:labels"]["f:old"] = {}
    body["metadata"]["labels"]["old"] = "x"
    assert difference(MANIFEST, body, "me") == "metadata.labels.old"


def test_a_list_element_that_the_manifest_no_longer_has_is_found_by_its_owner() -> None:
    body = live()
    container = body["metadata"]["managedFields"][2]["fieldsV1"]["f:spec"]["f:containers"]['k:{"name":"server"}']
    container["f:env"]['k:{"name":"OLD"}'] = {".": {}}
    assert difference(MANIFEST, body, "me") == 'spec.containers.{"name":"server"}.env.{"name":"OLD"}'


def test_a_value_of_a_set_that_the_manifest_no_longer_has_is_found_by_its_owner() -> None:
    body = live()
    body["metadata"]["managedFields"][2]["fieldsV1"]["f:metadata"]["f:finalizers"] = {'v:"old"': {}}
    manifest = MANIFEST | {"metadata": MANIFEST["metadata"] | {"finalizers": ["new"]}}
    body["metadata"]["finalizers"] = ["new"]
    assert difference(manifest, body, "me") == 'metadata.finalizers."old"'


def test_an_object_that_was_never_applied_differs() -> None:
    body = live()
    del body["metadata"]["managedFields"][2]
    assert difference(MANIFEST, body, "me") == "metadata.managedFields"


def test_a_map_that_is_owned_as_a_whole_is_found_when_someone_added_to_it() -> None:
    manifest = {**MANIFEST, "spec": {**MANIFEST["spec"], "selector": {"app": "wine"}}}
    body = live()
    body["spec"]["selector"] = {"app": "wine"}
    body["metadata"]["managedFields"][2]["fieldsV1"]["f:spec"]["f:selector"] = {}
    assert difference(manifest, body, "me") is None
    body["spec"]["selector"]["edited"] = "yes"
    del body["metadata"]["managedFields"][2]["fieldsV1"]["f:spec"]["f:selector"]
    assert difference(manifest, body, "me") == "spec.selector"
