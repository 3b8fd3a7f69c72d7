"""Image archives: written as containerd reads them, and refused when a pod could not name what is inside."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hack.cluster import images
from hack.cluster.errors import ClusterError


def archive_with(path: Path, name: str, content: Any) -> Path:
    data = json.dumps(content).encode()
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return path


def test_a_written_image_holds_the_program_executable_and_a_true_digest(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    images.write_program_image(program, "localhost/a/pause:1", tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json") or io.BytesIO())
        configuration = json.load(tar.extractfile(manifest["Config"]) or io.BytesIO())
        layer = (tar.extractfile(manifest["Layers"][0]) or io.BytesIO()).read()
    assert configuration["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert configuration["config"]["Entrypoint"] == ["/pause"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as inner:
        assert inner.getmember("pause").mode == 0o755
    assert images.check_names(tmp_path / "a.tar") == ["localhost/a/pause:1"]


def test_the_name_in_an_oci_archive_is_found(tmp_path: Path) -> None:
    annotations = {"org.opencontainers.image.ref.name": "localhost/driftmonitor/operator:dev"}
    archive = archive_with(tmp_path / "a.tar", "index.json", {"manifests": [{"annotations": annotations}]})
    assert images.check_names(archive) == ["localhost/driftmonitor/operator:dev"]


@pytest.mark.parametrize(
    ("name", "complete"),
    [
        ("localhost/a:1", True),
        ("registry.example.com/a/b:1", True),
        ("host:5000/a:1", True),
        ("localhost/a@sha256:00", True),
        ("a:1", False),
        ("driftmonitor/operator:dev", False),
        ("localhost/a", False),
        ("host:5000/a", False),
    ],
)
def test_a_name_needs_a_host_and_a_tag(name: str, complete: bool) -> None:
    assert images.is_complete(name) is complete


def test_an_image_that_a_pod_could_not_name_is_refused(tmp_path: Path) -> None:
    archive = archive_with(tmp_path / "a.tar", "manifest.json", [{"RepoTags": ["operator:dev"]}])
    with pytest.raises(ClusterError, match="'operator:dev', without host or tag"):
        images.check_names(archive)


def test_an_archive_without_a_name_is_refused(tmp_path: Path) -> None:
    archive = archive_with(tmp_path / "a.tar", "index.json", {"manifests": [{"digest": "sha256:00"}]})
    with pytest.raises(ClusterError, match="no image with a name"):
        images.check_names(archive)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("no tar")
    with pytest.raises(ClusterError, match=r"a\.tar is no image archive"):
        images.check_names(tmp_path / "a.tar")
