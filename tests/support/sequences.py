"""Random sequences of edits against a running operator: after each edit, the children must be those of a fresh object.

Several sequences go on at once, each on an object of its own. After each round of edits the objects settle, and what is
there is compared with what the same operator makes of the same spec for an object that was never another one.
"""

import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.integration.conftest import OperatorProcess
from tests.support.portraits import Body, differences, portrait, strange
from tests.support.specs import Edit, Spec
from tests.support.worlds import World

NURSERY = "nursery"
"""Namespace of the fresh objects."""
EDITED = "the-edited-one"
"""Name of the objects that are edited, each in a namespace of its own."""
SETTINGS = {"RESYNC_SECONDS": "3600", "WORKERS": "4"}
"""Of the operator: no resync mends what an event should have."""
PATIENCE_SECONDS = 60.0
"""What differs for so long after the last change of anything will not come right by itself. (A rejected child is sent
again after a minute, but valid specs have none.)"""
_LIMIT_SECONDS = 600.0
"""What goes on changing for so long does not settle."""
KILL_SHARE = 0.06
"""Share of the rounds in which the operator is killed in the middle."""


_PAUSE_SECONDS = 0.15
_REMEMBERED = 300
"""Portraits of fresh objects; few specs come twice."""


@dataclass(frozen=True)
class Divergence:
    """An object that is not as a fresh one with its spec."""

    sequence: int
    edits: list[Edit]
    """All that was done to it, the last one the one after which it differs."""
    differences: list[str]

    def __str__(self) -> str:
        """For people, with the edits as JSON."""
        done = "\n".join(f"  {number}. {json.dumps(edit._asdict())}" for number, edit in enumerate(self.edits))
        return f"sequence {self.sequence}:\n{done}\nnow differs:\n  " + "\n  ".join(self.differences)


@dataclass
class Subject:
    """One object that is edited, in a namespace of its own."""

    number: int
    edits: list[Edit]
    done: int = 0
    uid: str = ""
    spec: Spec | None = None

    @property
    def namespace(self) -> str:
        """Its own."""
        return f"sequence-{self.number:05d}"

    def write(self, world: World, delay: float) -> None:
        """Do the next edit; in its middle, wait this long (seconds)."""
        edit = self.edits[self.done]
        self.done += 1
        if edit.verb == "recreate":
            old = self.uid
            if old:
                world.delete(self.namespace, EDITED)
            self.uid, self.spec = world.create(self.namespace, EDITED, edit.spec), edit.spec
            if old:
                time.sleep(delay)
                world.collect_garbage(self.namespace, old)
            return
        for number, spec in enumerate(filter(None, (edit.first, edit.spec))):
            if number:
                time.sleep(delay / 5)
            assert self.spec is not None, "the first edit of a sequence creates the object"
            if edit.verb == "merge":
                world.merge(self.namespace, EDITED, self.spec, spec)
            else:
                world.replace(self.namespace, EDITED, spec)
            self.spec = spec


class _Patience:
    """Lasts until nothing has changed for a while: on a busy machine things settle late."""

    def __init__(self) -> None:
        self._begin = self._changed = time.monotonic()
        self._latest = 0

    def renew(self, bodies: Iterable[Body]) -> None:
        """Begin anew if one of them is newer than all before."""
        latest = max((int(body["metadata"]["resourceVersion"]) for body in bodies), default=0)
        if latest > self._latest:
            self._latest, self._changed = latest, time.monotonic()

    @property
    def over(self) -> bool:
        """Whether what differs now will go on to differ."""
        now = time.monotonic()
        return now > self._changed + PATIENCE_SECONDS or now > self._begin + _LIMIT_SECONDS


