"""Pure: the account of one writer: which seqs it gave out, which of them it gave up, and which are done with."""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_LOST_INTERVALS = 200
"""Most intervals in one report, so that it stays small. The others follow once the collector has passed these."""

Interval = tuple[int, int]
"""First and last seq, both inclusive."""


@dataclass(frozen=True)
class WriterReport:
    """What the collector must know of a writer."""

    writer: str
    written: int
    """Highest seq given out."""
    lost: tuple[Interval, ...] = ()
    """Seqs that no record will ever have: their rows were answered and not logged. Ascending, at most
    MAX_LOST_INTERVALS."""


class Account:
    """One writer. Not safe for threads: the log's lock guards it."""

    def __init__(self, written: int = 0, lost: Iterable[Interval] = ()) -> None:
        """`lost` is ascending and within `written`."""
        self.written = written
        self.stored_through = 0
        """Every seq up to this one was stored or given up, as the collector has said."""
        self._passed = 0
        """The same as it says now: less, once it has lost rows that it had stored."""
        self._lost = list(lost)

    @property
    def unconfirmed(self) -> int:
        """Number of seqs that the collector has not confirmed."""
        return max(0, self.written - self.stored_through)

    @property
    def lost(self) -> tuple[Interval, ...]:
        """Every interval given up that the collector has not passed."""
        return tuple(self._lost)

    def advance(self, rows: int) -> None:
        """Give out the next seqs to rows that are logged."""
        self.written += rows

    def give_up(self, rows: int) -> None:
        """Give out the next seqs to rows that will never be logged."""
        first = self.written + 1
        if self._lost and self._lost[-1][1] == self.written:
            first = self._lost.pop()[0]
        self.written += rows
        self._lost.append((first, self.written))

    def give_up_written(self, intervals: Iterable[Interval]) -> int:
        """Give up seqs that were given out: no file holds them any more, or the collector will not have them. Gives
        how many were not given up before."""
        merged: list[Interval] = []
        for first, last in sorted([*self._lost, *intervals]):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = merged[-1][0], max(merged[-1][1], last)
            else:
                merged.append((first, last))
        news = _rows(merged) - _rows(self._lost)
        self._lost = merged
        return news

    def confirm(self, stored_through: int) -> None:
        """Note what the collector says, and forget what was given up before it."""
        self.stored_through = max(self.stored_through, stored_through)
        self._passed = stored_through
        if self._lost and self._lost[0][1] <= self._passed:
            self._lost = [interval for interval in self._lost if interval[1] > self._passed]

    def report(self, writer: str) -> WriterReport:
        """What the collector must know."""
        return WriterReport(writer, self.written, tuple(self._lost[:MAX_LOST_INTERVALS]))


def _rows(intervals: Iterable[Interval]) -> int:
    return sum(last - first + 1 for first, last in intervals)
