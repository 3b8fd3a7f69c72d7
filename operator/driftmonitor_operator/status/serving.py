"""ModelReady and CollectorReady: whether the pods run, and why not. Pure."""

from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.status import workloads
from driftmonitor_operator.status.finding import Check, Finding, child_problem
from driftmonitor_operator.status.observation import Observation


def model_is_served(observation: Observation) -> bool:
    """Whether as many pods of the present spec serve as are asked for, and no others."""
    serving = observation.monitor.spec.serving
    deployment = observation.deployment("inference")
    if serving.autoscaling is None:
        return workloads.rolled_out(deployment, serving.least_replicas)
    return workloads.rolled_out_at_least(deployment, serving.least_replicas)


def _scaled_to_zero(observation: Observation) -> Finding | None:
    if observation.monitor.spec.serving.least_replicas:
        return None
    message = "spec.serving.replicas is 0, so nothing serves the model; set it to 1 or more"
    return Finding("False", Reason.SCALED_TO_ZERO, message)


def _model_served(observation: Observation) -> Finding | None:
    if not model_is_served(observation):
        return None
    spec = observation.monitor.spec
    least, scaling = spec.serving.least_replicas, spec.serving.autoscaling
    number = f"{least} of {least}" if scaling is None else f"{least} to {scaling.max_replicas}"
    return Finding("True", Reason.SERVING, f"{number} pods serve version {spec.model.version}")


def _model_missing(observation: Observation) -> Finding | None:
    missing = {
        "spec.model": observation.missing_model,
        "spec.model.outlierDetector": observation.missing_detector,
    }
    sentences = [f"{field}.storageUri: {sentence}" for field, sentence in missing.items() if sentence]
    return Finding("False", Reason.MODEL_MISSING, "; ".join(sentences)) if sentences else None


def _model_trouble(observation: Observation) -> Finding | None:
    trouble = workloads.pods_trouble(observation.serving_pods())
    return _trouble(trouble or workloads.deployment_trouble(observation.deployment("inference")))


def _model_pods_unavailable(observation: Observation) -> Finding | None:
    deployment, spec = observation.deployment("inference"), observation.monitor.spec
    if deployment is None or not workloads.rollout_complete(deployment):
        return None
    message = (
        f"{workloads.available(deployment)} of {deployment.status.get('replicas', 0)} pods serve version"
        f" {spec.model.version}; if the others do not follow, see kubectl -n {deployment.namespace} describe pods"
    )
    return Finding("False", Reason.PODS_UNAVAILABLE, message)


def _model_rolling_out(observation: Observation) -> Finding:
    spec, deployment = observation.monitor.spec, observation.deployment("inference")
    updated = deployment.status.get("updatedReplicas", 0) if deployment else 0
    serving = workloads.available(deployment)
    message = (
        f"version {spec.model.version} starts: {updated} of {spec.serving.least_replicas} pods are up to date,"
        f" {serving} in all serve"
    )
    return Finding("False", Reason.ROLLING_OUT, message)


def _collector_available(observation: Observation) -> Finding | None:
    replicas = observation.monitor.spec.collector.replicas
    if not workloads.rolled_out(observation.deployment("collector"), replicas):
        return None
    message = "the collector takes records" if replicas == 1 else f"{replicas} of {replicas} collectors take records"
    return Finding("True", Reason.STORING, message)


def _collector_trouble(observation: Observation) -> Finding | None:
    trouble = workloads.pods_trouble(observation.pods("collector"))
    return _trouble(trouble or workloads.deployment_trouble(observation.deployment("collector")))


def _collector_pods_unavailable(observation: Observation) -> Finding | None:
    deployment, replicas = observation.deployment("collector"), observation.monitor.spec.collector.replicas
    if deployment is None or replicas == 1 or not workloads.available(deployment):
        return None
    message = (
        f"{workloads.available(deployment)} of {replicas} collectors take records; if the others do not follow, see"
        f" kubectl -n {deployment.namespace} describe pods"
    )
    return Finding("False", Reason.PODS_UNAVAILABLE, message)


def _collector_starting(observation: Observation) -> Finding:
    return Finding("False", Reason.STARTING, "the collector's pod starts; predictions wait in the sidecar's buffer")


def _trouble(trouble: workloads.Trouble | None) -> Finding | None:
    return Finding("False", *trouble) if trouble else None


MODEL: tuple[Check, ...] = (
    child_problem("inference"),
    _scaled_to_zero,
    _model_served,
    _model_missing,
    _model_trouble,
    _model_pods_unavailable,
    _model_rolling_out,
)
COLLECTOR: tuple[Check, ...] = (
    child_problem("collector"),
    _collector_available,
    _collector_trouble,
    _collector_pods_unavailable,
    _collector_starting,
)
