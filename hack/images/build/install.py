"""Lays the component's packages out as an installed distribution, without a build tool."""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any


def metadata(project: dict[str, Any]) -> str:
    """The METADATA file of the distribution, from pyproject.toml's [project]."""
    fields = {
        "Metadata-Version": "2.1",
        "Name": project["name"],
        "Version": project["version"],
        "Summary": project["description"],
        "License": project["license"],
        "Requires-Python": project["requires-python"],
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def install(pyproject: Path, source: Path, site_packages: Path) -> None:
    """Copy each package in `source`, and write the metadata that importlib.metadata reads."""
    project = tomllib.loads(pyproject.read_text())["project"]
    for package in sorted(source.glob("driftmonitor_*")):
        shutil.copytree(package, site_packages / package.name)
    distribution = site_packages / f"{project['name']}-{project['version']}.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text(metadata(project))
    (distribution / "INSTALLER").write_text("hack/images\n")


if __name__ == "__main__":
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    install(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) / "lib" / python / "site-packages")
