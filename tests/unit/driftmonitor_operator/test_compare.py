"""Live objects as an apiserver gives them: with defaults, canonical quantities, and who owns which field."""

import copy
from typing import Any

import pytest

from driftmonitor_operator.compare import added_to, digest, fingerprint

Body = dict[str, Any]

MANIFEST: Body = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "wine", "namespace": "cellar", "labels": {"a": "1"}},
    "spec": {
        "replicas": 2,
        "selector": {"app": "wine"},
        "containers": [
            {
                "name": "server",
                "args": ["serve"],
                "env": [{"name": "VERSION", "value": "1"}],
                "ports": [{"containerPort": 80}],
                "resources": {"requests": {"cpu": "1000m", "memory": 1073741824}},
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "log", "emptyDir": {"sizeLimit": "1024Mi"}}],
    },
}


def applied_fields() -> Body:
    return {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:containers": {
                'k:{"name":"server"}': {
                    ".": {},
                    "f:name": {},
                    "f:args": {},
                    "f:env": {'k:{"name":"VERSION"}': {".": {}, "f:name": {}, "f:value": {}}},
                    "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                    "f:resources": {"f:requests": {"f:cpu": {}, "f:memory": {}}},
                }
            },
            "f:volumes": {
                'k:{"name":"log"}': {".": {}, "f:name": {}, "f:emptyDir": {"f:sizeLimit": {}}},
                'k:{"name":"tmp"}': {".": {}, "f:name": {}, "f:emptyDir": {}},
            },
        },
    }


@pytest.fixture
def live() -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "wine",
            "namespace": "cellar",
            "uid": "u",
            "labels": {"a": "1", "added-by": "someone"},
            "managedFields": [
                {
                    "manager": "someone",
                    "operation": "Update",
                    "fieldsV1": {"f:metadata": {"f:labels": {"f:added-by": {}}}},
                },
                {
                    "manager": "me",
                    "operation": "Apply",
                    "subresource": "status",
                    "fieldsV1": {"f:status": {"f:x": {}}},
                },
                {"manager": "me", "operation": "Apply", "fieldsV1": applied_fields()},
            ],
        },
        "spec": {
            "replicas": 2,
            "selector": {"app": "wine"},
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
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "log", "emptyDir": {"sizeLimit": "1Gi"}}],
        },
        "status": {"replicas": 2},
    }


def ours(live: Body) -> Body:
    """The fields that the operator applied."""
    fields: Body = live["metadata"]["managedFields"][2]["fieldsV1"]
    return fields


