"""Everything that the judgement of one monitor looks at, and where to find it there. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from driftmonitor_api.base import parse_duration
from driftmonitor_api.v1alpha1 import CheckResult, DriftMonitor
from driftmonitor_operator import kinds, schedule
from driftmonitor_operator.observed import Observed, Problem

_CLOCK_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Observation:
    """Everything that the judgement looks at."""

    monitor: DriftMonitor
    children: tuple[Observed, ...]
    """All that bears the monitor's label, with the Jobs and pods."""
    configuration: str
    """Digest that pods of the present spec bear."""
    endpoints: kinds.Body
    """Addresses of the Services."""
    now: datetime
    """The time of the look."""
    written: datetime | None = None
    """When the check last wrote its facts, by the apiserver's clock; None where that is not known."""
    departed: tuple[Observed, ...] = ()
    """Pods of the inference server that are gone, as they were at last."""
    problems: tuple[Problem, ...] = ()
    """Children that could not be applied."""
    missing_model: str = ""
    """Why the model's ConfigMap or claim cannot be mounted, where that was looked up."""
    missing_detector: str = ""
    """Why the outlier detector's cannot."""
    missing_reference: str = ""
    """Why the reference's cannot."""

    @property
    def last(self) -> CheckResult | None:
        """What the last check that published has concluded."""
        return self.monitor.status.last_check

    @property
    def published(self) -> datetime | None:
        """When the last check published. Its own clock is taken only where the apiserver's is not known, and then it is
        not believed where it is ahead."""
        if self.last is None:
            return None
        return self.written or min(self.last.time, self.now)

    @property
    def schedule(self) -> schedule.Schedule | None:
        """When checks are due; None where the schedule cannot be read."""
        checks = self.monitor.spec.checks
        return schedule.parse(checks.schedule, checks.time_zone)

    def deployment(self, component: str) -> Observed | None:
        """The component's Deployment, where this monitor owns it."""
        return next((c for c in self._owned("Deployment") if c.component == component), None)

    def cron_job(self) -> Observed | None:
        """The CronJob, where this monitor owns it."""
        return next(iter(self._owned("CronJob")), None)

    def pods(self, component: str) -> list[Observed]:
        """The component's pods."""
        return [c for c in self.children if c.kind == kinds.POD.name and c.component == component]

    def serving_pods(self) -> list[Observed]:
        """The inference pods of the present spec."""
        return [pod for pod in self.pods("inference") if pod.configuration == self.configuration]

    def jobs(self) -> list[Observed]:
        """The Jobs of this monitor's CronJob, the youngest first."""
        cron_jobs = {c.uid for c in self._owned("CronJob")}
        jobs = [
            c for c in self.children if c.kind == kinds.JOB.name and any(owner in cron_jobs for *_, owner in c.owners)
        ]
        return sorted(jobs, key=lambda job: job.created, reverse=True)

    def reference_was_read(self) -> bool:
        """Whether a check has read the reference that the spec names, and the last one did not miss it."""
        missed = self.last is not None and self.last.verdict in ("ReferenceMissing", "ReferenceStale")
        return self.monitor.status.reference is not None and self._reference_is_the_specs() and not missed

    def verdict_is_of_this_spec(self) -> bool:
        """Whether the last verdict is about the model and the reference that the spec names now."""
        if self.last is None:
            return False
        if self.last.subject is not None:
            return self.last.subject == self.monitor.spec.subject
        return self._reference_is_the_specs()  # by a check of a version that does not tell

    def with_missing(self, model: str, reference: str, detector: str = "") -> "Observation":
        """The same with what a look for the model's and the reference's source has found."""
        return replace(self, missing_model=model, missing_reference=reference, missing_detector=detector)

    def _owned(self, kind: str) -> list[Observed]:
        uid = self.monitor.metadata.uid
        return [child for child in self.children if child.kind == kind and child.owned_by(uid)]

    def _reference_is_the_specs(self) -> bool:
        """Whether what was read is what the spec names; True where nothing was read."""
        read, reference = self.monitor.status.reference, self.monitor.spec.reference
        if read is None:
            return True
        if reference.capture_rows is not None:
            return read.capture is not None and read.capture.name == reference.capture_name
        if reference.window is None:
            same_file = reference.sha256 is None or reference.sha256 == read.sha256
            return read.storage_uri == reference.storage_uri and same_file
        if read.storage_uri is not None or read.window_start is None or read.window_end is None:
            return False
        lookback, offset = parse_duration(reference.window.lookback), parse_duration(reference.window.offset)
        length, age = read.window_end - read.window_start, read.time - read.window_end
        return abs(length - lookback) < _CLOCK_TOLERANCE and abs(age - offset) < _CLOCK_TOLERANCE


def parsed(body: kinds.Body) -> DriftMonitor:
    """The monitor of an object. Raises ValidationError when its spec cannot be used.

    Facts in its status that cannot be read, as those of a newer version's check, count as not there.
    """
    try:
        return DriftMonitor.model_validate(body)
    except ValidationError as error:
        places = [place["loc"] for place in error.errors()]
        if any(len(place) < 2 or place[0] != "status" for place in places):
            raise
        unread = {place[1] for place in places}
        status = {name: value for name, value in body["status"].items() if name not in unread}
        return DriftMonitor.model_validate({**body, "status": status})
