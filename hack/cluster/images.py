"""Image archives: the names inside one, and an image made of a single static program."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

from hack.cluster.errors import ClusterError

_REFERENCE = "org.opencontainers.image.ref.name"
_CONTAINERD = "io.containerd.image.name"


def write_program_image(program: Path, name: str, archive: Path) -> None:
    """Write a docker-archive with the image `name`: one static program at /<its name>, run as nobody, nothing else."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        entry = tarfile.TarInfo(program.name)
        entry.mode = 0o755
        content = program.read_bytes()
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    configuration = {
        "architecture": _architecture(),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "config.json", json.dumps(configuration).encode())
        _add(tar, "layer.tar", layer.getvalue())
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def names_in_archive(archive: Path) -> list[str]:
    """The names of the images in an OCI or docker archive. Raises ClusterError when it is neither or names none."""
    try:
        with tarfile.open(archive) as tar:
            members = {member.name.removeprefix("./"): member for member in tar.getmembers()}
            index = _read(tar, members.get("index.json"))
            manifest = _read(tar, members.get("manifest.json"))
    except (OSError, tarfile.TarError, ValueError) as error:
        raise ClusterError(
            f"{archive} is no image archive: {error}.", "write one by `buildah push NAME oci-archive:FILE:NAME`"
        ) from error
    names = names_in_index(index) if index else names_in_manifest(manifest or [])
    if not names:
        raise ClusterError(
            f"{archive} holds no image with a name.", "write it by `buildah push NAME oci-archive:FILE:NAME`"
        )
    return names


def names_in_index(index: dict[str, Any]) -> list[str]:
    """The names that an OCI index.json gives its images."""
    annotations = [entry.get("annotations", {}) for entry in index.get("manifests", [])]
    named = [each.get(_CONTAINERD) or each.get(_REFERENCE) for each in annotations]
    return [name for name in named if name]


def names_in_manifest(manifest: list[dict[str, Any]]) -> list[str]:
    """The names that a docker archive's manifest.json gives its images."""
    return [name for entry in manifest for name in entry.get("RepoTags") or []]


def is_complete(name: str) -> bool:
    """Whether a name says its registry's host and its tag: without, the node would look for another name."""
    host, slash, rest = name.partition("/")
    has_host = bool(slash) and (host == "localhost" or "." in host or ":" in host)
    return has_host and (":" in rest or "@" in rest)


def check_names(archive: Path) -> list[str]:
    """The names in the archive. Raises ClusterError for one that pods could not be given."""
    names = names_in_archive(archive)
    for name in names:
        if not is_complete(name):
            raise ClusterError(
                f"{archive} names its image {name!r}, without host or tag.", f"name it like localhost/{name}:dev"
            )
    return names


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> Any:
    file = tar.extractfile(member) if member else None
    return json.load(file) if file else None


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
