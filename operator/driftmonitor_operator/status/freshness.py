"""Whether checks still come: the moments at which, without news, they count as stale. Pure."""

from datetime import datetime, timedelta

from driftmonitor_operator.status.observation import Observation
from driftmonitor_operator.status.workloads import finish

MISSED_RUNS = 3
PUBLISHING_TIME = timedelta(minutes=1)
"""For the last of the missed runs to start its pod and to publish, before its lack means anything."""
CHECK_TIME = timedelta(minutes=11)
"""Kubernetes ends a check's Job after ten minutes; until then it may yet publish."""


def checks_stale_at(observation: Observation) -> datetime | None:
    """When the checks count as stopped: they were due three times since the last one published, or since the CronJob
    became what it is. None: never."""
    cron_job = observation.cron_job()
    changed = cron_job.changed if cron_job else None
    moments = [moment for moment in (observation.published, changed) if moment is not None]
    return _stale_at(observation, max(moments)) if moments else None


def verdict_stale_at(observation: Observation) -> datetime | None:
    """When the last verdict is too old to say anything about now, even where the CronJob is new or goes on after a
    pause. None: never."""
    return _stale_at(observation, observation.published) if observation.published else None


def since(observation: Observation, moment: datetime | None) -> bool:
    """Whether that moment has come."""
    return moment is not None and moment <= observation.now


def _stale_at(observation: Observation, since: datetime) -> datetime | None:
    schedule = observation.schedule
    runs = schedule.runs_after(since, MISSED_RUNS) if schedule else []
    if len(runs) < MISSED_RUNS:
        return None
    stale = runs[-1] + PUBLISHING_TIME
    running = next((job for job in observation.jobs() if finish(job) is None), None)
    if running is not None and running.created <= stale:
        stale = max(stale, running.created + CHECK_TIME)
    return stale
