"""What an object of the log holds: a line that says whose it is, and frames."""

from collections.abc import Iterator

import msgspec

from driftmonitor_collector import frames
from driftmonitor_collector.frames import Damage, Frame
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.store.log import DamagedSegmentError

_MAGIC = b"driftmonitor wal 1 "


class Head(msgspec.Struct):
    """Who wrote it, and what it counted since it wrote before."""

    id: str
    """Of this one attempt to write: an object that is found with it is the writer's own."""
    duplicates: dict[str, int] = {}
    """By writer."""


def counts_of(change: Ledger) -> dict[str, int]:
    """The duplicates of each writer that has some."""
    return {name: account.duplicates for name, account in change.accounts.items() if account.duplicates}


def with_counts(counts: dict[str, int]) -> Ledger:
    """A ledger that has counted these duplicates, and nothing else."""
    ledger = Ledger()
    for writer, count in counts.items():
        ledger.account(writer).duplicates = count
    ledger.duplicates = sum(counts.values())
    return ledger


class Entry(msgspec.Struct):
    """An object of the log, read."""

    number: int
    head: Head
    data: bytes
    """Its frames."""

    def frames(self) -> Iterator[Frame]:
        """Each; DamagedSegmentError where a checksum does not hold."""
        for item in frames.scan(self.data):
            if isinstance(item, Damage):
                raise DamagedSegmentError(f"object {self.number} of the log is damaged from byte {item.start} on")
            yield item

    def change(self) -> Ledger:
        """What it changes in the ledger."""
        ledger = with_counts(self.head.duplicates)
        for frame in self.frames():
            frames.enter(frame, ledger)
        return ledger


def encode(head: Head, data: bytes) -> bytes:
    """An object's content."""
    return b"%b%b\n%b" % (_MAGIC, msgspec.json.encode(head), data)


def decode(number: int, content: bytes) -> Entry:
    """The same, read; DamagedSegmentError for anything that `encode` did not make."""
    line, _, data = content.partition(b"\n")
    try:
        if not line.startswith(_MAGIC):
            raise ValueError("it begins otherwise")
        return Entry(number, msgspec.json.decode(line[len(_MAGIC) :], type=Head), data)
    except ValueError as error:
        raise DamagedSegmentError(f"object {number} of the log is none of a collector: {error}") from None
