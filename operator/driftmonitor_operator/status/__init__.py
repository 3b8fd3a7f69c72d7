"""What is said of a monitor: observed state in, the operator's part of the status and Events out. All of it is pure."""

from driftmonitor_operator.status.body import changed, invalid, judged
from driftmonitor_operator.status.conditions import judge, nothing_known
from driftmonitor_operator.status.events import Transition, event, transitions
from driftmonitor_operator.status.observation import Observation
from driftmonitor_operator.status.workloads import rolled_out, shorten

__all__ = [
    "Observation",
    "Transition",
    "changed",
    "event",
    "invalid",
    "judge",
    "judged",
    "nothing_known",
    "rolled_out",
    "shorten",
    "transitions",
]
