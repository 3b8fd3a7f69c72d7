"""Which of several operators works: leader election by a Lease. Pure.

No clock of another machine is read: a Lease has run out when this process has seen no change of it for as long as it is
good for. Moments are seconds of one clock of this process that never goes back.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from driftmonitor_operator.kinds import LEASE, Body


@dataclass(frozen=True)
class Timing:
    """How long things take, in proportion to the time that a Lease is good for; all in seconds."""

    lease_seconds: int

    @property
    def renew_seconds(self) -> float:
        """The holder works for this long after it asked for the last renewal that was granted, and no longer."""
        return self.lease_seconds * 2 / 3

    @property
    def write_seconds(self) -> float:
        """A write that was begun in time has come to its end or was given up before another may take the Lease."""
        return self.lease_seconds - self.renew_seconds

    @property
    def retry_seconds(self) -> float:
        """Between two looks at the Lease, and between two renewals."""
        return self.lease_seconds * 2 / 15


@dataclass(frozen=True)
class Sighting:
    """What the Lease says, and since when this process has known it to say that."""

    spec: Body
    since: float

    @property
    def holder(self) -> str:
        """Identity of the holder, empty where it was given back."""
        return str(self.spec.get("holderIdentity") or "")


class Step(Enum):
    """What one who does not hold the Lease does about it."""

    CREATE = "create"
    TAKE = "take"
    WAIT = "wait"


def see(lease: Body, before: Sighting | None, now: float) -> Sighting:
    """The sighting after the Lease was read; it is as old as before where nothing has changed."""
    spec = lease.get("spec") or {}
    return before if before is not None and before.spec == spec else Sighting(spec, now)


def decide(sighting: Sighting | None, identity: str, timing: Timing, now: float) -> Step:
    """What to do; `sighting` None: there is no Lease."""
    if sighting is None:
        return Step.CREATE
    # The holder's own promise counts, not what this process would promise: their settings may differ.
    good_for = sighting.spec.get("leaseDurationSeconds") or timing.lease_seconds
    free = sighting.holder in ("", identity) or now >= sighting.since + good_for
    return Step.TAKE if free else Step.WAIT


def new(namespace: str, name: str, identity: str, timing: Timing, now: datetime) -> Body:
    """The first Lease, held by this process."""
    metadata = {"namespace": namespace, "name": name}
    empty = {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata}
    return taken(empty, identity, timing, now) | {"metadata": metadata}


def taken(lease: Body, identity: str, timing: Timing, now: datetime) -> Body:
    """The Lease as its new holder writes it. Its resource version makes sure that only one can."""
    before = lease.get("spec") or {}
    held = {
        "holderIdentity": identity,
        "leaseDurationSeconds": timing.lease_seconds,
        "acquireTime": _micro_time(now),
        "renewTime": _micro_time(now),
        "leaseTransitions": before.get("leaseTransitions", -1) + 1,
    }
    return lease | {"spec": before | held}


def renewed(lease: Body, now: datetime) -> Body:
    """The Lease as its holder writes it from time to time."""
    return lease | {"spec": lease["spec"] | {"renewTime": _micro_time(now)}}


def released(lease: Body, now: datetime) -> Body:
    """The Lease as its holder gives it back, so that another need not wait."""
    return lease | {"spec": lease["spec"] | {"holderIdentity": "", "renewTime": _micro_time(now)}}


def _micro_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
