"""ValidationReady: whether the validation service runs, where one is asked for, and why not. Pure."""

from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status import workloads
from driftmonitor_operator.status.finding import Check, Finding, child_problem
from driftmonitor_operator.status.observation import Observation


def _not_requested(observation: Observation) -> Finding | None:
    if observation.monitor.spec.checks.validation is not None:
        return None
    return Finding(
        "Unknown", Reason.NOT_REQUESTED, "spec.checks.validation is not set, so no rows are judged on request"
    )


def _served(observation: Observation) -> Finding | None:
    replicas = _replicas(observation)
    if not workloads.rolled_out(observation.deployment("validation"), replicas):
        return None
    return Finding("True", Reason.SERVING, f"{replicas} of {replicas} pods judge the rows that are sent to them")


def _reference_missing(observation: Observation) -> Finding | None:
    missing = observation.missing_reference
    return Finding("False", Reason.REFERENCE_MISSING, f"spec.reference.storageUri: {missing}") if missing else None


def _trouble(observation: Observation) -> Finding | None:
    trouble = workloads.pods_trouble(observation.pods("validation"))
    trouble = trouble or workloads.deployment_trouble(observation.deployment("validation"))
    return Finding("False", *trouble) if trouble else None


def _starting(observation: Observation) -> Finding:
    deployment, namespace = observation.deployment("validation"), observation.monitor.metadata.namespace
    name = deployment.name if deployment else f"{observation.monitor.metadata.name}-validation"
    message = (
        f"{workloads.available(deployment)} of {_replicas(observation)} pods have read the reference; if the others do"
        f" not follow, see kubectl -n {namespace} logs deployment/{name}"
    )
    return Finding("False", Reason.STARTING, message)


def _replicas(observation: Observation) -> int:
    validation = observation.monitor.spec.checks.validation
    return validation.replicas if validation is not None else 0


VALIDATION: tuple[Check, ...] = (
    _not_requested,
    child_problem("validation"),
    _served,
    _reference_missing,
    _trouble,
    _starting,
)
