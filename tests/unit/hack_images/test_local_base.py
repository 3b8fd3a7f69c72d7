"""The base image made of Debian packages: where they come from, and what is taken out."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hack.cluster.errors import ClusterError
from hack.images import local_base
from hack.images.local_base import LocalBase

ONE_LINE = (
    "deb [signed-by=/k.gpg] https://packages.example bookworm stable\ndeb http://one.example/debian bookworm main\n"
)
STANZAS = """\
Types: deb
URIs: http://other.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
# a comment
URIs: http://two.example/debian http://three.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
"""


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([ONE_LINE], "http://one.example/debian"),
        ([STANZAS], "http://two.example/debian"),
        (["", STANZAS, ONE_LINE], "http://two.example/debian"),
        (["deb http://x.example/debian trixie main\n"], None),
        (["# deb http://x.example/debian bookworm main\n"], None),
        ([], None),
    ],
)
def test_the_packages_come_from_the_mirror_that_apt_uses(sources: list[str], expected: str | None) -> None:
    assert local_base.mirror(sources) == expected


def test_without_a_known_mirror_debootstrap_chooses_its_own(tmp_path: Path) -> None:
    assert local_base.bootstrap_command(tmp_path, None)[-2:] == ["bookworm", str(tmp_path)]
    assert local_base.bootstrap_command(tmp_path, "http://a.example")[-1] == "http://a.example"


def test_documents_caches_and_devices_go_and_programs_lose_the_right_to_change_the_user(tmp_path: Path) -> None:
    gone = ["usr/share/doc/bash/README", "var/cache/apt/pkgcache.bin", "usr/share/locale/de/x.mo", "dev/null"]
    kept = ["usr/bin/passwd", "usr/lib/python3.11/__pycache__/os.cpython-311.pyc", "var/lib/dpkg/status"]
    for name in [*gone, *kept]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "usr/bin/passwd").chmod(0o4755)
    (tmp_path / "usr/share/doc/link").symlink_to("/etc")
    local_base.slim(tmp_path)
    assert not any((tmp_path / name).exists() for name in gone)
    assert not (tmp_path / "usr/share/doc/link").is_symlink()
    assert all((tmp_path / name).exists() for name in kept)
    assert stat.S_IMODE((tmp_path / "usr/bin/passwd").stat().st_mode) == 0o755


def test_the_name_changes_with_the_machines_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.crt"
    monkeypatch.setattr(local_base, "CERTIFICATES", bundle)
    names = [LocalBase(tmp_path).name()]
    for content in ("one", "two"):
        bundle.write_text(content)
        names.append(LocalBase(tmp_path).name())
    assert len(set(names)) == 3


def test_it_needs_root_and_says_what_else_one_can_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="BASE_IMAGE"):
        LocalBase(tmp_path).make(None, tmp_path)  # type: ignore[arg-type]
