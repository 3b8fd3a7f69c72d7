"""From components to archives: what is there is taken, what is missing is built."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.progress import Step, say
from hack.images import archives, components, pip_settings
from hack.images.bases import Bases
from hack.images.components import Component
from hack.images.engines import Build, Engine
from hack.images.local_base import CERTIFICATES, LocalBase

_CERTIFICATES_INSIDE = "/run/secrets/certificates"


@dataclass(frozen=True)
class Result:
    """One image, ready to be loaded into a cluster."""

    component: str
    image: str
    archive: Path


@dataclass(frozen=True)
class PipAccess:
    """The files that let pip reach its packages during a build, and the local folders with packages."""

    secrets: dict[str, Path]
    folders: tuple[Path, ...]


def build_all(
    wanted: Iterable[Component], engine: Engine, folder: Path, environment: Mapping[str, str], repository: Path
) -> list[Result]:
    """An archive for each component, under `folder`. Raises ClusterError with the end of the log when one fails."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    version = components.project_version((repository / "pyproject.toml").read_text())
    bases = Bases(engine, LocalBase(folder / "base"), environment.get("BASE_IMAGE") or None, logs)
    results = []
    with pip_access(environment) as access:
        for component in wanted:
            base = bases.resolve(components.default_base((repository / component.dockerfile).read_text()))
            build = Build(
                image=components.image_name(component, version),
                base=base,
                component=component.name,
                dockerfile=repository / component.dockerfile,
                context=repository / component.context,
                secrets=access.secrets,
                package_folders=access.folders,
            )
            archive = _archive(component, build, engine, folder, repository, version)
            results.append(Result(component.name, build.image, archive))
            archives.remove_outdated(folder, component.name)
    return results


def _archive(component: Component, build: Build, engine: Engine, folder: Path, repository: Path, version: str) -> Path:
    """The archive of what the component is made of now, built where there is none."""
    key = components.content_key(component, repository, build.base, version)
    archive = archives.archive_path(folder, component.name, key)
    if archive.exists():
        os.utime(archive)
        say(f"{component.name}: nothing changed since {archive.name}")
        return archive
    step = Step(f"the image {component.name}, with {engine.name}", usual_seconds=component.usual_seconds)
    log = folder / "logs" / f"{component.name}.log"
    log.unlink(missing_ok=True)
    engine.build(build, log, step)
    if components.content_key(component, repository, build.base, version) != key:
        step.done("its files changed meanwhile, once more")
        return _archive(component, build, engine, folder, repository, version)
    unfinished = archive.with_suffix(archives.UNFINISHED)
    unfinished.unlink(missing_ok=True)  # buildah writes to no file that exists
    engine.save(build.image, unfinished, log, step)
    unfinished.chmod(0o644)  # Docker writes it for root alone
    unfinished.rename(archive)
    step.done(f"{archive.stat().st_size / 1e6:.0f} MB")
    return archive


@contextmanager
def pip_access(environment: Mapping[str, str]) -> Iterator[PipAccess]:
    """This machine's pip settings and CA bundle as files that are gone after the builds."""
    texts = [path.read_text() for path in pip_settings.configuration_files(environment) if path.is_file()]
    settings = pip_settings.read(environment, texts)
    folders = tuple(folder for folder in settings.folders if folder.is_dir() and any(folder.iterdir()))
    certificates = settings.certificates or CERTIFICATES
    with tempfile.TemporaryDirectory() as place:
        configuration = Path(place) / "pip.conf"
        secrets = {"pip.conf": configuration}
        if certificates.is_file():
            secrets["certificates"] = certificates
        inside = _CERTIFICATES_INSIDE if certificates.is_file() else None
        configuration.write_text(pip_settings.render(settings, folders, inside))
        yield PipAccess(secrets, folders)
