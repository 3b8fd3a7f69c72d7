"""What the watches and lists have brought: the last known state of every monitor and child, held in memory."""

import threading
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import pydantic_core

from driftmonitor_operator.kinds import INSTANCE_LABEL, MONITOR, POD, Body
from driftmonitor_operator.observed import Key, Observed

_REMEMBERED = 10_000
"""Deleted objects of which late news is still known for what it is."""


@dataclass(slots=True)
class _Monitor:
    """One monitor, packed: as objects of Python thousands of them would take ten times as much."""

    uid: str
    version: int
    drift: str
    packed: bytes

    @classmethod
    def of(cls, body: Body) -> "_Monitor":
        metadata = body["metadata"]
        drift = (body.get("status") or {}).get("drift") or "Unknown"
        return cls(metadata["uid"], _version(body), drift, zlib.compress(pydantic_core.to_json(body), 1))

    def body(self) -> Body:
        body: Body = pydantic_core.from_json(zlib.decompress(self.packed))
        return body


class Store:
    """Last known states. Older news than what is held is ignored; all methods may be called from any thread.

    Resource versions of one kind are ordered numbers, by Kubernetes' contract since 1.35 and by etcd's before.
    """

    def __init__(self) -> None:
        """Nothing is known at first."""
        self._lock = threading.Lock()
        self._monitors: dict[Key, _Monitor] = {}
        self._children: dict[Key, dict[tuple[str, str], Observed]] = {}
        self._places: dict[str, Key] = {}
        """Where a child is held, by its uid: its label may come to name another monitor, or none."""
        self._departed: dict[Key, list[Observed]] = {}
        self._deleted: dict[str, int] = {}
        """Resource versions of deletions by uid. The answer to an apply, or a page of a list, may be taken over only
        after the watch has told that the object is gone: it must not rise again."""

    def monitor(self, key: Key) -> Body | None:
        """The monitor as last seen."""
        with self._lock:
            held = self._monitors.get(key)
        return held.body() if held else None

    def keys(self) -> list[Key]:
        """All monitors."""
        with self._lock:
            return list(self._monitors)

    def children(self, key: Key) -> list[Observed]:
        """All that is labelled as this monitor's, whoever owns it."""
        with self._lock:
            return list(self._children.get(key, {}).values())

    def departed(self, key: Key) -> list[Observed]:
        """Pods that are gone and whose last words nobody has written down, as they were at last."""
        with self._lock:
            return list(self._departed.get(key, ()))

    def settle_departed(self, key: Key, pods: Iterable[Observed]) -> None:
        """Their last words are written down."""
        done = {pod.uid for pod in pods}
        with self._lock:
            left = [pod for pod in self._departed.pop(key, ()) if pod.uid not in done]
            if left:
                self._departed[key] = left

    def drift_counts(self) -> dict[str, int]:
        """Number of monitors by `status.drift`."""
        counts: dict[str, int] = {}
        with self._lock:
            for held in self._monitors.values():
                counts[held.drift] = counts.get(held.drift, 0) + 1
        return counts

    def child(self, manifest: Body) -> Observed | None:
        """The live object of this manifest's kind and name."""
        metadata = manifest["metadata"]
        key = (metadata["namespace"], metadata["labels"][INSTANCE_LABEL])
        with self._lock:
            return self._children.get(key, {}).get((manifest["kind"], metadata["name"]))

    def put(self, body: Body, digest: str | None = None) -> Key | None:
        """Take over an object. Returns the monitor that it concerns, None where this is no news.

        `digest` is that of the manifest that was just applied to it.
        """
        if body["kind"] == MONITOR.name:
            with self._lock:
                return self._put_monitor(body)
        metadata = body["metadata"]
        with self._lock:
            held = self._held(body["kind"], metadata["name"], metadata["uid"])
            if digest is None and held is not None and held.resource_version >= int(metadata["resourceVersion"]):
                return None  # before it is looked at closely: most of what a resync brings is known
        child = Observed.of(body)
        if digest is not None:
            child.settle(digest)
        with self._lock:
            return self._put_child(child, digest)

    def remove(self, body: Body) -> Key | None:
        """Forget a deleted object, unless another one has its name by now. Returns as `put` does."""
        with self._lock:
            self._bury(body)
            if body["kind"] == MONITOR.name:
                key = _monitor_key(body)
                held = self._monitors.get(key)
                if held is None or held.uid != body["metadata"]["uid"]:
                    return None
                del self._monitors[key]
                self._departed.pop(key, None)
                return key
            gone = self._held(body["kind"], body["metadata"]["name"], body["metadata"]["uid"])
            return self._drop_child(gone, Observed.of(body)) if gone else None

    def replace(self, kind: str, pages: Iterable[tuple[list[Body], int]]) -> set[Key]:
        """Take over a whole list of one kind, page by page with the list's version. Returns the monitors with news."""
        present: set[str] = set()
        changed: set[Key] = set()
        resource_version = 0
        for bodies, version in pages:
            resource_version = resource_version or version
            while bodies:  # one after the other may go
                body = bodies.pop()
                present.add(body["metadata"]["uid"])
                if key := self.put(body):
                    changed.add(key)
        with self._lock:
            if kind == MONITOR.name:
                for key, held in list(self._monitors.items()):
                    if held.uid not in present and held.version <= resource_version:
                        del self._monitors[key]
                        self._departed.pop(key, None)
                        changed.add(key)
                return changed
            children = [child for group in self._children.values() for child in group.values() if child.kind == kind]
            for child in children:
                if child.uid not in present and child.resource_version <= resource_version:
                    changed.add(self._drop_child(child))
        return changed

    def _put_monitor(self, body: Body) -> Key | None:
        key = _monitor_key(body)
        held = self._monitors.get(key)
        if held is not None and held.version >= _version(body):
            return None
        if self._is_buried(body["metadata"]["uid"], _version(body)):
            return None
        managed = [  # when who last wrote the status; the rest is large
            {name: value for name, value in entry.items() if name != "fieldsV1"}
            for entry in body["metadata"].get("managedFields", [])
            if entry.get("subresource") == "status"
        ]
        self._monitors[key] = _Monitor.of(body | {"metadata": body["metadata"] | {"managedFields": managed}})
        return key

    def _put_child(self, child: Observed, digest: str | None) -> Key | None:
        if self._is_buried(child.uid, child.resource_version):
            return None
        key = (child.namespace, child.instance)
        held = self._held(child.kind, child.name, child.uid)
        if held is not None and held.resource_version >= child.resource_version:
            if digest is not None and held.resource_version == child.resource_version:
                held.settle(digest)  # the apply changed nothing, or its event came first
            return None
        if held is not None and held.instance != child.instance:
            if child.instance:
                self._hold(key, child)
            return self._drop_child(held)  # its label was changed; the monitor that has lost it will see to it
        if not child.instance:
            return None
        namesake = self._children.get(key, {}).get((child.kind, child.name))
        if namesake is not None and namesake.resource_version >= child.resource_version:
            return None
        self._hold(key, child)
        return key

    def _bury(self, body: Body) -> None:
        self._deleted[body["metadata"]["uid"]] = _version(body)
        if len(self._deleted) > _REMEMBERED:
            del self._deleted[next(iter(self._deleted))]

    def _is_buried(self, uid: str, version: int) -> bool:
        """An object whose label was taken away is told as deleted too, and may come back in a newer version."""
        return version <= self._deleted.get(uid, -1)

    def _held(self, kind: str, name: str, uid: str) -> Observed | None:
        child = self._children.get(self._places.get(uid, ("", "")), {}).get((kind, name))
        return child if child is not None and child.uid == uid else None

    def _hold(self, key: Key, child: Observed) -> None:
        group = self._children.setdefault(key, {})
        if before := group.get((child.kind, child.name)):
            self._places.pop(before.uid, None)
        group[child.kind, child.name] = child
        self._places[child.uid] = key

    def _drop_child(self, child: Observed, last: Observed | None = None) -> Key:
        """`last` is the child as it was when it went, where that is known."""
        key = (child.namespace, child.instance)
        if child.kind == POD.name and child.component == "inference" and key in self._monitors:
            self._departed.setdefault(key, []).append(last or child)
        del self._children[key][child.kind, child.name]
        if self._places.get(child.uid) == key:
            del self._places[child.uid]
        if not self._children[key]:
            del self._children[key]
        return key


def _monitor_key(body: Body) -> Key:
    return body["metadata"]["namespace"], body["metadata"]["name"]


def _version(body: Body) -> int:
    return int(body["metadata"]["resourceVersion"])
