"""The archives under the cache folder: their names, and which of them are to go."""

from __future__ import annotations

from pathlib import Path

UNFINISHED = ".unfinished"
KEPT = 2  # of each component: the current one, and the one before for a step back


def archive_path(folder: Path, component: str, key: str) -> Path:
    """Where the archive of this content lies; it exists only complete."""
    return folder / f"{component}-{key}.tar"


def outdated(archives: dict[Path, float], component: str, kept: int = KEPT) -> list[Path]:
    """Of the archives, given with their time of last use, those of `component` but the newest `kept`."""
    ours = [path for path in archives if path.name.rpartition("-")[0] == component]
    return sorted(ours, key=lambda path: archives[path], reverse=True)[kept:]


def remove_outdated(folder: Path, component: str) -> None:
    """Delete them, and what a build that was interrupted left."""
    found = {path: path.stat().st_mtime for path in folder.iterdir()}
    complete = {path: used for path, used in found.items() if path.suffix == ".tar"}
    unfinished = {path: used for path, used in found.items() if path.suffix == UNFINISHED}
    for path in [*outdated(complete, component), *outdated(unfinished, component, kept=0)]:
        path.unlink()
