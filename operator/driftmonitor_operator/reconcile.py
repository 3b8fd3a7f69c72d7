"""One level-triggered reconcile: make the children as they should be, and say in the status how it is."""

import logging
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from driftmonitor_api.v1alpha1 import DriftMonitor
from driftmonitor_operator import kinds, resources, sources, status
from driftmonitor_operator.children import LOOK_AGAIN_SECONDS, Children
from driftmonitor_operator.cluster import ApiError, Cluster
from driftmonitor_operator.config import OperatorConfig
from driftmonitor_operator.kinds import Body, Kind
from driftmonitor_operator.observed import Key, Problem, written_at
from driftmonitor_operator.reasons import Reason
from driftmonitor_operator.store import Store

logger = logging.getLogger(__name__)

FOUND_TIME = timedelta(minutes=30)
"""What was found there is looked for again only after this time, or when something else has changed."""
TROUBLED_ATTEMPTS = 3
"""After so many attempts in vain to apply a child the status says so; most faults of an apiserver pass sooner."""


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
        self._children = Children(cluster, store, config, now)
        self._failures: dict[Key, int] = {}
        self._found: dict[tuple[str, str], tuple[object, datetime]] = {}
        self._events, self._pace = status.EventLog(), status.WordsPace()

    def resync(self) -> list[Key]:
        """Take everything over from the apiserver anew. Returns the keys to look at: all. Raises ApiError."""
        concerned = self.catch_up(kinds.WATCHED)
        self._children.resync()
        now = self._now()
        self._found = {source: found for source, found in self._found.items() if found[1] > now}
        return sorted(concerned | set(self._store.keys()))

    def catch_up(self, listed: Iterable[Kind]) -> set[Key]:
        """Take these kinds over from the apiserver anew. Returns the keys that have news. Raises ApiError."""
        concerned: set[Key] = set()
        for kind in listed:
            concerned |= self._store.replace(kind.name, self._cluster.pages(kind, self._config.watch_namespace))
        return concerned

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
        problems: list[Problem] = []
        try:
            self._children.converge(key, monitor, body, problems, waits)
        except ApiError as error:
            self._failures[key] = self._failures.get(key, 0) + 1
            first_visit = not (body.get("status") or {}).get("conditions")
            if not error.unavailable and (first_visit or self._failures[key] >= TROUBLED_ATTEMPTS):
                self._judge(key, monitor, body, problems, waits, applied=False)
            raise
        self._failures.pop(key, None)
        self._judge(key, monitor, body, problems, waits, applied=True)
        return min(waits, default=None)

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
        for job in status.outdated_jobs(observation):
            logger.info("delete Job %s/%s: it cannot start, and its CronJob is another one by now", key[0], job.name)
            self._cluster.delete(kinds.JOB, job.namespace, job.name, job.uid)
        if moment := status.next_look(observation):
            waits.append((moment - observation.now).total_seconds() + 0.5)
        wanted = status.judged(observation, status.judge(observation), body.get("status") or {}, applied=applied)
        self._publish(body, wanted, waits)
        self._store.settle_departed(key, observation.departed)

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
            departed=tuple(self._store.departed(key)),
            problems=tuple(problems),
        )
        missing_model = missing_detector = missing_reference = ""
        # What was mounted or read is there; only where it was not yet is it looked for.
        if not status.model_is_served(observation):
            deployment = observation.deployment("inference")
            version = deployment.resource_version if deployment else None
            missing_model = self._missing(monitor, spec.model.storage_uri, version)
            if (detector := spec.model.outlier_detector) is not None:
                missing_detector = self._missing(monitor, detector.storage_uri, version)
        if not observation.reference_was_read():
            missing_reference = self._missing(monitor, spec.reference.storage_uri, observation.published)
        if missing_model or missing_detector or missing_reference:
            waits.append(LOOK_AGAIN_SECONDS)
        return observation.with_missing(missing_model, missing_reference, missing_detector)

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
            self._refresh(body, waits)  # deleted meanwhile, and perhaps made anew: this status is for nobody
            return
        self._store.put(written)
        if status.tells_more(written, body):
            waits.append(0.0)  # what the watch will tell of it is older than what is held, and no news
        for transition in status.transitions(wanted, previous):
            self._tell(body, transition)

    def _refresh(self, body: Body, waits: list[float]) -> None:
        metadata = body["metadata"]
        live = self._cluster.get(kinds.MONITOR, metadata["namespace"], metadata["name"])
        if live is None:
            self._store.remove(body)
        elif self._store.put(live):
            waits.append(0.0)  # as above

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
