"""Everything that the judgement of one monitor looks at, and where to find it there. Pure."""

from dataclasses import dataclass, replace

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import kinds
from driftmonitor_operator.observed import Observed, Problem


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
    problems: tuple[Problem, ...] = ()
    """Children that could not be applied."""
    missing_model: str = ""
    """Why the model's ConfigMap or claim cannot be mounted, where that was looked up."""
    missing_reference: str = ""
    """Why the reference's cannot."""

    def deployment(self, component: str) -> Observed | None:
        """The component's Deployment, where this monitor owns it."""
        uid = self.monitor.metadata.uid
        mine = (c for c in self.children if c.kind == "Deployment" and c.component == component and c.owned_by(uid))
        return next(mine, None)

    def pods(self, component: str) -> list[Observed]:
        """The component's pods."""
        return [c for c in self.children if c.kind == kinds.POD.name and c.component == component]

    def serving_pods(self) -> list[Observed]:
        """The inference pods of the present spec."""
        return [pod for pod in self.pods("inference") if pod.configuration == self.configuration]

    def reference_was_read(self) -> bool:
        """Whether a check has read the reference that the spec names, and the last one did not miss it."""
        last, read = self.monitor.status.last_check, self.monitor.status.reference
        return (
            read is not None
            and read.storage_uri == self.monitor.spec.reference.storage_uri
            and (last is None or last.verdict != "ReferenceMissing")
        )

    def with_missing(self, model: str, reference: str) -> "Observation":
        """The same with what a look for the model's and the reference's source has found."""
        return replace(self, missing_model=model, missing_reference=reference)

    def jobs(self) -> list[Observed]:
        """The Jobs of this monitor's CronJob, the youngest first."""
        uid = self.monitor.metadata.uid
        cron_jobs = {c.uid for c in self.children if c.kind == "CronJob" and c.owned_by(uid)}
        jobs = [
            c for c in self.children if c.kind == kinds.JOB.name and any(owner in cron_jobs for *_, owner in c.owners)
        ]
        return sorted(jobs, key=lambda job: job.created, reverse=True)
