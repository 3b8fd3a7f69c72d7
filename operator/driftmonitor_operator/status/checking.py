"""ReferenceReady and ChecksHealthy: whether checks run, and have what they need. Pure."""

from driftmonitor_api.v1alpha1 import Reference
from driftmonitor_operator import kinds
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status import freshness, workloads
from driftmonitor_operator.status.finding import Check, Finding, child_problem, timestamp
from driftmonitor_operator.status.observation import Observation


def _reference_missing(observation: Observation) -> Finding | None:
    missing = observation.missing_reference
    return Finding("False", Reason.REFERENCE_MISSING, f"spec.reference.storageUri: {missing}") if missing else None


def _reference_stale(observation: Observation) -> Finding | None:
    last, read, spec = observation.last, observation.monitor.status.reference, observation.monitor.spec
    capture = read.capture if read is not None else None
    if capture is None or capture.name != spec.reference.capture_name:
        return None
    if last is not None and last.verdict == "ReferenceStale" and observation.verdict_is_of_this_spec():
        return Finding("False", Reason.REFERENCE_STALE, last.message or "the model is another one")
    if capture.model_version in (None, spec.model.version):
        return None
    message = (
        f"the reference was captured of version {capture.model_version} of the model, and spec.model.version is"
        f" {spec.model.version}; set spec.reference.captureSince to a time from which on another one is to be captured"
    )
    return Finding("False", Reason.REFERENCE_STALE, message)


def _reference_capturing(observation: Observation) -> Finding | None:
    last, read = observation.last, observation.monitor.status.reference
    if read is None or read.capture is None or read.sha256 or not observation.verdict_is_of_this_spec():
        return None
    if last is None or last.verdict != "ReferenceMissing" or not last.message:
        return None
    return Finding("Unknown", Reason.CAPTURING, last.message)


def _reference_reported_missing(observation: Observation) -> Finding | None:
    last = observation.last
    if last is None or last.verdict != "ReferenceMissing" or not observation.verdict_is_of_this_spec():
        return None
    message = last.message or "the last check could not read it; see spec.reference"
    return Finding("False", Reason.REFERENCE_MISSING, message)


def _reference_read(observation: Observation) -> Finding | None:
    read, reference = observation.monitor.status.reference, observation.monitor.spec.reference
    if read is None or not observation.reference_was_read():
        return None
    # The number of rows of a window is another one each time, and no news.
    what = f"{read.rows} rows from {_named(reference)}" if reference.storage_uri else _named(reference)
    return Finding("True", Reason.READ, f"the last check read {what}")


def _reference_not_yet_read(observation: Observation) -> Finding:
    named = _named(observation.monitor.spec.reference)
    return Finding("Unknown", Reason.NOT_YET_READ, f"no check has read {named} yet; the next one will")


def _named(reference: Reference) -> str:
    if reference.capture_rows is not None:
        return f"the first {reference.capture_rows} rows since {reference.capture_since or 'the start'}"
    if reference.window is None:
        return str(reference.storage_uri)
    return f"the predictions of {reference.window.lookback} that end {reference.window.offset} before it"


def suspended(observation: Observation) -> Finding | None:
    """The user wants no checks."""
    if not observation.monitor.spec.suspend:
        return None
    return Finding("Unknown", Reason.SUSPENDED, "spec.suspend is true, so no check runs; set it to false to go on")


def job_failed(observation: Observation) -> Finding | None:
    """The newest finished Job failed, and nothing was published since."""
    finished = next((job for job in observation.jobs() if workloads.finish(job)), None)
    when = workloads.finish(finished) if finished else None
    if finished is None or when is None or finished.condition("Failed").get("status") != "True":
        return None
    if observation.published is not None and when <= observation.published:
        return None
    return Finding("False", Reason.CHECK_FAILED, _job_message(observation, finished))


def check_failed(observation: Observation) -> Finding | None:
    """The last check that published says that it failed."""
    last = observation.last
    if last is None or last.verdict != "CheckFailed":
        return None
    return Finding("False", Reason.CHECK_FAILED, last.message or "the last check failed; see the logs of its pod")


def _check_stuck(observation: Observation) -> Finding | None:
    """The pod of a running Job cannot start. One that failed is tried again, and may yet succeed."""
    running = next((job for job in observation.jobs() if not workloads.finish(job)), None)
    trouble = _not_started(observation, running) if running else None
    return Finding("False", trouble.reason, f"the check does not start: {trouble.message}") if trouble else None


def outdated_jobs(observation: Observation) -> list[Observed]:
    """Jobs that cannot start, of a CronJob that was changed since: each would keep the next check from running until
    its deadline, though the mistake may be mended."""
    cron_job = observation.cron_job()
    if cron_job is None or cron_job.changed is None:
        return []
    return [
        job
        for job in observation.jobs()
        if job.created <= cron_job.changed
        and not job.terminating
        and not workloads.finish(job)
        and _not_started(observation, job)
    ]


def _not_started(observation: Observation, job: Observed) -> workloads.Trouble | None:
    trouble = workloads.pods_trouble(_job_pods(observation, job))
    return trouble if trouble and trouble.reason in workloads.NOT_STARTED else None


def _checks_stale(observation: Observation) -> Finding | None:
    if not freshness.since(observation, freshness.checks_stale_at(observation)):
        return None
    return Finding("False", Reason.STALE, stale_message(observation))


def stale_message(observation: Observation) -> str:
    """What is known of checks that do not come."""
    schedule, published = observation.monitor.spec.checks.schedule, observation.published
    ever = f"no check has published since {timestamp(published)}" if published else "no check has ever published"
    namespace, cron_job = observation.monitor.metadata.namespace, observation.cron_job()
    where = f"; see kubectl -n {namespace} describe cronjob {cron_job.name}" if cron_job else ""
    return f'{ever}, though the schedule "{schedule}" had it run {freshness.MISSED_RUNS} times{where}'


def no_check_yet(observation: Observation) -> Finding | None:
    """Nothing has been published at all."""
    if observation.last is not None:
        return None
    schedule = observation.monitor.spec.checks.schedule
    return Finding("Unknown", Reason.NO_CHECK_YET, f'no check has run yet; the schedule is "{schedule}"')


def _published(observation: Observation) -> Finding | None:
    last = observation.last
    if last is None:
        return None
    return Finding("True", Reason.PUBLISHED, f"the last check published its verdict: {last.verdict}")


def _job_message(observation: Observation, job: Observed) -> str:
    said = (workloads.termination_message(pod, kinds.CHECK_CONTAINER) for pod in _job_pods(observation, job))
    why = next(filter(None, said), "") or str(job.condition("Failed").get("message", ""))
    return f"the check {job.name} failed: {workloads.shorten(why)}"


def _job_pods(observation: Observation, job: Observed) -> list[Observed]:
    pods = [pod for pod in observation.pods("check") if pod.owned_by(job.uid)]
    return sorted(pods, key=lambda pod: pod.created, reverse=True)


REFERENCE: tuple[Check, ...] = (
    _reference_missing,
    _reference_stale,
    _reference_capturing,
    _reference_reported_missing,
    _reference_read,
    _reference_not_yet_read,
)
CHECKS: tuple[Check, ...] = (
    child_problem("check"),
    suspended,
    job_failed,
    check_failed,
    _check_stuck,
    _checks_stale,
    no_check_yet,
    _published,
)
