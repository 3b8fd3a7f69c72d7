"""The pool of persistent volumes: what a deleted claim leaves is emptied and offered again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hack.cluster.client import MERGE_PATCH, ApiClient
from hack.cluster.embedded.manifests import STORAGE_CLASS, VOLUME_COUNT, VOLUMES, volume_name

FOLDER_MODE = 0o755  # root's own, as on a freshly made disk: a pod that is not root needs an fsGroup, as elsewhere


def make_folders(volumes: Path) -> None:
    """Make the folder of each volume of the pool."""
    for index in range(VOLUME_COUNT):
        (volumes / volume_name(index)).mkdir(parents=True, mode=FOLDER_MODE)


def released(volumes: list[dict[str, Any]]) -> list[str]:
    """The names of the pool's volumes whose claim is gone, from a list of PersistentVolumes."""
    return [
        volume["metadata"]["name"]
        for volume in volumes
        if volume["spec"].get("storageClassName") == STORAGE_CLASS and volume["status"].get("phase") == "Released"
    ]


def reclaim(client: ApiClient, folder: Path) -> list[str]:
    """Empty the released volumes and make them available; returns their names. Raises ApiError, OSError."""
    names = released(client.json("GET", VOLUMES)["items"])
    for name in names:
        empty(folder / name)
        client.json("PATCH", f"{VOLUMES}/{name}", {"spec": {"claimRef": None}}, MERGE_PATCH)
    return names


def empty(folder: Path, owner: int = 0) -> None:
    """Delete everything in a folder and give it back the owner, group and mode of a new one."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.chown(folder, owner, owner)
    folder.chmod(FOLDER_MODE)
