"""Reads an image archive: its configuration, its files as a container sees them, and a program run among them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_WHITEOUT = ".wh."


class ImageArchive:
    """An OCI archive, as buildah writes it, or a docker-archive, with one image."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        with tarfile.open(archive) as tar:
            if "manifest.json" in tar.getnames():
                manifest = _read(tar, "manifest.json")[0]
                self.names: list[str] = manifest["RepoTags"]
                self.config: dict[str, Any] = _read(tar, manifest["Config"])["config"]
                self._layers: list[str] = manifest["Layers"]
            else:
                (entry,) = _read(tar, "index.json")["manifests"]
                manifest = _read(tar, _blob(entry))
                self.names = [entry["annotations"]["org.opencontainers.image.ref.name"]]
                self.config = _read(tar, _blob(manifest["config"]))["config"]
                self._layers = [_blob(layer) for layer in manifest["layers"]]

    @property
    def environment(self) -> dict[str, str]:
        return dict(entry.split("=", 1) for entry in self.config["Env"])

    def files(self) -> set[str]:
        """The paths of all that is not a folder, without a leading slash."""
        found: set[str] = set()
        for layer in self._open_layers():
            for entry in layer:
                path = os.path.normpath(entry.name)
                folder, name = os.path.split(path)
                if name.startswith(_WHITEOUT):
                    gone = f"{folder}/{name.removeprefix(_WHITEOUT)}"
                    found = {each for each in found if each != gone and not each.startswith(f"{gone}/")}
                elif not entry.isdir():
                    found.add(path)
        return found

    def unpack(self, root: Path) -> None:
        """Write the files as they lie in a container. Needs root for their owners."""
        root.chmod(0o755)
        for layer in self._open_layers():
            for entry in layer:
                folder, name = os.path.split(os.path.normpath(entry.name))
                if name.startswith(_WHITEOUT):
                    subprocess.run(["rm", "-rf", str(root / folder / name.removeprefix(_WHITEOUT))], check=True)
                else:
                    layer.extract(entry, root, filter="fully_trusted")

    def _open_layers(self) -> Iterator[tarfile.TarFile]:
        with tarfile.open(self._archive) as tar:
            for name in self._layers:
                with tarfile.open(fileobj=tar.extractfile(name)) as layer:
                    yield layer


def inside(image: ImageArchive, root: Path, data: Path | None = None) -> list[str]:
    """The command to put before a program: it then runs as the image's user, without network, in the unpacked `root`.

    It finds the folder `data` as /data.
    """
    mounts = [
        'mount -t proc proc "$0/proc"',
        'mount --rbind /dev "$0/dev"',
        'mount -t tmpfs -o mode=1777 tmpfs "$0/tmp"',
    ]
    if data:
        mounts += ['mkdir -p "$0/data"', f'mount --bind {shlex.quote(str(data))} "$0/data"']
    enter = f'exec chroot --userspec={image.config["User"]} "$0" /usr/bin/env -i "$@"'
    variables = [f"{name}={value}" for name, value in image.environment.items()]
    isolation = ["unshare", "--mount", "--pid", "--fork", "--net"]
    return [*isolation, "sh", "-c", " && ".join([*mounts, enter]), str(root), *variables]


def _blob(descriptor: dict[str, Any]) -> str:
    return "blobs/" + descriptor["digest"].replace(":", "/")


def _read(tar: tarfile.TarFile, name: str) -> Any:
    file = tar.extractfile(name)
    assert file is not None
    return json.load(file)
