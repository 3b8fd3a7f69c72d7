"""Holds the Lease, or waits for it: the hands of leader election, in a thread of their own."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from driftmonitor_operator import election
from driftmonitor_operator.cluster import ApiError, Cluster, NotAllowedError
from driftmonitor_operator.election import Sighting, Step, Timing
from driftmonitor_operator.kinds import LEASE, Body

logger = logging.getLogger(__name__)


def boot_seconds() -> float:
    """Seconds of a clock that never goes back, and that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Leader:
    """This process as a candidate for one Lease."""

    def __init__(
        self,
        connect: Callable[[], Cluster],
        namespace: str,
        name: str,
        identity: str,
        timing: Timing,
        lost: Callable[[str], None],
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        """`lost` is called with the reason when the Lease is not held any more; it must end the process at once."""
        self._connect, self._namespace, self._name = connect, namespace, name
        self._identity, self._timing, self._lost, self._clock = identity, timing, lost, clock
        self._held: Body | None = None
        self._sighting: Sighting | None = None
        self._good_until = float("-inf")
        self._looked = clock()
        self._leads = threading.Event()
        self._stopped = threading.Event()
        self._wakeup = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Contend for the Lease from now on. Raises ApiError where no apiserver is configured."""
        self._cluster = self._connect()
        self._thread.start()

    def wait(self) -> bool:
        """Return when this process leads, True, or when it was stopped before, False."""
        self._wakeup.wait()
        return self._leads.is_set()

    def permit(self) -> None:
        """Return where this process may write at this moment. Raises NotAllowedError."""
        if self._clock() >= self._good_until:
            raise NotAllowedError(f"the Lease {self._namespace}/{self._name} is not held")

    def stands_by(self) -> bool:
        """Whether another one holds the Lease."""
        return self._sighting is not None and not self._leads.is_set()

    def unhealthy(self) -> str:
        """What is wrong, empty when nothing: the Lease was not looked at for long."""
        age = self._clock() - self._looked
        if age > 2 * self._timing.lease_seconds + 30:
            return f"the Lease was last looked at {age:.0f} s ago"
        return ""

    def stop(self) -> None:
        """Give the Lease back; nothing may be written any more. May be called from any thread."""
        self._stopped.set()
        self._wakeup.set()
        if self._thread.ident is not None:
            self._thread.join()
        held, self._held = self._held, None
        self._good_until = float("-inf")
        if held is None:
            return
        try:
            self._cluster.replace(election.released(held, datetime.now(UTC)))
        except ApiError as error:
            logger.warning("the Lease could not be given back, it runs out by itself: %s", error)
        else:
            logger.info("gave the Lease %s/%s back", self._namespace, self._name)

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self._held is not None and self._clock() >= self._good_until:
                self._lost("the Lease could not be renewed in time")
                return
            try:
                if self._held is None:
                    self._contend()
                else:
                    self._renew(self._held)
            except ApiError as error:
                logger.warning("the Lease %s/%s: %s", self._namespace, self._name, error)
            self._looked = self._clock()
            pause = self._timing.retry_seconds
            if self._held is not None:
                pause = min(pause, max(self._good_until - self._looked, 0.0))
            self._stopped.wait(pause)

    def _contend(self) -> None:
        lease = self._cluster.get(LEASE, self._namespace, self._name)
        asked = self._clock()
        before = self._sighting.holder if self._sighting else None
        self._sighting = None if lease is None else election.see(lease, self._sighting, asked)
        step = election.decide(self._sighting, self._identity, self._timing, asked)
        if step is Step.WAIT:
            if self._sighting and self._sighting.holder != before:
                logger.info("stand by: %s holds the Lease", self._sighting.holder)
            return
        now = datetime.now(UTC)
        if lease is None or step is Step.CREATE:
            self._cluster.create(election.new(self._namespace, self._name, self._identity, self._timing, now))
            lease = self._cluster.get(LEASE, self._namespace, self._name)
            if lease is None or lease["spec"].get("holderIdentity") != self._identity:
                return  # another one was quicker
        else:
            taken = self._cluster.replace(election.taken(lease, self._identity, self._timing, now))
            if taken is None:
                return
            lease = taken
        self._held, self._good_until = lease, asked + self._timing.renew_seconds
        logger.info("%s leads: it holds the Lease %s/%s", self._identity, self._namespace, self._name)
        self._leads.set()
        self._wakeup.set()

    def _renew(self, held: Body) -> None:
        asked = self._clock()
        renewed = self._cluster.replace(election.renewed(held, datetime.now(UTC)))
        if renewed is None:  # somebody else wrote it, or the answer to the last renewal was lost
            lease = self._cluster.get(LEASE, self._namespace, self._name)
            holder = ((lease or {}).get("spec") or {}).get("holderIdentity")
            if lease is None or holder != self._identity:
                self._lost(f"the Lease is now held by {holder or 'nobody'}")
                return
            self._held = lease
            asked = self._clock()
            renewed = self._cluster.replace(election.renewed(lease, datetime.now(UTC)))
            if renewed is None:
                return
        self._held, self._good_until = renewed, asked + self._timing.renew_seconds
