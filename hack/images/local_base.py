"""A base image made of Debian packages, for machines that reach no image registry."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from hack.cluster import debian
from hack.cluster.errors import ClusterError
from hack.cluster.progress import Step
from hack.images.commands import run_logged
from hack.images.components import PREFIX
from hack.images.engines import Engine

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
_TOOLS = (
    debian.Package("debootstrap", debian.program("debootstrap")),
    debian.Package("debian-archive-keyring", lambda: Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists()),
    debian.Package("tar", debian.program("tar")),
)
_SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# What a container never reads. Python's own byte code stays: it is what makes a start fast.
_SUPERFLUOUS = (
    "var/cache/apt/*",
    "var/cache/debconf/*",
    "var/lib/apt/lists/*",
    "var/log/*",
    "usr/share/doc/*",
    "usr/share/info/*",
    "usr/share/lintian/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "usr/share/bash-completion/*",
    "dev/*",
)


def mirror(sources: Iterable[str]) -> str | None:
    """The mirror from which this machine's apt takes the suite, of the texts of its source lists."""
    for text in sources:
        for found in re.finditer(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$", text, re.MULTILINE):
            if found[2] == SUITE and "main" in found[3].split():
                return found[1]
        for stanza in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^(\w[\w-]*):\s*(.*)$", stanza, re.MULTILINE))
            if SUITE in fields.get("Suites", "").split() and "main" in fields.get("Components", "").split():
                return str(fields.get("URIs", "").split()[0]) if fields.get("URIs") else None
    return None


class LocalBase:
    """The recipe of the image; its name changes when the recipe or this machine's CA bundle does."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where it is made."""
        self._folder = folder

    def name(self) -> str:
        """The image's name."""
        certificates = CERTIFICATES.read_bytes() if CERTIFICATES.exists() else b""
        recipe = repr((SUITE, PACKAGES, _SUPERFLUOUS, platform.machine())).encode()
        return f"{PREFIX}/base:{hashlib.sha256(recipe + certificates).hexdigest()[:12]}"

    def make(self, engine: Engine, logs: Path) -> None:
        """Make it and give it to the engine. Raises ClusterError when a tool is missing or a step fails."""
        if os.geteuid() != 0:
            raise ClusterError(
                "no image registry is in reach, and a base image can be made by root only.",
                "run as root, or set BASE_IMAGE to an image with Python 3.11 or newer that the engine has",
            )
        debian.ensure(*_TOOLS)
        shutil.rmtree(self._folder, ignore_errors=True)
        root = self._folder / "root"
        root.mkdir(parents=True)
        root.chmod(0o755)
        log = logs / "base.log"
        log.unlink(missing_ok=True)
        step = Step("the base image, of Debian packages", usual_seconds=60)
        run_logged(bootstrap_command(root, mirror(_source_lists())), log, step)
        slim(root)
        if CERTIFICATES.exists():
            shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        archive = self._folder / "root.tar"
        run_logged(["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."], log, step)
        engine.import_base(archive, self.name(), log, step)
        shutil.rmtree(self._folder)
        step.done()


def bootstrap_command(root: Path, source: str | None) -> list[str]:
    """The command line that fills `root`, from `source` or debootstrap's own choice of a mirror."""
    program = debian.find_program("debootstrap") or "debootstrap"
    options = ["--variant=minbase", f"--include={','.join(PACKAGES)}"]
    return [program, *options, SUITE, str(root), *([source] if source else [])]


def slim(root: Path) -> None:
    """Take out of a fresh system what a container never reads, and every program that changes the user."""
    for pattern in _SUPERFLUOUS:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o6000:
            path.chmod(path.stat().st_mode & 0o1777)


def _source_lists() -> list[str]:
    return [path.read_text(errors="replace") for pattern in _SOURCES for path in sorted(Path("/").glob(pattern[1:]))]
