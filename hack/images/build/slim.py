"""Makes what was installed small and fast to start: removes what never runs, compiles what does.

Called with the folder of a virtual environment, or with --base for the system around it.
"""

from __future__ import annotations

import compileall
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

# Under the folder of the environment: notebook extensions, and data that nothing looks for there.
ENVIRONMENT = ("etc", "evidently", "share")

# In site-packages: tests, what is only for compiling against a package, and whole parts that no component imports.
PACKAGES = (
    *(f"{name}/**/tests" for name in ("numpy", "pandas", "patsy", "pyarrow", "scipy", "sklearn", "statsmodels")),
    "**/*.pyx",
    "**/*.pxd",
    "**/*.pyi",
    "numpy/_core/include",
    "numpy/_core/lib",
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/libarrow*.so",  # the names that a linker looks for; the loader uses those with a version
    "pyarrow/libarrow*.so.*.*.*",
    "pyarrow/libarrow_flight.so.*",
    "pyarrow/libarrow_python_flight.so.*",
    "pyarrow/_flight.*",
    "kubernetes/aio",
    "jupyterlab_plotly",
)

# Tens of thousands of small generated files, kept as byte code alone: the report's figures, the Kubernetes API.
GENERATED = ("plotly/validators", "plotly/graph_objs", "kubernetes/client/models", "kubernetes/client/api")

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


def compile_packages(site_packages: Path) -> None:
    """Byte code for every module, which Python takes without looking at the source's time; see GENERATED."""
    for folder in found(site_packages, GENERATED):
        compileall.compile_dir(folder, quiet=2, workers=0, legacy=True)
        remove(source for source in sorted(folder.rglob("*.py")) if source.with_suffix(".pyc").exists())
    # A few packages hold templates or Python 2 files that do not compile; nothing imports them.
    compileall.compile_dir(site_packages, quiet=2, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


def main(argument: str) -> None:
    """`argument` is --base, or the folder of a virtual environment."""
    if argument == "--base":
        remove(found(Path("/"), INSTALLERS))
        return
    remove(found(Path(argument), ENVIRONMENT))
    for site_packages in Path(argument).glob("lib/python3*/site-packages"):
        remove(found(site_packages, PACKAGES))
        compile_packages(site_packages)


if __name__ == "__main__":
    main(sys.argv[1])
