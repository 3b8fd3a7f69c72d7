"""Takes what no running component needs out of a virtual environment, or the installers out of the base image."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

# In each environment's site-packages: what is only for tests, for compiling against the package, or for notebooks.
ENVIRONMENT = (
    *(f"{package}/**/tests" for package in ("numpy", "pandas", "patsy", "pyarrow", "scipy", "sklearn", "statsmodels")),
    "**/*.pyx",
    "**/*.pxd",
    "**/*.pyi",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "pyarrow/include",
    "pyarrow/src",
    "plotly/labextension",
)

# In the base image: pip, and what would bring it back.
INSTALLERS = (
    "usr/local/bin/pip*",
    "usr/local/bin/wheel",
    "usr/local/lib/python3*/ensurepip",
    "usr/local/lib/python3*/site-packages/pip*",
    "usr/local/lib/python3*/site-packages/setuptools*",
    "usr/local/lib/python3*/site-packages/wheel*",
    "usr/local/lib/python3*/site-packages/pkg_resources",
    "usr/local/lib/python3*/site-packages/_distutils_hack",
    "usr/local/lib/python3*/site-packages/distutils-precedence.pth",
    "usr/lib/python3*/ensurepip",
    "usr/share/python-wheels",
)


def found(folder: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """What in `folder` matches one of the patterns."""
    for pattern in patterns:
        yield from sorted(folder.glob(pattern))


def remove(paths: Iterable[Path]) -> None:
    """Delete files and whole folders; one that went with its folder is no error."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def main(argument: str) -> None:
    """`argument` is --base, or the folder of a virtual environment."""
    if argument == "--base":
        remove(found(Path("/"), INSTALLERS))
    else:
        for site_packages in Path(argument).glob("lib/python3*/site-packages"):
            remove(found(site_packages, ENVIRONMENT))


if __name__ == "__main__":
    main(sys.argv[1])
