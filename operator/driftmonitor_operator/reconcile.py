"""One level-triggered reconcile: gather, decide, apply, delete what is not wanted, say in the status how it is."""

import logging
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import compare, kinds, plan, resources, sources, status
from driftmonitor_operator.apiserver import Apiserver, located
from driftmonitor_operator.cluster import ApiError, Cluster
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body
from driftmonitor_operator.observed import Key, Observed, Problem, written_at
from driftmonitor_operator.plan import Step
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.store import Store

logger = logging.getLogger(__name__)

REJECTED_RETRY_SECONDS = 60.0
"""A child that the apiserver rejects is sent again this often: what stood against it, as a quota, may change."""
LOOK_AGAIN_SECONDS = 20.0
"""Objects that are not the operator's own, as a ConfigMap with a model, are not watched, so it looks again."""
FOUND_TIME = timedelta(minutes=30)
"""What was found there is looked for again only after this time, or when something else has changed."""
TROUBLED_ATTEMPTS = 3
"""After so many attempts in vain to apply a child the status says so; most faults of an apiserver pass sooner."""
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
        self._occupied: set[tuple[str, str, str]] = set()
        """Children whose names were taken by objects that are not known as the operator's."""
        self._resyncs = 0
        self._failures: dict[Key, int] = {}
        self._found: dict[tuple[str, str], tuple[object, datetime]] = {}
        self._events, self._pace = status.EventLog(), status.WordsPace()
        self._apiserver: Apiserver | None = None

    def resync(self) -> list[Key]:
        """Take everything over from the apiserver anew. Returns the keys to look at: all. Raises ApiError."""
        self._apiserver = self._locate_apiserver()
        concerned: set[Key] = set()
        for kind in kinds.WATCHED:
            concerned |= self._store.replace(kind.name, self._cluster.pages(kind, self._config.watch_namespace))
        self._resyncs += 1
        rounds = TOKEN_ROUNDS if self._config.resync_seconds >= 60 else 1
        self._tokens = {uid for uid in self._tokens if zlib.crc32(uid.encode()) % rounds != self._resyncs % rounds}
        now = self._now()
        self._rejections = {child: no for child, no in self._rejections.items() if no.retry_at > now}
        self._found = {source: found for source, found in self._found.items() if found[1] > now}
        return sorted(concerned | set(self._store.keys()))

    def reconcile(self, key: Key) -> float | None:
        """Look at one monitor and set right what is not. Returns seconds after which to look again, None: at the next
        event. Raises ApiError where a retry may help."""
        body = self._store.monitor(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            self._failures.pop(key, None)
            return None  # its children go with it, by their owner references
        try:
            monitor = status.parsed(body)
        except ValidationError as error:
            self._publish_invalid(body, error)
            return None
        waits: list[float] = []
        self._apiserver = self._apiserver or self._locate_apiserver()
        manifests = resources.desired(monitor, self._config, self._apiserver)
        problems: list[Problem] = []
        try:
            self._converge(key, monitor, body, manifests, problems, waits)
        except ApiError as error:
            self._failures[key] = self._failures.get(key, 0) + 1
            first_visit = not (body.get("status") or {}).get("conditions")
            if not error.unavailable and (first_visit or self._failures[key] >= TROUBLED_ATTEMPTS):
                self._judge(key, monitor, body, problems, waits, applied=False)
            raise
        self._failures.pop(key, None)
        self._judge(key, monitor, body, problems, waits, applied=True)
        return min(waits, default=None)

    def _converge(
        self,
        key: Key,
        monitor: DriftMonitor,
        body: Body,
        manifests: list[Body],
        problems: list[Problem],
        waits: list[float],
    ) -> None:
        """Make all children as they should be; `problems` gets those that cannot. Raises ApiError."""
        for manifest in manifests:
            try:
                problem = self._bring(manifest, monitor, waits)
            except ApiError as error:
                problems.append(_apply_failed(manifest, error))
                raise
            problems += [problem] if problem else []
        for child in plan.unwanted(self._store.children(key), manifests, monitor.metadata.uid):
            logger.info("delete %s %s/%s: no longer wanted", child.kind, child.namespace, child.name)
            self._cluster.delete(kinds.BY_NAME[child.kind], child.namespace, child.name, child.uid)
        self._ensure_token(monitor, body, waits)

    def _judge(
        self,
        key: Key,
        monitor: DriftMonitor,
        body: Body,
        problems: list[Problem],
        waits: list[float],
        *,
        applied: bool,
    ) -> None:
        """Say in the status how it is; `applied` is false where a child could not be, and is to be tried again."""
        observation = self._observe(key, monitor, body, problems, waits)
        if moment := status.next_look(observation):
            waits.append((moment - observation.now).total_seconds() + 0.5)
        wanted = status.judged(observation, status.judge(observation), body.get("status") or {}, applied=applied)
        self._publish(body, wanted, waits)

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
        self._hand_over(manifest, applied, least)
        return applied

    def _read(self, manifest: Body) -> Body | None:
        metadata = manifest["metadata"]
        return self._cluster.get(kinds.BY_NAME[manifest["kind"]], metadata["namespace"], metadata["name"])

    def _overwrite(self, manifest: Body, found: Body) -> Body:
        metadata = manifest["metadata"]
        logger.info("overwrite %s %s/%s", manifest["kind"], metadata["namespace"], metadata["name"])
        return self._cluster.patch(manifest, plan.overwriting(manifest, found))

    def _hand_over(self, manifest: Body, live: Body, least: int) -> None:
        if body := plan.handover(manifest, live, least):
            logger.info("hand over the replicas of %s/%s", live["metadata"]["namespace"], live["metadata"]["name"])
            self._cluster.apply(body, manager=kinds.HANDOVER_MANAGER)

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
        self, key: Key, monitor: DriftMonitor, body: Body, problems: list[Problem], waits: list[float]
    ) -> status.Observation:
        spec = monitor.spec
        observation = status.Observation(
            monitor=monitor,
            children=tuple(self._store.children(key)),
            configuration=resources.configuration(monitor, self._config),
            endpoints=resources.endpoints(monitor),
            now=self._now(),
            written=written_at(body, kinds.CHECK_FIELD_MANAGER, "status"),
            problems=tuple(problems),
        )
        missing_model = missing_reference = ""
        # What was mounted or read is there; only where it was not yet is it looked for.
        if not status.model_is_served(observation):
            deployment = observation.deployment("inference")
            version = deployment.resource_version if deployment else None
            missing_model = self._missing(monitor, spec.model.storage_uri, version)
        if not observation.reference_was_read():
            missing_reference = self._missing(monitor, spec.reference.storage_uri, observation.published)
        if missing_model or missing_reference:
            waits.append(LOOK_AGAIN_SECONDS)
        return observation.with_missing(missing_model, missing_reference)

    def _missing(self, monitor: DriftMonitor, uri: str | None, state: object) -> str:
        """Why it cannot be mounted; looked up anew when `state` is not what it was when it was found."""
        if uri is None:
            return ""
        known, until = self._found.get((monitor.metadata.uid, uri), (None, self._now()))
        if known == (state,) and until > self._now():
            return ""
        missing = sources.missing(uri, monitor.metadata.namespace, self._cluster.get)
        if not missing:
            self._found[monitor.metadata.uid, uri] = ((state,), self._now() + FOUND_TIME)
        return missing

    def _publish_invalid(self, body: Body, error: ValidationError) -> None:
        details = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        findings = status.nothing_known(Reason.INVALID_SPEC, status.shorten(f"the object cannot be used: {details}"))
        previous, generation = body.get("status") or {}, body["metadata"]["generation"]
        self._publish(body, status.invalid(findings, previous, generation, self._now()), [])

    def _publish(self, body: Body, wanted: Body, waits: list[float]) -> None:
        """Write the status where it says something new, and tell of its transitions."""
        previous = body.get("status") or {}
        if not status.changed(wanted, previous):
            return
        if status.reworded(wanted, previous):
            facts = (body["metadata"]["generation"], (previous.get("lastCheck") or {}).get("time"))
            if delay := self._pace.delay(body["metadata"]["uid"], facts, self._now()):
                waits.append(delay.total_seconds())
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
        """Post an Event, or count up the one that was posted before."""
        uid, now = body["metadata"]["uid"], self._now()
        posted = self._events.again(uid, transition, now)
        try:
            if posted is None or not self._count_up(body, posted, now):
                event = status.event(body, transition, now, secrets.token_hex(8))
                self._cluster.create(event)
                posted = status.Posted(event["metadata"]["name"], 1, event["message"], now)
        except ApiError as error:  # the status has it; an Event is a courtesy
            logger.warning("Event %s could not be posted: %s", transition.reason, error)
            return
        self._events.remember(uid, transition, posted)

    def _count_up(self, body: Body, posted: status.Posted, now: datetime) -> bool:
        """False when the Event is gone, as all are after a while."""
        metadata = {"name": posted.name, "namespace": body["metadata"]["namespace"]}
        manifest = {"apiVersion": kinds.EVENT.api_version, "kind": kinds.EVENT.name, "metadata": metadata}
        try:
            self._cluster.patch(manifest, status.repeated(posted, now))
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True


def _apply_failed(manifest: Body, error: ApiError) -> Problem:
    metadata, kind = manifest["metadata"], manifest["kind"]
    message = f"{kind} {metadata['name']} could not be applied, and is tried again: {status.shorten(error.message)}"
    return Problem(metadata["labels"][kinds.COMPONENT_LABEL], Reason.APPLY_FAILED, message)