class Runner:
    """Carries sequences out, several at once, with one operator."""

    def __init__(self, world: World, operator: OperatorProcess, randomness: random.Random, width: int) -> None:
        """`width` is the number of sequences that go on at once."""
        self._world, self._operator, self._random, self._width = world, operator, randomness, width
        self._fresh: dict[str, Body] = {}
        self._births = 0
        self._made: set[str] = set()

    def run(
        self, sequences: Iterable[list[Edit]], progress: Callable[[int], None] = lambda steps: None
    ) -> Iterator[Divergence]:
        """Do all the edits. Yields what diverged; `progress` is told the number of steps done so far."""
        waiting, working, steps = enumerate(sequences), list[Subject](), 0
        while True:
            while len(working) < self._width and (following := next(waiting, None)):
                working.append(Subject(*following))
                self._make_namespace(working[-1].namespace)
            if not working:
                return
            steps += len(working)
            yield from self._round(working)
            for subject in working:
                if subject.done == len(subject.edits):
                    self._world.delete(subject.namespace, EDITED)
                    self._world.collect_garbage(subject.namespace, subject.uid)
            working = [subject for subject in working if subject.done < len(subject.edits)]
            progress(steps)

    def left_over(self) -> list[str]:
        """Names of all that is still there, a moment after all sequences are over."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self._operator.wait_until_idle()
            found = [f"DriftMonitor {name}" for name in self._world.monitors()]
            for family in self._world.children().values():
                found += [
                    f"{body['kind']} {body['metadata']['namespace']}/{body['metadata']['name']}" for body in family
                ]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.5)

    def _round(self, working: list[Subject]) -> Iterator[Divergence]:
        kill = self._random.random() < KILL_SHARE
        delays = [self._random.random() * 0.3 for _ in working]
        pairs = list(zip(working, delays, strict=True))
        if kill:
            first, second = pairs[::2], pairs[1::2]
            self._world.each(lambda pair: pair[0].write(self._world, pair[1]), first)
            time.sleep(self._random.random() * 0.5)
            self._kill()
            self._world.each(lambda pair: pair[0].write(self._world, pair[1]), second)
            self._operator.start(**SETTINGS)
        else:
            self._world.each(lambda pair: pair[0].write(self._world, pair[1]), pairs)
        found = self._compare(working, self._give_birth(working))
        for subject in working:
            if subject.number in found:
                yield Divergence(subject.number, subject.edits[: subject.done], found[subject.number])
                subject.edits = subject.edits[: subject.done]  # from here on it would differ all the time

    def _kill(self) -> None:
        """End the operator as a crash would."""
        os.kill(self._operator.pid, signal.SIGKILL)
        while self._operator.ended() is None:
            time.sleep(0.01)

    def _give_birth(self, working: list[Subject]) -> dict[str, str]:
        """Create a fresh object for each spec that there was none for. Returns their names by their specs."""
        self._make_namespace(NURSERY)
        births: dict[str, tuple[str, Spec]] = {}
        if len(self._fresh) > _REMEMBERED:
            self._fresh.clear()
        for subject in working:
            assert subject.spec is not None
            key = _key(subject.spec)
            if key not in self._fresh and key not in births:
                self._births += 1
                births[key] = (f"fresh-{self._births:06d}", subject.spec)
        self._world.each(lambda birth: self._world.create(NURSERY, *birth), births.values())
        return {key: name for key, (name, _) in births.items()}

    def _compare(self, working: list[Subject], births: dict[str, str]) -> dict[int, list[str]]:
        """Differences by the number of the sequence; none where all is well."""
        patience = _Patience()
        awaited = {(subject.namespace, EDITED) for subject in working} | {(NURSERY, name) for name in births.values()}
        unlike = {subject.number: ["not looked at"] for subject in working}
        while True:
            monitors = self._world.monitors()
            patience.renew(monitors.values())
            if not all(_looked_at(monitors[identity]) for identity in awaited) and not patience.over:
                time.sleep(_PAUSE_SECONDS)
                continue
            self._world.roll_out()
            families = self._world.children()
            patience.renew(itertools.chain.from_iterable(families.values()))
            fresh: set[str] = set()
            for subject in working:
                if subject.number not in unlike:
                    continue
                key, identity = _key(subject.spec), (subject.namespace, EDITED)
                if key in births and key not in fresh:
                    fresh.add(key)
                    born = (NURSERY, births[key])
                    self._fresh[key] = portrait(monitors[born], families.get(born, []))
                there = portrait(monitors[identity], families.get(identity, []))
                if found := [*differences(self._fresh[key], there), *strange(there)]:
                    unlike[subject.number] = found
                elif not _rolled_out(there):
                    unlike[subject.number] = ["its pods are ready, and its conditions do not say so"]
                else:
                    del unlike[subject.number]
            if not unlike or patience.over:
                self._world.clear(NURSERY, births.values())
                return unlike
            time.sleep(_PAUSE_SECONDS)

    def _make_namespace(self, name: str) -> None:
        if name not in self._made:
            self._made.add(name)
            self._world.make_namespace(name)


def _looked_at(monitor: Body) -> bool:
    observed = monitor.get("status", {}).get("observedGeneration")
    return bool(observed == monitor["metadata"]["generation"])


def _rolled_out(drawn: Body) -> bool:
    """Whether the operator has heard that all pods are ready: before, two objects may be alike by chance."""
    verdicts = {condition["type"]: condition["verdict"] for condition in drawn["conditions"]}
    served = drawn["spec"]["serving"].get("replicas") == 0 or verdicts["ModelReady"].startswith("True")
    return bool(served and verdicts["CollectorReady"].startswith("True"))


def _key(spec: Spec | None) -> str:
    return json.dumps(spec, sort_keys=True)
