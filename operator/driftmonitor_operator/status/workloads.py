"""What is wrong with a Deployment and its pods, in words for a user. Pure."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from driftmonitor_operator.kinds import FETCH_CONTAINER, FETCH_OUTLIERS_CONTAINER, Body
from driftmonitor_operator.observed import Observed
from driftmonitor_operator.reasons import Reason

_MESSAGE_LENGTH = 1000
_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable")
_START_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError")
_FETCHED = {FETCH_CONTAINER: "the model", FETCH_OUTLIERS_CONTAINER: "the outlier detector"}
NOT_STARTED = (Reason.IMAGE_PULL_FAILED, Reason.CONTAINER_NOT_STARTED, Reason.UNSCHEDULABLE)
"""Reasons of pods that have not run at all."""


class Trouble(NamedTuple):
    """One word for programs and a sentence for people."""

    reason: str
    message: str


def rolled_out(deployment: Observed | None, replicas: int) -> bool:
    """Whether that many pods of the newest template are available, and no other."""
    return _counts(deployment) == (replicas, replicas, replicas)


def rolled_out_at_least(deployment: Observed | None, replicas: int) -> bool:
    """Whether at least that many pods of the newest template are available, and there is no other. More may be on their
    way: what serves does not cease to while an autoscaler adds to it."""
    counts = _counts(deployment)
    if counts is None:
        return False
    pods, updated, available = counts
    return pods == updated and available >= replicas


def rollout_complete(deployment: Observed) -> bool:
    """Whether the newest template has once been rolled out in full, so that what is missing now went missing."""
    counts = _counts(deployment)
    return (
        counts is not None
        and counts[0] == counts[1]
        and deployment.condition("Progressing").get("reason") == "NewReplicaSetAvailable"
    )


def _counts(deployment: Observed | None) -> tuple[int, int, int] | None:
    """Number of pods, of those of the newest template, of those available; None where the newest spec is not seen."""
    if deployment is None or deployment.status.get("observedGeneration", 0) < deployment.generation:
        return None
    status = deployment.status
    return status.get("replicas", 0), status.get("updatedReplicas", 0), status.get("availableReplicas", 0)


def available(deployment: Observed | None) -> int:
    """Number of pods that serve, of whatever template."""
    return int(deployment.status.get("availableReplicas", 0)) if deployment else 0


def deployment_trouble(deployment: Observed | None) -> Trouble | None:
    """Why the Deployment makes no pods, or does not get on."""
    if deployment is None:
        return None
    failure = deployment.condition("ReplicaFailure")
    if failure.get("status") == "True":
        return Trouble(Reason.PODS_REFUSED, f"the pods were refused: {shorten(failure.get('message', ''))}")
    progress = deployment.condition("Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        message = f"no progress for long; see kubectl -n {deployment.namespace} describe deployment {deployment.name}"
        return Trouble(Reason.PROGRESS_DEADLINE_EXCEEDED, message)
    return None


def pods_trouble(pods: Iterable[Observed]) -> Trouble | None:
    """The first trouble of these pods, the youngest pod first."""
    youngest_first = sorted(pods, key=lambda pod: (pod.created, pod.name), reverse=True)
    return next((found for pod in youngest_first if not pod.terminating and (found := _pod_trouble(pod))), None)


def termination_message(pod: Observed, container: str) -> str:
    """What a container said when it ended, empty where it has not."""
    for status in _containers(pod):
        if status["name"] == container:
            return str(_terminated(status).get("message", "")).strip()
    return ""


def ended_message(pod: Observed, container: str) -> str:
    """What a container said when its pod ended, after which it starts no more; empty where it has not."""
    if not pod.terminating and pod.status.get("phase") not in ("Failed", "Succeeded"):
        return ""
    ended = next((status for status in _containers(pod) if status["name"] == container), {}).get("state", {})
    return str((ended.get("terminated") or {}).get("message", ""))


def finish(job: Observed) -> datetime | None:
    """When a Job ended, well or not; None while it runs."""
    for kind in ("Complete", "Failed"):
        condition = job.condition(kind)
        if condition.get("status") == "True":
            return datetime.fromisoformat(condition["lastTransitionTime"])
    return None


def shorten(message: str) -> str:
    """A message that fits into a condition."""
    text = message.strip()
    return text if len(text) <= _MESSAGE_LENGTH else text[: _MESSAGE_LENGTH - 1] + "…"


def _pod_trouble(pod: Observed) -> Trouble | None:
    for status in _containers(pod):
        if not status.get("ready") and (found := _container_trouble(pod, status)):
            return found
    scheduled = pod.condition("PodScheduled")
    if scheduled.get("status") == "False":
        return Trouble(Reason.UNSCHEDULABLE, f"pod {pod.name} fits on no node: {shorten(scheduled.get('message', ''))}")
    return None


def _container_trouble(pod: Observed, status: Body) -> Trouble | None:
    name = status["name"]
    waiting = status.get("state", {}).get("waiting", {})
    if waiting.get("reason") in _PULL_REASONS:
        # The kubelet's own message alternates between two forms, and each change would be a write.
        message = f"image {status['image']} of container {name} cannot be pulled; see kubectl describe pod {pod.name}"
        return Trouble(Reason.IMAGE_PULL_FAILED, message)
    if waiting.get("reason") in _START_REASONS:
        detail = shorten(waiting.get("message", ""))
        return Trouble(Reason.CONTAINER_NOT_STARTED, f"container {name} of pod {pod.name} cannot start: {detail}")
    ended = _terminated(status)
    if not ended or ended.get("exitCode", 0) == 0:
        return None
    said = shorten(str(ended.get("message", "")))
    if name in _FETCHED:
        return Trouble(Reason.MODEL_FETCH_FAILED, f"{_FETCHED[name]} could not be fetched: {_fetch_error(said)}")
    if ended.get("reason") == "OOMKilled":
        message = f"container {name} of pod {pod.name} was killed over its memory limit; give it more memory"
        return Trouble(Reason.OUT_OF_MEMORY, message)
    detail = said or f"exit code {ended['exitCode']}; see kubectl logs {pod.name} -c {name}"
    return Trouble(Reason.CONTAINER_FAILED, f"container {name} of pod {pod.name} failed: {detail}")


def _containers(pod: Observed) -> list[Body]:
    return [*pod.status.get("initContainerStatuses", []), *pod.status.get("containerStatuses", [])]


def _terminated(status: Body) -> Body:
    ended: Body = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated") or {}
    return ended


def _fetch_error(message: str) -> str:
    try:
        return str(json.loads(message)["error"])
    except (ValueError, KeyError, TypeError):
        return message
