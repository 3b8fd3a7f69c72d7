"""Puts snapshots into a workspace folder. Imports Evidently, which costs seconds: import this one late."""

import json
import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # names that Evidently's web server has deprecated
    from evidently.core.report import Snapshot
    from evidently.ui.workspace import Workspace


class WorkspaceError(Exception):
    """The snapshot or the folder cannot be used; the message says why."""


def add(folder: Path, project: str, snapshot: str) -> None:
    """Add a run to the project of this name, which is made where there is none. Raises WorkspaceError."""
    try:
        run = Snapshot.loads(snapshot)
    except Exception as error:  # of whatever kind Evidently's parsing raises
        raise WorkspaceError(f"it is no snapshot of Evidently: {type(error).__name__}: {error}") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        workspace = Workspace.create(str(folder))
        found = [each for each in workspace.search_project(project) if each.name == project]
        known = found[0] if found else workspace.create_project(project)
        workspace.add_run(known.id, run, name=json.loads(snapshot).get("name"))
    except OSError as error:
        raise WorkspaceError(f"{folder} cannot be written: {error}") from error
