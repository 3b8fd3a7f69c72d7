"""What a monitor's status says, and waiting for it to say something."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hack.cluster.errors import ClusterError
from hack.demo.kubectl import Kubectl, Object

POLL_SECONDS = 1.0
UNSET = ("Unknown", "", "")


@dataclass(frozen=True)
class Observed:
    """One look at a monitor."""

    manifest: Object

    @property
    def status(self) -> dict[str, Any]:
        """Its status; empty before the operator has seen it."""
        status: dict[str, Any] = self.manifest.get("status", {})
        return status

    def condition(self, kind: str) -> tuple[str, str, str]:
        """Status, reason and message of one condition."""
        for condition in self.status.get("conditions", []):
            if condition["type"] == kind:
                return condition["status"], condition["reason"], condition["message"]
        return UNSET

    @property
    def last_check(self) -> dict[str, Any]:
        """What the last check found; empty before the first."""
        check: dict[str, Any] = self.status.get("lastCheck", {})
        return check

    @property
    def rows(self) -> int:
        """Rows that the last check compared."""
        return int(self.last_check.get("rows", 0))

    @property
    def min_rows(self) -> int:
        """Rows that a check needs for a verdict."""
        return int(self.manifest["spec"]["checks"]["window"]["minRows"])

    @property
    def ready(self) -> bool:
        """Whether it serves, collects and can check."""
        return self.condition("Ready")[0] == "True"

    @property
    def stable(self) -> bool:
        """Whether a check of enough rows found no drift."""
        status, reason, _ = self.condition("DriftDetected")
        return (status, reason) == ("False", "NoDrift") and self.rows >= self.min_rows

    @property
    def drifted(self) -> bool:
        """Whether a check of enough rows found drift."""
        return self.condition("DriftDetected")[0] == "True" and self.rows >= self.min_rows

    @property
    def insufficient(self) -> bool:
        """Whether the last check had too few rows."""
        return self.condition("DriftDetected")[:2] == ("Unknown", "InsufficientData")

    @property
    def visible(self) -> tuple[object, ...]:
        """What `kubectl get drift` shows of it, without the times."""
        return self.condition("Ready")[0], self.status.get("drift"), self.last_check.get("drifted"), self.rows


def observe(kubectl: Kubectl, name: str) -> Observed:
    """Look at a monitor. ClusterError when there is none."""
    return Observed(kubectl.get("driftmonitor", name))


def table(kubectl: Kubectl, name: str, *options: str) -> str:
    """What `kubectl get drift` prints."""
    return kubectl.run("get", "drift", name, *options).rstrip()


@dataclass(frozen=True)
class Snapshot:
    """A monitor at one moment: the object, and what `kubectl get drift` prints of it, plain and wide."""

    observed: Observed
    table: str
    wide: str


def take_snapshot(kubectl: Kubectl, name: str) -> Snapshot:
    """Look once in each way. ClusterError when there is no such monitor."""
    return Snapshot(observe(kubectl, name), table(kubectl, name), table(kubectl, name, "-o", "wide"))


def cells(text: str) -> dict[str, str]:
    """Pure: the one row of a table by its column names; a cell may be empty."""
    header, row = text.splitlines()
    names = list(re.finditer(r"\S+( \S+)*", header))
    ends = [name.start() for name in names[1:]] + [None]
    return {name[0]: row[name.start() : end].strip() for name, end in zip(names, ends, strict=True)}


def wait(
    kubectl: Kubectl,
    name: str,
    what: str,
    holds: Callable[[Observed], bool],
    timeout: float,
    saw: Callable[[Observed, float], None] = lambda observed, seconds: None,
) -> Observed:
    """Look until `holds`; `saw` is told each look and the seconds waited. ClusterError after `timeout` seconds."""
    begin = time.monotonic()
    while True:
        observed = observe(kubectl, name)
        seconds = time.monotonic() - begin
        saw(observed, seconds)
        if holds(observed):
            return observed
        if seconds > timeout:
            raise ClusterError(f"{what} was not to be seen on {kubectl.namespace}/{name} within {timeout:.0f} s.")
        time.sleep(POLL_SECONDS)


def wait_gone(kubectl: Kubectl, kinds: str, selector: str, timeout: float) -> None:
    """Wait until no object of these kinds has the labels. ClusterError, with their names, after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while left := kubectl.run("get", kinds, "-l", selector, "--ignore-not-found", "-o", "name").split():
        if time.monotonic() > deadline:
            raise ClusterError(f"still there after {timeout:.0f} s: {', '.join(left)}.")
        time.sleep(POLL_SECONDS)
