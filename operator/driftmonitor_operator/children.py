"""The children of monitors: applied, overwritten, deleted, as the plan says."""

import logging
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import compare, kinds, plan, resources, status
from driftmonitor_operator.apiserver import Apiserver, located
from driftmonitor_operator.cluster import ApiError, Cluster
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.observed import Key, Observed, Problem
from driftmonitor_operator.plan import Step
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.repairs import RepairPace
from driftmonitor_operator.store import Store

logger = logging.getLogger(__name__)

REJECTED_RETRY_SECONDS = 60.0
"""A child that the apiserver rejects is sent again this often: what stood against it, as a quota, may change."""
LOOK_AGAIN_SECONDS = 20.0
"""Objects that are not the operator's own, as a ConfigMap with a model, are not watched, so it looks again."""
TOKEN_RETRY_SECONDS = 5.0
TOKEN_ROUNDS = 6
"""A token is asked for again at each sixth resync where these are minutes apart: its Secret cannot be watched."""
TOKEN_SETTLED = timedelta(minutes=2)
"""In this time after a monitor's creation, a token Secret that exists may be its predecessor's and about to go."""


@dataclass(frozen=True)
class Rejection:
    """The apiserver's no to one manifest."""

    digest: str
    message: str
    retry_at: datetime


class Children:
    """Makes what monitors consist of. Each monitor is in the hands of one thread at a time."""

    def __init__(self, cluster: Cluster, store: Store, config: OperatorConfig, now: Callable[[], datetime]) -> None:
        """Nothing happens yet."""
        self._cluster, self._store, self._config, self._now = cluster, store, config, now
        self._rejections: dict[tuple[str, str, str], Rejection] = {}
        self._pace = RepairPace()
        self._tokens: set[str] = set()
        self._occupied: set[tuple[str, str, str]] = set()
        """Children whose names were taken by objects that are not known as the operator's."""
        self._resyncs = 0
        self._apiserver: Apiserver | None = None

    def resync(self) -> None:
        """Look again at what is not watched."""
        self._apiserver = self._locate_apiserver()
        self._resyncs += 1
        rounds = TOKEN_ROUNDS if self._config.resync_seconds >= 60 else 1
        self._tokens = {uid for uid in self._tokens if zlib.crc32(uid.encode()) % rounds != self._resyncs % rounds}
        now = self._now()
        self._rejections = {child: no for child, no in self._rejections.items() if no.retry_at > now}

    def converge(
        self, key: Key, monitor: DriftMonitor, body: Body, problems: list[Problem], waits: list[float]
    ) -> None:
        """Make all children as they should be.

        `problems` gets those that cannot be, `waits` the seconds after which to try again. Raises ApiError.
        """
        self._apiserver = self._apiserver or self._locate_apiserver()
        manifests = resources.desired(monitor, self._config, self._apiserver)
        # First of all: an autoscaler that is given up must not change the replicas that are then set.
        for child in plan.unwanted(self._store.children(key), manifests, monitor.metadata.uid):
            logger.info("delete %s %s/%s: no longer wanted", child.kind, child.namespace, child.name)
            self._cluster.delete(kinds.BY_NAME[child.kind], child.namespace, child.name, child.uid)
        for manifest in manifests:
            try:
                problem = self._bring(manifest, monitor, waits)
            except ApiError as error:
                problems.append(_apply_failed(manifest, error))
                raise
            problems += [problem] if problem else []
        self._ensure_token(monitor, body, waits)

    def _bring(self, manifest: Body, monitor: DriftMonitor, waits: list[float]) -> Problem | None:
        """Make one child as it should be."""
        digest = compare.digest(manifest)
        live = self._store.child(manifest)
        identity = (manifest["metadata"]["namespace"], manifest["kind"], manifest["metadata"]["name"])
        if live is None and identity not in self._occupied:
            try:
                return self._apply(manifest, digest, None, monitor, waits, absent=True)
            except ApiError as error:
                if error.status != 409:
                    raise
                self._occupied.add(identity)
        if live is None and (found := self._read(manifest)):
            live = Observed.of(found)  # not labelled as ours, or so new that no event has told of it
        else:
            self._occupied.discard(identity)
        step = plan.decide(manifest, digest, live, monitor)
        if isinstance(step, Problem):
            waits.append(LOOK_AGAIN_SECONDS)
            return step
        if step is Step.KEEP:
            return None
        return self._apply(manifest, digest, live, monitor, waits)

    def _apply(
        self,
        manifest: Body,
        digest: str,
        live: Observed | None,
        monitor: DriftMonitor,
        waits: list[float],
        *,
        absent: bool = False,
    ) -> Problem | None:
        metadata, kind = manifest["metadata"], manifest["kind"]
        identity = (metadata["namespace"], kind, metadata["name"])
        rejection = self._rejections.get(identity)
        if rejection is None or rejection.digest != digest or rejection.retry_at <= self._now():
            if live is not None and (delay := self._pace.delay(identity, digest, self._now())):
                waits.append(delay.total_seconds())
                return None
            try:
                applied = self._write(manifest, live, monitor.spec.serving.least_replicas, absent=absent)
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

    def _write(self, manifest: Body, live: Observed | None, least: int, *, absent: bool) -> Body:
        """Apply, and have go what others have added to the spec, or set instead. Raises ApiError."""
        if live is not None and plan.leaves_replicas(manifest) and (found := self._read(manifest)):
            self._hand_over(manifest, found, least)
        try:
            applied = self._cluster.apply(manifest, absent=absent)
        except ApiError as error:
            found = self._read(manifest) if error.rejected and live is not None else None
            if found is None or not compare.added_to(found, kinds.FIELD_MANAGER):
                raise
            self._overwrite(manifest, found)  # what was added may not go together with what is applied
            applied = self._cluster.apply(manifest)
        else:
            if compare.added_to(applied, kinds.FIELD_MANAGER):
                applied = self._overwrite(manifest, applied)
        return self._hand_over(manifest, applied, least) or applied

    def _read(self, manifest: Body) -> Body | None:
        metadata = manifest["metadata"]
        return self._cluster.get(kinds.BY_NAME[manifest["kind"]], metadata["namespace"], metadata["name"])

    def _overwrite(self, manifest: Body, found: Body) -> Body:
        metadata = manifest["metadata"]
        logger.info("overwrite %s %s/%s", manifest["kind"], metadata["namespace"], metadata["name"])
        return self._cluster.patch(manifest, plan.overwriting(manifest, found))

    def _hand_over(self, manifest: Body, live: Body, least: int) -> Body | None:
        """Returns the Deployment as it is now, None where there was nothing to do. Raises ApiError."""
        body = plan.handover(manifest, live, least)
        if body is None:
            return None
        logger.info("hand over the replicas of %s/%s", live["metadata"]["namespace"], live["metadata"]["name"])
        return self._cluster.apply(body, manager=kinds.HANDOVER_MANAGER)

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

    def _locate_apiserver(self) -> Apiserver:
        """Where pods reach the apiserver; as last known when it cannot be read."""
        if not self._config.network_policies:
            return Apiserver(())
        service = self._config.apiserver_service
        try:
            found = self._cluster.get(kinds.ENDPOINT_SLICE, "default", "kubernetes")
        except ApiError as error:
            if self._apiserver is None:
                logger.warning("NetworkPolicies take the address that the operator is connected to: %s", error)
            found = None
        if found is None:
            return self._apiserver or located(None, *self._cluster.endpoints(), *([service] if service else []))
        return located(found, *([service] if service else []))


def _apply_failed(manifest: Body, error: ApiError) -> Problem:
    metadata, kind = manifest["metadata"], manifest["kind"]
    message = f"{kind} {metadata['name']} could not be applied, and is tried again: {status.shorten(error.message)}"
    return Problem(metadata["labels"][kinds.COMPONENT_LABEL], Reason.APPLY_FAILED, message)
