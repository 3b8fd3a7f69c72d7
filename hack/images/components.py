"""The images there are, what each is made of, and the key that changes when that does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.errors import ClusterError

REPOSITORY = Path(__file__).resolve().parents[2]
PREFIX = "localhost/driftmonitor"
_IGNORED_FOLDERS = {"__pycache__"}
_IGNORED_SUFFIXES = {".pyc", ".md"}  # as .dockerignore has it


@dataclass(frozen=True)
class Component:
    """One image. `sources` are the files and folders it is made of; `usual_seconds` is a cold build on 2 cores."""

    name: str
    sources: tuple[str, ...]
    usual_seconds: int
    dockerfile: str = "Dockerfile"
    context: str = "."


def _python(name: str, usual_seconds: int, *more: str) -> Component:
    common = ("Dockerfile", ".dockerignore", "hack/images/build", "pyproject.toml", "api")
    return Component(name, (*common, f"constraints/{name}.txt", name, *more), usual_seconds)


COMPONENTS = (
    _python("operator", 25, "fluentd"),
    _python("inference", 20),
    _python("collector", 20),
    _python("driftcheck", 70),
    Component("syslog-ng", ("fluentd/syslog-ng/Dockerfile",), 10, "fluentd/syslog-ng/Dockerfile", "fluentd/syslog-ng"),
)


def select(names: Iterable[str]) -> list[Component]:
    """The components called `names`, all of them when there are none. Raises ClusterError for an unknown name."""
    known = {component.name: component for component in COMPONENTS}
    wanted = list(dict.fromkeys(names)) or list(known)
    for name in wanted:
        if name not in known:
            raise ClusterError(f"there is no component called {name}.", f"one of: {', '.join(known)}")
    return [known[name] for name in wanted]


def project_version(pyproject: str) -> str:
    """The version in the text of pyproject.toml: the tag of every image."""
    found = re.search(r'^version = "([^"]+)"$', pyproject, re.MULTILINE)
    if not found:
        raise ClusterError('pyproject.toml has no line `version = "..."`.', "restore it")
    return found[1]


def image_name(component: Component, version: str) -> str:
    """The full name under which the cluster knows the image."""
    return f"{PREFIX}/{component.name}:{version}"


def default_base(dockerfile: str) -> str:
    """The base image that the text of a Dockerfile names."""
    found = re.search(r"^ARG BASE_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    if not found:
        raise ClusterError("the Dockerfile has no line `ARG BASE_IMAGE=...`.", "restore it")
    return found[1]


def content_key(component: Component, repository: Path, base: str, version: str) -> str:
    """12 hexadecimal digits that change when a file of the component, the base image or the image's name changes."""
    digest = hashlib.sha256(f"{base}\0{image_name(component, version)}".encode())
    for path in _files(repository, component.sources):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(repository)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _files(repository: Path, sources: Iterable[str]) -> Iterator[Path]:
    for source in sources:
        top = repository / source
        if not top.exists():
            raise ClusterError(f"{source} is missing, of which an image is made.", "restore it from version control")
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            inside = path.relative_to(repository)
            if path.is_file() and path.suffix not in _IGNORED_SUFFIXES and _IGNORED_FOLDERS.isdisjoint(inside.parts):
                yield path
