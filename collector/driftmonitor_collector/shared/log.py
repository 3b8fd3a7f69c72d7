"""The log that collectors share: appended to, and followed, by any of them. See the package's text for why it holds."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.shared import entries, names
from driftmonitor_collector.shared.entries import Entry, Head
from driftmonitor_collector.store import state
from driftmonitor_collector.store.log import DamagedSegmentError
from driftmonitor_collector.store.objects import Object, Objects
from driftmonitor_collector.store.unavailable import StoreUnavailableError, UnusableStoreError

_READ_TOGETHER = 64
_READ_BYTES = 32 << 20
_TRIES = 50
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Restart:
    """The log goes on behind a checkpoint that another collector made: everything before it is in this ledger."""

    number: int
    ledger: Ledger


def read_together(listed: Sequence[Object]) -> Sequence[Object]:
    """The first of them: one at least, and so many that they fit into memory."""
    total = 0
    for place, item in enumerate(listed[:_READ_TOGETHER]):
        total += item.size
        if total > _READ_BYTES and place:
            return listed[:place]
    return listed[:_READ_TOGETHER]


class SharedLog:
    """Where one collector stands in the log. One thread at a time may call it."""

    def __init__(self, objects: Objects, new_id: Callable[[], str]) -> None:
        """`new_id` gives a text that nobody else has."""
        self._objects = objects
        self._new_id = new_id
        self.head = 0
        """The number of the newest object that this collector knows."""
        self.compacted = 0
        """The newest checkpoint that it knows, and is not before."""

    def require_conditional_creation(self) -> None:
        """UnusableStoreError of a store that would let two collectors create the same object."""
        self._objects.create(names.PROBE, b"")
        if self._objects.create(names.PROBE, b""):
            raise UnusableStoreError(
                f"{self._objects.uri}: the store replaces an object that was to be created only if there is none"
                " (If-None-Match: *), so that rows could be lost; use one that has conditional writes"
            )

    def append(self, data: bytes, duplicates: dict[str, int]) -> Entry | None:
        """Make it the log's next object, durably; None if another one is, or may be: then follow, and plan anew."""
        number, head = self.head + 1, Head(self._new_id(), duplicates)
        if not self._objects.create(names.log_name(number), entries.encode(head, data)):
            content = self._objects.get(names.log_name(number))
            # The answer to an earlier attempt inside of `create` may have been lost.
            if content is None or entries.decode(number, content).head.id != head.id:
                return None
        if self.newest_checkpoint() >= number:
            return None  # this number was used and deleted before, or is already compacted: the checkpoint tells
        self.head = number
        return Entry(number, head, data)

    def follow(self) -> Iterator[Entry | Restart]:
        """What others have appended, up to what was there when it was called, in order."""
        for _ in range(_TRIES):
            listed = self._objects.listing(names.LOG, after=names.log_name(self.head))
            numbers = [names.number_of(item.name) for item in read_together(listed)]
            contents = []
            if names.follow(numbers, self.head):
                contents = self._objects.together(lambda number: self._objects.get(names.log_name(number)), numbers)
            # Looked for after they were read: what no checkpoint has reached yet is the log.
            newest = self.newest_checkpoint()
            if newest > self.head:
                content = self._objects.get(names.checkpoint_name(newest))
                if content is not None:
                    yield self._restart(newest, content)
                continue
            self.compacted = newest
            found = [content for content in contents if content is not None]
            if len(found) < len(numbers):
                continue  # a checkpoint was made between listing and reading
            for number, content in zip(numbers, found, strict=True):
                self.head = number
                yield entries.decode(number, content)
            if len(numbers) == len(listed):
                return
        # Other collectors may have been that fast; objects deleted by hand look the same.
        raise StoreUnavailableError(f"{self._objects.uri}: the log behind object {self.head} cannot be followed")

    def _restart(self, number: int, content: bytes) -> Restart:
        try:
            _, ledger = state.decode(content)
        except ValueError as error:
            raise DamagedSegmentError(f"{names.checkpoint_name(number)} is damaged: {error}") from None
        self.head = self.compacted = number
        _logger.info("going on behind object %d of the log, which others have compacted", number)
        return Restart(number, ledger)

    def newest_checkpoint(self) -> int:
        """Its number; 0 if there is none."""
        return max((names.number_of(item.name) for item in self._objects.listing(names.CHECKPOINTS)), default=0)
