"""Lays the component's packages out as an installed distribution, without a build tool."""

from __future__ import annotations

import compileall
import shutil
import sys
import tomllib
from pathlib import Path
from py_compile import PycInvalidationMode
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


def install(pyproject: Path, source: Path, root: Path, environment: str) -> None:
    """Copy each package in `source` into the `environment` under `root`, write its metadata, compile it."""
    site_packages = root / environment / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    project = tomllib.loads(pyproject.read_text())["project"]
    for package in sorted(source.glob("driftmonitor_*")):
        shutil.copytree(package, site_packages / package.name)
    distribution = site_packages / f"{project['name']}-{project['version']}.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text(metadata(project))
    (distribution / "INSTALLER").write_text("hack/images\n")
    # Byte code that Python takes without looking at the source's time, which image builders change.
    mode = PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(site_packages, quiet=1, stripdir=root, prependdir="/", invalidation_mode=mode):
        raise SystemExit("error: a module of the component does not compile; see the lines above")


if __name__ == "__main__":
    install(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
