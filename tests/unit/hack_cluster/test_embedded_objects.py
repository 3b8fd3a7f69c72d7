"""The first objects of a cluster, the reuse of its volumes, and the verdicts of `status`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hack.cluster.embedded import health, manifests, volumes


def volume(name: str, phase: str, storage_class: str = manifests.STORAGE_CLASS) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"storageClassName": storage_class}, "status": {"phase": phase}}


def test_each_object_is_applied_at_its_own_name() -> None:
    objects = list(manifests.first_objects(Path("/volumes"), "node"))
    assert all(path.endswith(f"/{manifest['metadata']['name']}") for path, manifest in objects)
    assert len({path for path, _ in objects}) == len(objects)


def test_volumes_are_local_and_tied_to_the_node() -> None:
    spec = manifests.persistent_volume(7, Path("/volumes"), "mine")["spec"]
    assert spec["local"] == {"path": "/volumes/local-07"}
    (term,) = spec["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["mine"]


def test_the_storage_class_is_the_default_and_waits_for_a_pod() -> None:
    storage_class = manifests.storage_class()
    assert storage_class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    assert storage_class["volumeBindingMode"] == "WaitForFirstConsumer"


def test_every_volume_of_the_pool_has_a_folder(tmp_path: Path) -> None:
    volumes.make_folders(tmp_path)
    paths = [
        each["spec"]["local"]["path"]
        for _, each in manifests.first_objects(tmp_path, "n")
        if "local" in each.get("spec", {})
    ]
    assert len(paths) == manifests.VOLUME_COUNT
    assert all(Path(path).is_dir() for path in paths)


def test_only_released_volumes_of_the_pool_are_reclaimed() -> None:
    found = [volume("a", "Released"), volume("b", "Bound"), volume("c", "Available"), volume("d", "Released", "other")]
    assert volumes.released(found) == ["a"]


def test_an_emptied_folder_is_as_new_and_nothing_outside_is_touched(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = tmp_path / "volume"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "file").touch()
    (folder / "link").symlink_to(outside)
    folder.chmod(0o2770)
    volumes.empty(folder, os.getuid())
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o7777 == volumes.FOLDER_MODE
    assert (outside / "kept").exists()


def test_a_node_that_is_not_ready_says_why() -> None:
    conditions = [{"type": "Ready", "status": "False", "message": "cni plugin not initialized"}]
    verdict = health.node_health({"status": {"conditions": conditions}})
    assert not verdict.well
    assert "cni plugin not initialized" in verdict.detail


def test_a_node_that_has_not_reported_is_not_ready() -> None:
    assert not health.node_health({}).well


def test_a_pool_that_is_used_up_is_said_and_is_no_illness() -> None:
    verdict = health.volumes_health([volume("a", "Bound"), volume("b", "Available", "other")])
    assert verdict == health.Health("volumes", True, "0 of 1 available, further claims wait for one")


def test_a_cluster_without_its_pool_is_ill() -> None:
    assert not health.volumes_health([]).well
