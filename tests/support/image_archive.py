"""Reads an image archive: its configuration, its files as a container sees them, and a program run among them."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WHITEOUT = ".wh."


class ImageArchive:
    """A docker-archive with one image."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        with tarfile.open(archive) as tar:
            manifest = json.loads(_content(tar, "manifest.json"))[0]
            self.names: list[str] = manifest["RepoTags"]
            self.config: dict[str, Any] = json.loads(_content(tar, manifest["Config"]))["config"]
            self._layers: list[str] = manifest["Layers"]

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


@contextmanager
def container(image: ImageArchive, root: Path) -> Iterator[list[str]]:
    """Unpack it under `root`; gives the command to put before a program, which then runs as the image's user there."""
    root.chmod(0o755)
    image.unpack(root)
    setup = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mount -t tmpfs -o mode=1777 tmpfs "$0/tmp"'
    enter = f'exec chroot --userspec={image.config["User"]} "$0" /usr/bin/env -i "$@"'
    variables = [f"{name}={value}" for name, value in image.environment.items()]
    isolation = ["unshare", "--mount", "--pid", "--fork", "--net"]
    yield [*isolation, "sh", "-c", f"{setup} && {enter}", str(root), *variables]


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()
