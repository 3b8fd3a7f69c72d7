"""Where things lie on the machine, by the XDG base directory rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PROGRAMS_SOURCE = Path(__file__).parent / "programs"


def cache_directory(environment: Mapping[str, str]) -> Path:
    """What may be deleted at any time and is then built again: the programs, the Go toolchain."""
    return _base(environment, "XDG_CACHE_HOME", ".cache") / "driftmonitor"


def state_directory(environment: Mapping[str, str], name: str) -> Path:
    """Everything of the running cluster called `name`; gone after `down`."""
    return _base(environment, "XDG_STATE_HOME", ".local/state") / "driftmonitor" / "cluster" / name


def _base(environment: Mapping[str, str], variable: str, default: str) -> Path:
    chosen = Path(environment.get(variable, ""))
    # A relative value is to be ignored, says the XDG specification; an unset one reads as "." here.
    return chosen if chosen.is_absolute() else Path(environment.get("HOME", "/root")) / default
