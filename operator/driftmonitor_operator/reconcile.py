"""One level-triggered reconcile: gather, decide, apply, delete what is not wanted, say in the status how it is."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import kinds, plan, resources, sources, status
from driftmonitor_operator.cluster import ApiError, Cluster
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.observed import Key, Observed, Problem
from driftmonitor_operator.plan import Step
from driftmonitor_operator.store import Store

logger = logging.getLogger(__name__)

REJECTED_RETRY_SECONDS = 60.0
"""A child that the apiserver rejects is sent again this often: what stood against it, as a quota, may change."""
LOOK_AGAIN_SECONDS = 20.0
"""Objects that are not the operator's own, as a ConfigMap with a model, are not watched, so it looks again."""
TOKEN_RETRY_SECONDS = 5.0
TOKEN_SETTLED = timedelta(minutes=2)
"""In this time after a monitor's creation, a token Secret that exists may be its predecessor's and about to go."""


@dataclass(frozen=True)
class Rejection:
    """The apiserver's no to one manifest."""

    digest: str
    message: str
    retry_at: datetime


class Reconciler:
    """Makes one monitor after another as it should be. Each monitor is in the hands of one thread at a time."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        config: OperatorConfig,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nothing happens yet."""
        self._cluster, self._store, self._config, self._now = cluster, store, config, now
        self._rejections: dict[tuple[str, str, str], Rejection] = {}
        self._tokens: set[str] = set()

    def resync(self) -> list[Key]:
        """Take everything over from the apiserver anew. Returns the keys to look at: all. Raises ApiError."""
        concerned: set[Key] = set()
        for kind in kinds.WATCHED:
            concerned |= self._store.replace(kind.name, self._cluster.pages(kind, self._config.watch_namespace))
        self._tokens.clear()
        now = self._now()
        self._rejections = {child: no for child, no in self._rejections.items() if no.retry_at > now}
        return sorted(concerned | set(self._store.keys()))

    def reconcile(self, key: Key) -> float | None:
        """Look at one monitor and set right what is not. Returns seconds after which to look again, None: at the next
        event. Raises ApiError where a retry may help."""
        body = self._store.monitor(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            return None  # its children go with it, by their owner references
        try:
            monitor = DriftMonitor.model_validate(body)
        except ValidationError as error:
            self._publish_invalid(body, error)
            return None
        waits: list[float] = []
        manifests = resources.desired(monitor, self._config)
        problems = [problem for manifest in manifests if (problem := self._bring(manifest, monitor, waits))]
        for child in plan.unwanted(self._store.children(key), manifests, monitor.metadata.uid):
            logger.info("delete %s %s/%s: no longer wanted", child.kind, child.namespace, child.name)
            self._cluster.delete(kinds.BY_NAME[child.kind], child.namespace, child.name, child.uid)
        self._ensure_token(monitor, body, waits)
        observation = self._observe(key, monitor, problems, waits)
        previous = body.get("status") or {}
        self._publish(body, status.judged(observation, status.judge(observation), previous, self._now()))
        return min(waits, default=None)

    def _bring(self, manifest: Body, monitor: DriftMonitor, waits: list[float]) -> Problem | None:
        """Make one child as it should be."""
        kind, metadata, uid = kinds.BY_NAME[manifest["kind"]], manifest["metadata"], monitor.metadata.uid
        digest = resources.digest(manifest)
        live = self._store.child(manifest)
        if live is None and (found := self._cluster.get(kind, metadata["namespace"], metadata["name"])):
            live = Observed.of(found)  # not labelled as ours, or so new that no event has told of it
        step = plan.decide(manifest, digest, live, uid)
        if isinstance(step, Problem):
            waits.append(LOOK_AGAIN_SECONDS)
            return step
        if step is Step.KEEP:
            if live is not None:
                live.settle(digest)
            return None
        return self._apply(manifest, digest, waits)

    def _apply(self, manifest: Body, digest: str, waits: list[float]) -> Problem | None:
        metadata, kind = manifest["metadata"], manifest["kind"]
        identity = (metadata["namespace"], kind, metadata["name"])
        rejection = self._rejections.get(identity)
        if rejection is None or rejection.digest != digest or rejection.retry_at <= self._now():
            try:
                applied = self._cluster.apply(manifest)
            except ApiError as error:
                if not error.rejected:
                    raise
                retry_at = self._now() + timedelta(seconds=REJECTED_RETRY_SECONDS)
                rejection = self._rejections[identity] = Rejection(digest, error.message, retry_at)
                logger.warning("%s %s/%s was rejected: %s", kind, identity[0], identity[2], error.message)
            else:
                self._rejections.pop(identity, None)
                self._store.put(applied, digest)
                logger.info("applied %s %s/%s", kind, identity[0], identity[2])
                return None
        waits.append(REJECTED_RETRY_SECONDS)
        message = f"{kind} {metadata['name']} was rejected: {status.shorten(rejection.message)}"
        return Problem(metadata["labels"][kinds.COMPONENT_LABEL], "ChildRejected", message)

    def _ensure_token(self, monitor: DriftMonitor, body: Body, waits: list[float]) -> None:
        """Create the collector's token where there is none. It cannot be read, so it is never compared."""
        uid = monitor.metadata.uid
        if uid in self._tokens:
            return
        created = self._cluster.create(resources.token_secret(monitor, secrets.token_urlsafe(32)))
        age = self._now() - datetime.fromisoformat(body["metadata"]["creationTimestamp"])
        if created or age > TOKEN_SETTLED:
            self._tokens.add(uid)
        else:
            waits.append(TOKEN_RETRY_SECONDS)

    def _observe(
        self, key: Key, monitor: DriftMonitor, problems: list[Problem], waits: list[float]
    ) -> status.Observation:
        spec, namespace = monitor.spec, monitor.metadata.namespace
        observation = status.Observation(
            monitor=monitor,
            children=tuple(self._store.children(key)),
            configuration=resources.configuration(monitor, self._config),
            endpoints=resources.endpoints(monitor),
            problems=tuple(problems),
        )
        missing_model = missing_reference = ""
        # What was mounted or read is there; only where it was not yet is it looked for.
        if not status.rolled_out(observation.deployment("inference"), spec.serving.least_replicas):
            missing_model = sources.missing(spec.model.storage_uri, namespace, self._cluster.get)
        if not observation.reference_was_read():
            missing_reference = sources.missing(spec.reference.storage_uri, namespace, self._cluster.get)
        if missing_model or missing_reference:
            waits.append(LOOK_AGAIN_SECONDS)
        return observation.with_missing(missing_model, missing_reference)

    def _publish_invalid(self, body: Body, error: ValidationError) -> None:
        details = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        findings = status.nothing_known("InvalidSpec", status.shorten(f"the object cannot be used: {details}"))
        previous, generation = body.get("status") or {}, body["metadata"]["generation"]
        self._publish(body, status.invalid(findings, previous, generation, self._now()))

    def _publish(self, body: Body, wanted: Body) -> None:
        """Write the status where it says something new, and tell of its transitions."""
        previous = body.get("status") or {}
        if not status.changed(wanted, previous):
            return
        metadata = {name: body["metadata"][name] for name in ("name", "namespace", "uid")}
        manifest = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata, "status": wanted}
        try:
            written = self._cluster.apply(manifest, subresource="status")
        except ApiError as error:
            if error.status not in (404, 409):
                raise
            self._refresh(body)  # deleted meanwhile, and perhaps made anew: this status is for nobody
            return
        self._store.put(written)
        for transition in status.transitions(wanted, previous):
            self._tell(body, transition)

    def _refresh(self, body: Body) -> None:
        metadata = body["metadata"]
        live = self._cluster.get(kinds.MONITOR, metadata["namespace"], metadata["name"])
        if live is None:
            self._store.remove(body)
        else:
            self._store.put(live)

    def _tell(self, body: Body, transition: status.Transition) -> None:
        try:
            self._cluster.create(status.event(body, transition, self._now(), secrets.token_hex(8)))
        except ApiError as error:  # the status has it; an Event is a courtesy
            logger.warning("Event %s could not be posted: %s", transition.reason, error)
