"""The control plane for tests is a real one: it stores, refuses, survives a crash and leaves no process behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.client import ApiError
from hack.cluster.controlplane import ControlPlane
from hack.cluster.errors import ClusterError

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("controlplane")) as running:
        yield running


def test_objects_outlive_a_crash_of_the_apiserver(plane: ControlPlane) -> None:
    plane.client.json("POST", CONFIGMAPS, {"metadata": {"name": "kept"}, "data": {"a": "1"}})
    plane.restart_apiserver()
    assert plane.client.json("GET", f"{CONFIGMAPS}/kept")["data"] == {"a": "1"}


def test_an_invalid_object_is_refused_with_the_field_named(plane: ControlPlane) -> None:
    with pytest.raises(ApiError) as refused:
        plane.client.json("POST", CONFIGMAPS, {"metadata": {"name": "Not A Name"}})
    assert refused.value.status == 422
    assert "metadata.name" in str(refused.value)


def test_the_kubeconfig_is_readable_by_its_owner_only(plane: ControlPlane) -> None:
    assert plane.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_the_controller_manager_deletes_what_a_deleted_owner_owned(tmp_path: Path) -> None:
    with ControlPlane(tmp_path, controller_manager=True) as plane:
        owner = plane.client.json("POST", CONFIGMAPS, {"metadata": {"name": "owner"}})
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
        owned = {"metadata": {"name": "owned", "ownerReferences": [reference]}}
        plane.client.json("POST", CONFIGMAPS, owned)
        plane.client.json("DELETE", f"{CONFIGMAPS}/owner")
        plane.wait_until(lambda: not _exists(plane, "owned"), "the deletion of what the owner owned")


def test_the_audit_log_tells_who_did_what_and_what_came_of_it(tmp_path: Path) -> None:
    with ControlPlane(tmp_path, audit=True) as plane:
        plane.client.json("POST", CONFIGMAPS, {"metadata": {"name": "seen"}, "data": {"a": "not for the log"}})
        with pytest.raises(ApiError):
            plane.client.json("GET", f"{CONFIGMAPS}/missing")
        events = [e for e in plane.audit_events() if e["user"]["username"] == "administrator"]
        seen = [
            (e["verb"], e["objectRef"].get("name"), e["responseStatus"]["code"]) for e in events if "objectRef" in e
        ]
        assert ("create", "seen", 201) in seen
        assert ("get", "missing", 404) in seen
        assert "not for the log" not in (tmp_path / "audit.log").read_text()


def test_a_control_plane_without_an_audit_log_says_so(plane: ControlPlane) -> None:
    with pytest.raises(ClusterError, match="audit=True"):
        plane.audit_events()


def test_stopping_ends_every_program(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path)
    plane.start()
    pids = plane.pids()
    plane.stop()
    assert len(pids) == 2
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def _exists(plane: ControlPlane, name: str) -> bool:
    try:
        plane.client.json("GET", f"{CONFIGMAPS}/{name}")
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    return True
