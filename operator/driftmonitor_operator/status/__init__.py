"""What is said of a monitor: observed state in, the operator's part of the status and Events out. All of it is pure."""

from driftmonitor_operator.status.body import changed, invalid, judged, reworded, tells_more
from driftmonitor_operator.status.checking import outdated_jobs
from driftmonitor_operator.status.conditions import judge, next_look, nothing_known
from driftmonitor_operator.status.events import EventLog, Posted, Transition, event, repeated, transitions
from driftmonitor_operator.status.observation import Observation, parsed
from driftmonitor_operator.status.pace import WordsPace
from driftmonitor_operator.status.serving import model_is_served
from driftmonitor_operator.status.workloads import shorten

__all__ = [
    "EventLog",
    "Observation",
    "Posted",
    "Transition",
    "WordsPace",
    "changed",
    "event",
    "invalid",
    "judge",
    "judged",
    "model_is_served",
    "next_look",
    "nothing_known",
    "outdated_jobs",
    "parsed",
    "repeated",
    "reworded",
    "shorten",
    "tells_more",
    "transitions",
]
