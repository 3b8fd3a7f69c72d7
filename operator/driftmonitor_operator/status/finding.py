"""What the checks of the conditions are made of. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from driftmonitor_api.v1alpha1 import ConditionStatus
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status.observation import Observation


class Finding(NamedTuple):
    """What a condition says."""

    status: ConditionStatus
    reason: str
    message: str


Check = Callable[[Observation], Finding | None]
"""Looks for one thing, and finds nothing where it has nothing to say."""


def child_problem(component: str) -> Check:
    """A child of the component that is not as it should be."""

    def check(observation: Observation) -> Finding | None:
        problem = next((p for p in observation.problems if p.component == component), None)
        return Finding("False", problem.reason, problem.message) if problem else None

    return check


def unknown(found: Finding | None, *, but: tuple[Reason, ...] = ()) -> Finding | None:
    """The same reason for knowing nothing, unless it is one of `but`."""
    return Finding("Unknown", found.reason, found.message) if found and found.reason not in but else None


def timestamp(moment: datetime) -> str:
    """As the API writes times: whole seconds, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(length: timedelta) -> str:
    """Such as `1d1h`, with its two largest units."""
    seconds = int(length.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        parts.append(f"{number}{unit}" if number else "")
    return "".join([part for part in parts if part][:2]) or "0s"
