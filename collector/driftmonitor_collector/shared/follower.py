"""What one collector knows of what all have stored, kept up with the log: its ledger, its tail, foreign ids."""

from collections.abc import Callable, Sequence
from time import monotonic

from driftmonitor_collector import frames
from driftmonitor_collector.identities import KEPT, Identities
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import Plan
from driftmonitor_collector.records import stored_identities
from driftmonitor_collector.shared import names
from driftmonitor_collector.shared.entries import Entry, counts_of, with_counts
from driftmonitor_collector.shared.log import Restart, SharedLog
from driftmonitor_collector.shared.mirror import Mirror
from driftmonitor_collector.store import identity_files
from driftmonitor_collector.store.objects import Objects


class Follower:
    """One thread at a time may call it. What it counted itself, duplicates, goes into its next object of the log."""

    def __init__(self, objects: Objects, mirror: Mirror, new_id: Callable[[], str]) -> None:
        self._objects = objects
        self._mirror = mirror
        self.log = SharedLog(objects, new_id)
        self.ledger = Ledger()
        """Of the log up to its head."""
        self.identities = Identities()
        self._news = Ledger()
        self._uncounted = Ledger()
        self._counts: dict[int, dict[str, int]] = {}
        self._fresh = float("-inf")

    def is_fresh(self, seconds: float) -> bool:
        """Whether the log was followed to its end so lately."""
        return monotonic() - self._fresh < seconds

    def take_news(self) -> Ledger:
        """What has changed in the ledger since this was called before; own duplicates included."""
        news, self._news = self._news, Ledger()
        return news

    def follow(self) -> None:
        """Learn what others have stored up to now."""
        begin = monotonic()
        for found in self.log.follow():
            if isinstance(found, Restart):
                self._restart(found)
            else:
                self._enter(found)
        self._mirror.drop(self.log.compacted)
        self._counts = {number: counts for number, counts in self._counts.items() if number > self.log.compacted}
        self._fresh = begin

    def append(self, made: Plan, head: int) -> bool:
        """Store it as the object behind `head`, the log's newest when it was planned.

        False if another collector was faster: then follow, and plan anew.
        """
        if self.log.head != head:
            return False
        begin = monotonic()
        entry = self.log.append(made.data, counts_of(self._uncounted.merged(made.change)))
        if entry is None:
            return False
        self._fresh = begin  # that it is the log's next object shows that there was none that is not known
        self._mirror.append(entry.number, entry.data)
        self._counts[entry.number] = entry.head.duplicates
        self.ledger.merge(made.change)
        self.ledger.merge(self._uncounted)
        self.identities.add_all(made.identities)
        self._news.merge(made.change)
        self._uncounted = Ledger()
        return True

    def count(self, change: Ledger) -> None:
        """Remember the duplicates of a plan that has nothing to store."""
        self._uncounted.merge(with_counts(counts_of(change)))
        self._news.merge(change)

    def flush(self) -> None:
        """Store what was only counted, so that it outlives this process."""
        while self._uncounted.duplicates:
            if self.append(Plan(b"", Ledger(), ()), self.log.head):
                return
            self.follow()

    def counted(self, first: int, last: int) -> Ledger:
        """The duplicates that these objects of the log have counted."""
        total = Ledger()
        for number in range(first, last + 1):
            total.merge(with_counts(self._counts[number]))
        return total

    def _enter(self, entry: Entry) -> None:
        change = entry.change()
        self._mirror.append(entry.number, entry.data)
        self._counts[entry.number] = entry.head.duplicates
        self.ledger.merge(change)
        self._news.merge(change)
        for frame in entry.frames():
            if frame.kind == frames.FOREIGN:
                self.identities.add_all(stored_identities(frame.payload))

    def _restart(self, restart: Restart) -> None:
        known, self.ledger = self.ledger, restart.ledger
        self._news.merge(self.ledger)
        # Sets can be merged twice, counts cannot.
        self._news.duplicates -= known.duplicates
        self._news.rejected -= known.rejected
        for name, account in known.accounts.items():
            self._news.account(name).duplicates -= account.duplicates
        self._counts.clear()
        self._mirror.drop(restart.number)
        for numbers in self._stored_identities():
            self.identities.add_all(numbers)

    def _stored_identities(self) -> list[Sequence[int]]:
        """The newest that the store has, oldest first."""
        files, held = self._objects.listing(names.IDENTITIES), 0
        first = len(files)
        while first and held < KEPT:
            first -= 1
            held += files[first].size // 8
        contents = self._objects.together(lambda item: self._objects.get(item.name), files[first:])
        return [numbers for content in contents if content and (numbers := identity_files.decode(content)) is not None]
