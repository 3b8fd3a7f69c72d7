"""Which foreign records are stored already: the newest of their ids, in memory that does not grow with rows."""

from array import array
from collections.abc import Iterable
from hashlib import blake2b

KEPT = 500_000
"""A record is recognised when it comes again while no more than so many others have come since."""
_SMALLEST = 1024


def identity_of(*parts: bytes) -> int:
    """A number of 64 bits for an id: two ids of a window of KEPT share one with a probability of about 1e-8."""
    digest = blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return int.from_bytes(digest.digest(), "big") or 1


class _Slots:
    """A set of numbers from 1 to 2**64 - 1 in an array, with open addressing: 16 to 32 bytes each."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _SMALLEST))
        self.count = 0

    def __contains__(self, number: int) -> bool:
        return self._slots[self._place(number)] == number

    def add(self, number: int) -> None:
        place = self._place(number)
        if self._slots[place] == number:
            return
        self._slots[place] = number
        self.count += 1
        if 2 * self.count > len(self._slots):
            old = self._slots
            self._slots = array("Q", bytes(16 * len(old)))
            for known in old:
                if known:
                    self._slots[self._place(known)] = known

    def _place(self, number: int) -> int:
        slots, mask = self._slots, len(self._slots) - 1
        place = number & mask
        while slots[place] not in (0, number):
            place = (place + 1) & mask
        return place


class Identities:
    """At least the newest `kept` numbers, and at most twice as many."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._newer, self._older = _Slots(), _Slots()

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and (number in self._newer or number in self._older)

    def add_all(self, numbers: Iterable[int]) -> None:
        """Enter numbers from 1 on, oldest first."""
        for number in numbers:
            if self._newer.count >= self._kept:
                self._newer, self._older = _Slots(), self._newer
            self._newer.add(number)
