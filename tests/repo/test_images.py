"""Each built image holds what its component needs, runs as it should, and holds nothing else."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from tests.support.image_archive import ImageArchive, inside

REPOSITORY = Path(__file__).parents[2]
PACKAGES = {
    "operator": "driftmonitor_operator",
    "inference": "driftmonitor_inference",
    "collector": "driftmonitor_collector",
    "driftcheck": "driftmonitor_check",
}
IMAGES = [*PACKAGES, "syslog-ng"]
FORBIDDEN_PROGRAMS = {"pip", "pip3", "uv", "gcc", "cc", "g++", "make", "ld", "go", "wheel", "easy_install"}
SITE_PACKAGES = re.compile(r"^opt/venv/lib/python3\.\d+/site-packages/")
DISTRIBUTION = re.compile(r"site-packages/([^/]+)-[^/-]+\.dist-info/METADATA$")
# Every module but __main__, which would start the program, and the one that needs an extra which no image holds.
IMPORT_ALL = """
import importlib, importlib.metadata, pkgutil, sys
package = importlib.import_module(sys.argv[1])
left_out = ("__main__", "driftmonitor_check.distributed.engine")
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith(left_out):
        importlib.import_module(module.name)
print(importlib.metadata.version("driftmonitor"))
"""
MONITOR = """
apiVersion: driftmonitor.dev/v1alpha1
kind: DriftMonitor
metadata: {name: bricks}
spec:
  model:
    storageUri: configmap://bricks/model.onnx
    version: "1"
    features: [{name: length, type: Numerical}, {name: colour, type: Categorical}]
  reference: {storageUri: configmap://bricks/reference.parquet}
  checks: {schedule: "*/5 * * * *", window: {lookback: 1h, minRows: 100}}
"""

pytestmark = pytest.mark.timeout(1800)  # a cold build on a busy machine, before the first test


@pytest.fixture(scope="session")
def images() -> dict[str, ImageArchive]:
    """All images, built first where something changed."""
    docker = (
        subprocess.run(["docker", "info"], capture_output=True).returncode == 0 if shutil.which("docker") else False
    )
    if not docker and os.geteuid() != 0:
        reason = "needs a Docker engine that answers, or root (which installs and uses Debian's buildah)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    command = [sys.executable, "-m", "hack.images", *IMAGES]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    return {component: ImageArchive(Path(archive)) for component, _, archive in lines}


@pytest.fixture(scope="session")
def roots(images: dict[str, ImageArchive], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Each image unpacked, for as long as the tests run: together they are gigabytes."""
    if os.geteuid() != 0:
        reason = "needs root, to run a program among an image's files"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    found = {component: tmp_path_factory.mktemp(component) for component in images}
    for component, root in found.items():
        images[component].unpack(root)
    yield found
    for root in found.values():
        shutil.rmtree(root)


def pinned(component: str) -> set[str]:
    text = (REPOSITORY / "constraints" / f"{component}.txt").read_text()
    return {normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("component", PACKAGES)
def test_an_image_holds_exactly_the_packages_of_its_constraints(
    images: dict[str, ImageArchive], component: str
) -> None:
    installed = {normal(found[1]) for path in images[component].files() if (found := DISTRIBUTION.search(path))}
    assert installed == {"driftmonitor", *pinned(component)}


@pytest.mark.parametrize("component", PACKAGES)
def test_an_image_holds_the_code_of_no_other_component(images: dict[str, ImageArchive], component: str) -> None:
    inside = {SITE_PACKAGES.sub("", path).split("/")[0] for path in images[component].files()}
    ours = {name for name in inside if re.fullmatch(r"driftmonitor_\w+", name)}
    assert ours == {"driftmonitor_api", PACKAGES[component]}


@pytest.mark.parametrize("component", IMAGES)
def test_an_image_holds_no_installer_and_no_compiler(images: dict[str, ImageArchive], component: str) -> None:
    files = images[component].files()
    folders = {"bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/venv/bin"}
    programs = {name for path in files for folder, _, name in [path.rpartition("/")] if folder in folders}
    assert programs  # the folders are the right ones
    assert not {program for program in programs if re.sub(r"[-.\d]+$", "", program) in FORBIDDEN_PROGRAMS}
    assert not {
        path for path in files if re.search(r"(site|dist)-packages/(pip|setuptools|wheel|uv)/|/ensurepip/", path)
    }


@pytest.mark.parametrize("component", IMAGES)
def test_an_image_has_its_full_name_and_a_user_that_is_not_root(
    images: dict[str, ImageArchive], component: str
) -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert images[component].names == [f"localhost/driftmonitor/{component}:{version}"]
    assert images[component].config["User"] == "65532:65532"


@pytest.mark.parametrize("component", PACKAGES)
def test_an_image_starts_the_program_of_its_component(images: dict[str, ImageArchive], component: str) -> None:
    image = images[component]
    assert image.config["Entrypoint"] == ["python", "-m", PACKAGES[component]]
    assert image.environment["PYTHONDONTWRITEBYTECODE"] == image.environment["PYTHONUNBUFFERED"] == "1"
    assert image.environment.get("DO_NOT_TRACK") == ("1" if component == "driftcheck" else None)


@pytest.mark.parametrize("component", PACKAGES)
def test_every_module_of_the_component_has_its_byte_code(images: dict[str, ImageArchive], component: str) -> None:
    files = images[component].files()
    sources = {path for path in files if re.search(r"site-packages/driftmonitor_\w+/.*\.py$", path)}
    compiled = {re.sub(r"__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"\1.py", path) for path in files}
    assert sources
    assert sources <= compiled


@pytest.mark.parametrize("component", IMAGES)
def test_no_setting_of_the_building_machine_is_left_in_an_image(
    images: dict[str, ImageArchive], component: str
) -> None:
    assert not {
        path for path in images[component].files() if path.endswith("pip.conf") or path.startswith("run/secrets")
    }


def test_the_operators_image_holds_the_shippers_files(images: dict[str, ImageArchive]) -> None:
    inside = {path for path in images["operator"].files() if path.startswith("etc/driftmonitor/shippers/")}
    assert {
        f"etc/driftmonitor/shippers/{name}" for name in ("fluentd/fluent.conf", "syslog-ng/syslog-ng.conf")
    } <= inside


@pytest.mark.parametrize("component", PACKAGES)
def test_every_module_can_be_imported_in_the_image(
    images: dict[str, ImageArchive], roots: dict[str, Path], component: str
) -> None:
    command = [*inside(images[component], roots[component]), "python", "-c", IMPORT_ALL, PACKAGES[component]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]]


def test_the_check_finds_drift_and_writes_its_report_in_the_image(
    images: dict[str, ImageArchive], roots: dict[str, Path], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)  # the image's user writes the report
    tmp_path.chmod(0o755)
    (data / "monitor.yaml").write_text(MONITOR)
    for name, shift in (("reference", 0), ("current", 40)):
        rows = [{"length": float(i % 50 + shift), "colour": "red" if i % 3 else "blue"} for i in range(1000)]
        parquet.write_table(pyarrow.Table.from_pylist(rows), data / f"{name}.parquet")
    options = ["--monitor=monitor.yaml", "--reference=reference.parquet", "--current=current.parquet"]
    image = images["driftcheck"]
    program = ["env", "--chdir=/data", *image.config["Entrypoint"], "compare", *options, "--report=report.html"]
    done = subprocess.run([*inside(image, roots["driftcheck"], data), *program], capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr  # 1: drift
    assert "length" in (data / "report.html").read_text()


def test_syslog_ng_in_its_image_has_what_the_configuration_uses(
    images: dict[str, ImageArchive], roots: dict[str, Path]
) -> None:
    command = [*inside(images["syslog-ng"], roots["syslog-ng"]), "syslog-ng", "--version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules = re.search(r"^Available-Modules: (.*)$", done.stdout, re.MULTILINE)
    assert modules is not None
    assert {"affile", "disk-buffer", "http"} <= set(modules[1].split(","))
