"""How often a child is repaired against someone who changes it again and again. Pure, with memory."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

BURST = 10
PAUSE = timedelta(seconds=5)
_REMEMBERED = 4096


class RepairPace:
    """Lets a child be repaired at once, but where that is in vain ten times in a row, only once in a pause then.

    Two programs that each put an object back at every event would else keep the apiserver busy. May be used from
    several threads.
    """

    def __init__(self) -> None:
        """Nothing has been repaired."""
        self._lock = threading.Lock()
        self._spent: OrderedDict[Hashable, tuple[str, datetime]] = OrderedDict()
        """The digest that each child was to have, and when all its repairs will count no more."""

    def delay(self, child: Hashable, digest: str, now: datetime) -> timedelta:
        """How long to wait before this child is repaired; zero: now, and this counts as done.

        A child that is to be something else than before, by its digest, does not wait.
        """
        with self._lock:
            known, free = self._spent.get(child, (digest, now))
            if known != digest or free - now > BURST * PAUSE:  # the latter where the clock was set back
                free = now
            wait = free + PAUSE - now - BURST * PAUSE
            if wait > timedelta(0):
                return wait
            self._spent[child] = (digest, max(free, now) + PAUSE)
            self._spent.move_to_end(child)
            if len(self._spent) > _REMEMBERED:
                self._spent.popitem(last=False)
            return timedelta(0)
