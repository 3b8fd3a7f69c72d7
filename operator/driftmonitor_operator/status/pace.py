"""How often a status is written for the sake of its words alone. Pure, with memory."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

_FIRST_DELAY = timedelta(seconds=10)
_LONGEST_DELAY = timedelta(minutes=30)
_REMEMBERED = 4096


class WordsPace:
    """Lets a monitor's messages change at once, and again only after a delay that doubles each time: the texts of
    kubelets and schedulers alternate, and each change would be a write. May be used from several threads."""

    def __init__(self) -> None:
        """Nothing has been written."""
        self._lock = threading.Lock()
        self._next: OrderedDict[str, tuple[Hashable, datetime, timedelta]] = OrderedDict()

    def delay(self, uid: str, facts: Hashable, now: datetime) -> timedelta:
        """How long to wait before new words may be written; zero: now, and this counts as done.

        `facts` is what the words are about: where it is another than last time, they may be written at once.
        """
        with self._lock:
            known, allowed, delay = self._next.get(uid, (None, now, _FIRST_DELAY / 2))
            if known != facts:
                allowed, delay = now, _FIRST_DELAY / 2
            if now < allowed and allowed - now <= delay:  # a clock that was set back holds nothing up
                return allowed - now
            delay = min(delay * 2, _LONGEST_DELAY)
            self._next[uid] = (facts, now + delay, delay)
            self._next.move_to_end(uid)
            if len(self._next) > _REMEMBERED:
                self._next.popitem(last=False)
            return timedelta(0)
