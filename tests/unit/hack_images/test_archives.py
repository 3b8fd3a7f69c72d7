"""Which archives are kept."""

from __future__ import annotations

import os
from pathlib import Path

from hack.images import archives

NAMES = ["check-c.tar", "check-a.tar", "check-b.tar", "check-ng-a.tar", "other-a.tar", "check-d.unfinished", "lock"]


def test_the_newest_two_of_a_component_are_kept_and_no_other_component_is_touched(tmp_path: Path) -> None:
    for age, name in enumerate(NAMES):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    archives.remove_outdated(tmp_path, "check")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "check-a.tar",
        "check-c.tar",
        "check-ng-a.tar",
        "lock",
        "other-a.tar",
    ]


def test_an_archive_is_named_after_its_component_and_content(tmp_path: Path) -> None:
    path = archives.archive_path(tmp_path, "syslog-ng", "0123456789ab")
    assert path == tmp_path / "syslog-ng-0123456789ab.tar"
    assert archives.outdated({path: 1.0}, "syslog-ng", kept=0) == [path]
