"""The programs that run inside an image while it is built."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from hack.images.build import install, slim

PROJECT = """\
[project]
name = "driftmonitor"
version = "9.8.7"
description = "Says when the data has drifted"
license = "Apache-2.0"
requires-python = ">=3.11"
"""


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def test_the_packages_lie_where_python_finds_them_with_their_version(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    put(tmp_path / "source", "driftmonitor_part/__init__.py", "driftmonitor_part/inner/data.json", "elsewhere/x.py")
    (tmp_path / "source/driftmonitor_part/failing.py").write_text("def fail():\n    raise ValueError\n")
    install.install(tmp_path / "pyproject.toml", tmp_path / "source", tmp_path / "image", "opt/venv")
    site_packages = next((tmp_path / "image/opt/venv/lib").glob("python3*/site-packages"))
    (found,) = importlib.metadata.distributions(path=[str(site_packages)])
    assert (found.name, found.version) == ("driftmonitor", "9.8.7")
    assert (site_packages / "driftmonitor_part/inner/data.json").exists()
    assert not (site_packages / "elsewhere").exists()
    assert list(site_packages.glob("driftmonitor_part/__pycache__/__init__.*.pyc"))


def test_the_byte_code_says_the_path_in_the_image_not_that_of_the_build(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    put(tmp_path / "source", "driftmonitor_part/__init__.py")
    install.install(tmp_path / "pyproject.toml", tmp_path / "source", tmp_path / "image", "opt/venv")
    (compiled,) = (tmp_path / "image").rglob("__init__.*.pyc")
    assert b"/opt/venv/lib/" in compiled.read_bytes()
    assert str(tmp_path).encode() not in compiled.read_bytes()


def test_a_module_that_does_not_compile_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    put(tmp_path / "source", "driftmonitor_part/__init__.py")
    (tmp_path / "source/driftmonitor_part/broken.py").write_text("def (:\n")
    with pytest.raises(SystemExit, match="does not compile"):
        install.install(tmp_path / "pyproject.toml", tmp_path / "source", tmp_path / "image", "opt/venv")


def test_tests_and_headers_go_and_what_a_component_imports_stays(tmp_path: Path) -> None:
    site_packages = tmp_path / "lib/python3.11/site-packages"
    gone = ["scipy/stats/tests/test_a.py", "pyarrow/include/api.h", "pyarrow/_flight.so", "kubernetes/aio/__init__.py"]
    kept = ["scipy/stats/a.py", "ours/tests/data.py", "pyarrow/lib.so", "pyarrow/libarrow.so.2600", "numpy/f2py/a.py"]
    put(site_packages, *gone, *kept)
    put(tmp_path, "share/jupyter/x", "bin/python")
    slim.main(str(tmp_path))
    assert not any((site_packages / name).exists() for name in gone)
    assert all((site_packages / name).exists() for name in kept)
    assert (tmp_path / "bin/python").exists() and not (tmp_path / "share").exists()


def test_generated_modules_are_imported_from_byte_code_alone(tmp_path: Path) -> None:
    site_packages = tmp_path / "lib/python3.11/site-packages"
    put(site_packages, "plotly/__init__.py", "plotly/validators/__init__.py")
    (site_packages / "plotly/validators/bar.py").write_text("width = 7\n")
    slim.main(str(tmp_path))
    assert [path.name for path in sorted((site_packages / "plotly/validators").iterdir())] == [
        "__init__.pyc",
        "bar.pyc",
    ]
    program = "from plotly.validators.bar import width; print(width)"
    done = subprocess.run([sys.executable, "-c", program], cwd=site_packages, capture_output=True, text=True)
    assert done.stdout == "7\n", done.stderr


@pytest.mark.parametrize(
    "base",
    [
        # The layout of an image with a Python of its own, and Debian's.
        ["usr/local/lib/python3.11/site-packages/pip/__init__.py", "usr/local/bin/pip3.11"],
        ["usr/local/lib/python3.11/ensurepip/__init__.py", "usr/local/lib/python3.11/site-packages/setuptools/a.py"],
        ["usr/lib/python3.11/ensurepip/__init__.py", "usr/share/python-wheels/pip-23.0.1.whl"],
    ],
)
def test_the_installers_of_a_base_image_are_found(tmp_path: Path, base: list[str]) -> None:
    put(tmp_path, *base, "usr/local/bin/python3.11", "usr/lib/python3.11/os.py")
    slim.remove(slim.found(tmp_path, slim.INSTALLERS))
    assert not any((tmp_path / name).exists() for name in base)
    assert (tmp_path / "usr/local/bin/python3.11").exists() and (tmp_path / "usr/lib/python3.11/os.py").exists()