def add(live: Body, fields: Body, **entry: str) -> None:
    """Have someone own these fields of the spec."""
    live["metadata"]["managedFields"].append(
        {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": fields}, **entry}
    )


def test_defaults_amounts_written_otherwise_and_labels_of_others_are_no_difference(live: Body) -> None:
    assert fingerprint(live, "me") == digest(MANIFEST)


def test_the_name_is_no_part_of_the_digest_but_everything_else_is() -> None:
    assert digest(MANIFEST | {"metadata": MANIFEST["metadata"] | {"name": "x"}}) == digest(MANIFEST)
    assert digest(MANIFEST | {"metadata": MANIFEST["metadata"] | {"labels": {}}}) != digest(MANIFEST)
    assert digest(MANIFEST | {"spec": MANIFEST["spec"] | {"replicas": 1}}) != digest(MANIFEST)


def test_a_changed_value_differs(live: Body) -> None:
    live["spec"]["replicas"] = 3
    assert fingerprint(live, "me") != digest(MANIFEST)


def test_a_value_that_another_has_taken_over_differs_even_if_it_is_the_same(live: Body) -> None:
    del ours(live)["f:spec"]["f:replicas"]
    assert fingerprint(live, "me") != digest(MANIFEST)


def test_a_removed_field_differs(live: Body) -> None:
    del live["spec"]["containers"][0]["args"]
    del ours(live)["f:spec"]["f:containers"]['k:{"name":"server"}']["f:args"]
    assert fingerprint(live, "me") != digest(MANIFEST)


def test_a_removed_element_differs(live: Body) -> None:
    live["spec"]["volumes"].pop()
    del ours(live)["f:spec"]["f:volumes"]['k:{"name":"log"}']
    assert fingerprint(live, "me") != digest(MANIFEST)


@pytest.mark.parametrize("value", ["2", "1000m", "1k"])
def test_text_that_looks_like_an_amount_is_compared_as_text(live: Body, value: str) -> None:
    live["spec"]["containers"][0]["env"][0]["value"] = value
    assert fingerprint(live, "me") != digest(MANIFEST)


def test_another_amount_differs(live: Body) -> None:
    live["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "2"
    assert fingerprint(live, "me") != digest(MANIFEST)


def test_a_field_that_the_manifest_no_longer_has_differs(live: Body) -> None:
    ours(live)["f:metadata"]["f:labels"]["f:old"] = {}
    live["metadata"]["labels"]["old"] = "x"
    assert fingerprint(live, "me") != digest(MANIFEST)


def test_a_value_of_a_set_is_taken_by_its_value(live: Body) -> None:
    ours(live)["f:metadata"]["f:finalizers"] = {'v:"mine"': {}}
    live["metadata"]["finalizers"] = ["theirs", "mine"]
    wanted = MANIFEST | {"metadata": MANIFEST["metadata"] | {"finalizers": ["mine"]}}
    assert fingerprint(live, "me") == digest(wanted)


def test_what_is_owned_as_a_whole_differs_when_something_was_put_into_it(live: Body) -> None:
    live["spec"]["volumes"][0]["emptyDir"] = {"medium": "Memory"}
    assert fingerprint(live, "me") != digest(MANIFEST)


def test_an_object_that_was_never_applied_has_no_fingerprint(live: Body) -> None:
    del live["metadata"]["managedFields"][2]
    assert fingerprint(live, "me") == ""
    del live["metadata"]["managedFields"]
    assert fingerprint(live, "me") == ""


def test_what_no_one_else_owns_in_the_spec_is_complete(live: Body) -> None:
    assert not added_to(live, "me")


@pytest.mark.parametrize(
    "fields",
    [
        {"f:paused": {}},
        {"f:containers": {'k:{"name":"intruder"}': {".": {}, "f:name": {}}}},
        {"f:containers": {'k:{"name":"server"}': {"f:command": {}}}},
        {"f:volumes": {'k:{"name":"tmp"}': {"f:emptyDir": {"f:medium": {}}}}},
        {"f:template": {"f:metadata": {"f:annotations": {"f:sidecar.istio.io/inject": {}}}}},
    ],
)
def test_what_someone_has_put_into_the_spec_is_an_addition(live: Body, fields: Body) -> None:
    before = fingerprint(live, "me")
    add(live, fields)
    assert added_to(live, "me")
    assert fingerprint(live, "me") == before, "an apply would not take it away"


@pytest.mark.parametrize(
    ("fields", "entry"),
    [
        ({"f:replicas": {}}, {"subresource": "scale"}),
        ({"f:anything": {}}, {"subresource": "status"}),
        ({"f:replicas": {}}, {"manager": "me-handover", "operation": "Apply"}),
        ({"f:containers": {".": {}, 'k:{"name":"server"}': {".": {}, "f:args": {}}}}, {}),
        ({"f:template": {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}}}}, {}),
    ],
)
def test_what_is_others_to_set_or_set_by_both_is_no_addition(live: Body, fields: Body, entry: dict[str, str]) -> None:
    add(live, fields, **entry)
    assert not added_to(live, "me")


@pytest.mark.parametrize("kind", ["PersistentVolumeClaim", "ServiceAccount", "ConfigMap"])
def test_specs_that_the_cluster_fills_in_are_not_looked_at(live: Body, kind: str) -> None:
    other = copy.deepcopy(live) | {"kind": kind}
    add(other, {"f:volumeName": {}})
    assert not added_to(other, "me")
