"""What builds an image: a Docker engine, or buildah with no engine at all. Both build the same Dockerfile."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hack.cluster import debian
from hack.cluster.errors import ClusterError
from hack.cluster.progress import Step
from hack.images.commands import run_logged, succeeds

BUILDAH = debian.Package("buildah", debian.program("buildah"))
_FULL_STORE_GIGABYTES = 12


@dataclass(frozen=True)
class Build:
    """One image to build. `secrets` are files that the build sees and the image does not hold."""

    image: str
    base: str
    component: str
    dockerfile: Path
    context: Path
    secrets: dict[str, Path]
    package_folders: tuple[Path, ...] = ()


class Engine(Protocol):
    """The few things an engine is asked for. Each raises ClusterError when it fails."""

    name: str

    def has(self, image: str) -> bool:
        """Whether it holds the image already."""

    def pull_command(self, image: str) -> list[str]:
        """The command that pulls an image."""

    def import_base(self, root_archive: Path, image: str, log: Path, step: Step) -> None:
        """Make an image of a root file system."""

    def build(self, build: Build, log: Path, step: Step) -> None:
        """Build an image, with the layers that have not changed taken from before."""

    def save(self, image: str, archive: Path, log: Path, step: Step) -> None:
        """Write the image, with its name, to an archive that containerd imports."""


def build_arguments(build: Build) -> list[str]:
    """The arguments that both engines take."""
    secrets = [f"--secret=id={name},src={path}" for name, path in sorted(build.secrets.items())]
    return [
        "--network=host",
        *secrets,
        f"--build-arg=BASE_IMAGE={build.base}",
        f"--build-arg=COMPONENT={build.component}",
        f"--tag={build.image}",
        f"--file={build.dockerfile}",
        str(build.context),
    ]


class Docker:
    """A Docker engine that answers."""

    name = "docker"

    def has(self, image: str) -> bool:
        """See Engine."""
        return succeeds(["docker", "image", "inspect", image])

    def pull_command(self, image: str) -> list[str]:
        """See Engine."""
        return ["docker", "pull", image]

    def import_base(self, root_archive: Path, image: str, log: Path, step: Step) -> None:
        """See Engine."""
        run_logged(["docker", "import", str(root_archive), image], log, step)

    def build(self, build: Build, log: Path, step: Step) -> None:
        """See Engine. Folders with packages cannot be mounted into its builds: pip gets what its index has."""
        command = ["docker", "build", "--progress=plain", *build_arguments(build)]
        run_logged(command, log, step, {"DOCKER_BUILDKIT": "1"})

    def save(self, image: str, archive: Path, log: Path, step: Step) -> None:
        """See Engine."""
        run_logged(["docker", "save", f"--output={archive}", image], log, step)


class Buildah:
    """buildah as root, with a store of its own in `folder`."""

    name = "buildah"

    def __init__(self, folder: Path) -> None:
        """Make the store on overlay where the file system of `folder` allows it, else on plain copies (vfs)."""
        if os.geteuid() != 0:
            raise ClusterError("buildah needs root, and no Docker engine answers.", "run as root, or start Docker")
        debian.ensure(BUILDAH)
        self._store = folder / "store"
        if _gigabytes(self._store) > _FULL_STORE_GIGABYTES:
            shutil.rmtree(self._store)  # layers of older contents, most of them; what is needed is built again
        self._prefix = self._command("overlay")
        if not succeeds([*self._prefix, "info"]):
            self._prefix = self._command("vfs")

    def _command(self, driver: str) -> list[str]:
        program = debian.find_program("buildah") or "buildah"
        # Its mounts go with its own namespace; left on the machine they would keep the store from being deleted.
        namespace = ["unshare", "--mount", "--propagation=private", "--"]
        places = [f"--root={self._store / driver}", f"--runroot={self._store / driver}-run"]
        return [*namespace, program, f"--storage-driver={driver}", *places]

    def has(self, image: str) -> bool:
        """See Engine."""
        return succeeds([*self._prefix, "inspect", "--type=image", image])

    def pull_command(self, image: str) -> list[str]:
        """See Engine."""
        return [*self._prefix, "pull", image]

    def import_base(self, root_archive: Path, image: str, log: Path, step: Step) -> None:
        """See Engine."""
        dockerfile = root_archive.with_name("Dockerfile")
        dockerfile.write_text(f'FROM scratch\nADD {root_archive.name} /\nCMD ["/bin/sh"]\n')
        command = [*self._prefix, "bud", "--isolation=chroot", f"--tag={image}", f"--file={dockerfile}"]
        run_logged([*command, str(root_archive.parent)], log, step)

    def build(self, build: Build, log: Path, step: Step) -> None:
        """See Engine."""
        succeeds([*self._prefix, "rm", "--all"])  # what a build that was interrupted left
        volumes = [f"--volume={folder}:{folder}:ro" for folder in build.package_folders]
        command = [*self._prefix, "bud", "--layers", "--isolation=chroot", *volumes, *build_arguments(build)]
        run_logged(command, log, step)

    def save(self, image: str, archive: Path, log: Path, step: Step) -> None:
        """See Engine."""
        # The quickest compression: as fast as writing plain archives, which are three times as large.
        command = [*self._prefix, "push", "--compression-format=gzip", "--compression-level=1"]
        run_logged([*command, image, f"oci-archive:{archive}:{image}"], log, step)


def _gigabytes(folder: Path) -> float:
    answer = subprocess.run(["du", "--summarize", "--block-size=1M", str(folder)], capture_output=True, text=True)
    return int((answer.stdout or "0").split()[0]) / 1024


def choose(wanted: str | None, docker_answers: bool) -> str:
    """The engine to use: the wanted one, else Docker where it answers, else buildah."""
    if wanted == "docker" and not docker_answers:
        raise ClusterError("no Docker engine answers (`docker info` fails).", "start Docker, or --engine buildah")
    return wanted or ("docker" if docker_answers else "buildah")


def find(wanted: str | None, folder: Path) -> Engine:
    """The engine, ready to use. Raises ClusterError when there is none."""
    docker_answers = wanted != "buildah" and succeeds(["docker", "info"])
    return Docker() if choose(wanted, docker_answers) == "docker" else Buildah(folder)
