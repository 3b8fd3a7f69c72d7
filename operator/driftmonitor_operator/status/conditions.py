"""The conditions of a monitor: for each an ordered list of checks, the first that has an answer gives it. Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from driftmonitor_api.v1alpha1 import ConditionStatus
from driftmonitor_operator import kinds
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.status import workloads
from driftmonitor_operator.status.observation import Observation


class Finding(NamedTuple):
    """What a condition says."""

    status: ConditionStatus
    reason: str
    message: str


Check = Callable[[Observation], Finding | None]


def judge(observation: Observation) -> dict[str, Finding]:
    """All conditions, in the order in which they are shown."""
    findings = {kind: _first(checks, observation) for kind, checks in _CHECKS.items()}
    return {"Ready": _ready(findings), **findings}


def nothing_known(reason: str, message: str) -> dict[str, Finding]:
    """The conditions of a monitor whose spec cannot be used."""
    return {"Ready": Finding("False", reason, message)} | {
        kind: Finding("Unknown", reason, message) for kind in _CHECKS
    }


def _first(checks: tuple[Check, ...], observation: Observation) -> Finding:
    return next(found for check in checks if (found := check(observation)) is not None)


def _ready(findings: dict[str, Finding]) -> Finding:
    for kind in ("ModelReady", "CollectorReady", "ReferenceReady", "ChecksHealthy"):
        status, reason, message = findings[kind]
        if status == "False" or (status == "Unknown" and kind in ("ModelReady", "CollectorReady")):
            return Finding("False", reason, f"{kind} is {status}: {message}")
    return Finding(
        "True", "Ready", "the model is served, its predictions are stored, and nothing is known to be broken"
    )


# Model and collector


def _child_problem(component: str) -> Check:
    def check(observation: Observation) -> Finding | None:
        problem = next((p for p in observation.problems if p.component == component), None)
        return Finding("False", problem.reason, problem.message) if problem else None

    return check


def _scaled_to_zero(observation: Observation) -> Finding | None:
    if observation.monitor.spec.serving.least_replicas:
        return None
    return Finding(
        "False", "ScaledToZero", "spec.serving.replicas is 0, so nothing serves the model; set it to 1 or more"
    )


def _model_served(observation: Observation) -> Finding | None:
    spec = observation.monitor.spec
    if not workloads.rolled_out(observation.deployment("inference"), spec.serving.least_replicas):
        return None
    message = f"{spec.serving.least_replicas} of {spec.serving.least_replicas} pods serve version {spec.model.version}"
    return Finding("True", "Serving", message)


def _model_missing(observation: Observation) -> Finding | None:
    missing = observation.missing_model
    return Finding("False", "ModelMissing", f"spec.model.storageUri: {missing}") if missing else None


def _model_trouble(observation: Observation) -> Finding | None:
    trouble = workloads.pods_trouble(observation.serving_pods())
    return _trouble(trouble or workloads.deployment_trouble(observation.deployment("inference")))


def _model_rolling_out(observation: Observation) -> Finding:
    spec, deployment = observation.monitor.spec, observation.deployment("inference")
    updated = deployment.status.get("updatedReplicas", 0) if deployment else 0
    serving = workloads.available(deployment)
    message = (
        f"version {spec.model.version} starts: {updated} of {spec.serving.least_replicas} pods are up to date,"
        f" {serving} in all serve"
    )
    return Finding("False", "RollingOut", message)


def _collector_available(observation: Observation) -> Finding | None:
    if not workloads.rolled_out(observation.deployment("collector"), 1):
        return None
    return Finding("True", "Storing", "the collector takes records")


def _collector_trouble(observation: Observation) -> Finding | None:
    trouble = workloads.pods_trouble(observation.pods("collector"))
    return _trouble(trouble or workloads.deployment_trouble(observation.deployment("collector")))


def _collector_starting(observation: Observation) -> Finding:
    return Finding("False", "Starting", "the collector's pod starts; predictions wait in the sidecar's buffer")


def _trouble(trouble: workloads.Trouble | None) -> Finding | None:
    return Finding("False", *trouble) if trouble else None


# Reference


def _reference_missing(observation: Observation) -> Finding | None:
    missing = observation.missing_reference
    return Finding("False", "ReferenceMissing", f"spec.reference.storageUri: {missing}") if missing else None


def _reference_reported_missing(observation: Observation) -> Finding | None:
    last = observation.monitor.status.last_check
    if last is None or last.verdict != "ReferenceMissing":
        return None
    message = last.message or "the last check could not read it; see spec.reference.storageUri"
    return Finding("False", "ReferenceMissing", message)


def _reference_read(observation: Observation) -> Finding | None:
    read = observation.monitor.status.reference
    if read is None or not observation.reference_was_read():
        return None
    return Finding("True", "Read", f"the last check read {read.rows} rows from {read.storage_uri}")


def _reference_not_yet_read(observation: Observation) -> Finding:
    uri = observation.monitor.spec.reference.storage_uri
    return Finding("Unknown", "NotYetRead", f"no check has read {uri} yet; the next one will")


# Checks and drift


def _suspended(observation: Observation) -> Finding | None:
    if not observation.monitor.spec.suspend:
        return None
    return Finding("Unknown", "Suspended", "spec.suspend is true, so no check runs; set it to false to go on")


def _check_failed(observation: Observation) -> Finding | None:
    """The newest finished Job failed and nothing was published since, or what it published says so."""
    last = observation.monitor.status.last_check
    finished = next((job for job in observation.jobs() if _finish(job)), None)
    if finished and finished.condition("Failed").get("status") == "True":
        when = _finish(finished)
        if when and (last is None or when > last.time):
            return Finding("False", "CheckFailed", _job_message(observation, finished))
    if last and last.verdict == "CheckFailed":
        return Finding("False", "CheckFailed", last.message or "the last check failed; see the logs of its pod")
    return None


def _check_stuck(observation: Observation) -> Finding | None:
    """The pod of a running Job cannot start. One that failed is tried again, and may yet succeed."""
    running = next((job for job in observation.jobs() if not _finish(job)), None)
    trouble = workloads.pods_trouble(_job_pods(observation, running)) if running else None
    if trouble is None or trouble.reason not in workloads.NOT_STARTED:
        return None
    return Finding("False", trouble.reason, f"the check does not start: {trouble.message}")


def _job_message(observation: Observation, job: Observed) -> str:
    said = (workloads.termination_message(pod, kinds.CHECK_CONTAINER) for pod in _job_pods(observation, job))
    why = next(filter(None, said), "") or str(job.condition("Failed").get("message", ""))
    return f"the check {job.name} failed: {workloads.shorten(why)}"


def _job_pods(observation: Observation, job: Observed) -> list[Observed]:
    pods = [pod for pod in observation.pods("check") if pod.owned_by(job.uid)]
    return sorted(pods, key=lambda pod: pod.created, reverse=True)


def _finish(job: Observed) -> datetime | None:
    for kind in ("Complete", "Failed"):
        condition = job.condition(kind)
        if condition.get("status") == "True":
            return datetime.fromisoformat(condition["lastTransitionTime"])
    return None


def _no_check_yet(observation: Observation) -> Finding | None:
    if observation.monitor.status.last_check is not None:
        return None
    schedule = observation.monitor.spec.checks.schedule
    return Finding("Unknown", "NoCheckYet", f'no check has run yet; the schedule is "{schedule}"')


def _checks_healthy(observation: Observation) -> Finding | None:
    last = observation.monitor.status.last_check
    if last is None:
        return None
    return Finding("True", "Published", f"the last check published its verdict: {last.verdict}")


def _no_verdict(observation: Observation) -> Finding | None:
    failed = _child_problem("check")(observation) or _check_failed(observation)
    return Finding("Unknown", failed.reason, failed.message) if failed else None


def _verdict(observation: Observation) -> Finding | None:
    last = observation.monitor.status.last_check
    if last is None:
        return None
    status = _STATUS_BY_VERDICT.get(last.verdict, "Unknown")
    return Finding(status, last.verdict, last.message or f"the last check's verdict over {last.rows} rows")


_STATUS_BY_VERDICT: dict[str, ConditionStatus] = {
    "NoDrift": "False",
    "DriftSuspected": "False",
    "DriftDetected": "True",
}
"""Whatever is not here says nothing about drift, and is Unknown."""

_CHECKS: dict[str, tuple[Check, ...]] = {
    "ModelReady": (
        _child_problem("inference"),
        _scaled_to_zero,
        _model_served,
        _model_missing,
        _model_trouble,
        _model_rolling_out,
    ),
    "CollectorReady": (
        _child_problem("collector"),
        _collector_available,
        _collector_trouble,
        _collector_starting,
    ),
    "ReferenceReady": (_reference_missing, _reference_reported_missing, _reference_read, _reference_not_yet_read),
    "ChecksHealthy": (_child_problem("check"), _suspended, _check_failed, _check_stuck, _no_check_yet, _checks_healthy),
    "DriftDetected": (_suspended, _no_verdict, _no_check_yet, _verdict),
}
