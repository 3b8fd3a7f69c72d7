"""Pure: when rows are to be sent again that the shipper has passed and the collector has not got.

A shipper loses rows when its own disk is full or damaged, and a collector whose disk lies forgets rows that it had. The
sign of both is the same: the seq below which everything is stored stands still, although the collector answers.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from driftmonitor_inference.accounts import Interval

_TRIES = 3
"""So often rows are sent again, and others arrive, before they are given up."""
_LONGEST_PATIENCE = 32
"""How many times the first patience the longest is."""


@dataclass(frozen=True)
class Answer:
    """What the collector says of one writer."""

    stored_through: int
    """Every seq up to this one is stored or given up."""
    highest_stored: int = 0
    missing: Sequence[Interval] = ()
    """The lowest of the seqs that are written and neither stored nor given up; ascending."""
    duplicates: int = 0
    """Rows that came again and were dropped."""


@dataclass(frozen=True)
class Step:
    """What to do about a gap."""

    send: Sequence[Interval] = ()
    give_up: Sequence[Interval] = ()


@dataclass
class _Still:
    stored_through: int
    since: float
    """When rows were sent again the last time, or at the beginning."""
    written: int
    """Highest seq given out by then."""
    duplicates: int
    """The most that were told by then."""
    moved: float
    """When anything came the last time, a row for the first time or once more."""
    most: tuple[int, int]
    """The highest seq and the most duplicates that were told."""
    passed_over: Sequence[Interval]
    gap: Sequence[Interval] = ()
    """What had been passed over when that was done for the first time."""
    goes: int = 0
    in_vain: int = 0
    """Goes after which the rows behind them arrived, new ones or the witness, and these did not."""
    sent_through: int = 0

    def hopeless(self, answer: Answer) -> Sequence[Interval]:
        """Of the first gap what was sent again, was passed over and is missing still; large ones go in pieces."""
        sent = [(1, self.sent_through)] if self.sent_through else []
        return tuple(common(below(common(answer.missing, self.gap), answer), sent))

    def look(self, answer: Answer, now: float) -> None:
        """Take note of what has come since the last answer. Two collectors of one store count duplicates each."""
        most = max(self.most[0], answer.highest_stored), max(self.most[1], answer.duplicates)
        passed_over = _passed_over(answer)
        if (most, passed_over) != (self.most, self.passed_over):
            self.moved, self.most, self.passed_over = now, most, passed_over


class Gaps:
    """What became of each writer's rows over the last answers."""

    def __init__(self, patience: float) -> None:
        """Seconds for which nothing may move before rows are sent again; each further time it is twice as long."""
        self._patience = patience
        self._writers: dict[str, _Still] = {}

    def step(self, writer: str, answer: Answer, now: float, written: int) -> Step:
        """What to do after this answer; `now` is of a clock that never goes backwards, `written` the highest seq given
        out.

        A shipper with a long backlog brings what was sent again long after that. It has passed it once a row arrives
        that was written later. A full log has no such row, so what is sent must bring a witness along, a row that is
        stored already: one duplicate more, and then nothing comes any more.
        """
        if not answer.missing:
            self._writers.pop(writer, None)
            return Step()
        still = self._writers.get(writer)
        if still is None or still.stored_through != answer.stored_through:
            return self._moved(writer, answer, now, written, still)
        still.look(answer, now)
        if now - still.since < self._patience * min(2**still.goes, _LONGEST_PATIENCE):
            return Step()
        passed, idle = answer.highest_stored > still.written, now - still.moved >= self._patience
        if still.goes and not passed and not idle:
            return Step()
        still.in_vain += still.goes > 0 and (passed or answer.duplicates > still.duplicates)
        still.since, still.written = now, written
        still.duplicates = max(still.duplicates, answer.duplicates)
        if still.in_vain >= _TRIES and (hopeless := still.hopeless(answer)):
            return Step(give_up=hopeless)
        still.goes += 1
        still.gap = still.gap or tuple(below(answer.missing, answer))
        return Step(send=answer.missing)

    def _moved(self, writer: str, answer: Answer, now: float, written: int, before: _Still | None) -> Step:
        most = answer.highest_stored, answer.duplicates
        still = _Still(answer.stored_through, now, written, answer.duplicates, now, most, _passed_over(answer))
        self._writers[writer] = still
        if before is not None and before.goes and answer.stored_through >= before.sent_through:
            # All that was sent has come: what else was missing with it needs no proof of its own.
            still.gap = tuple(below(common(answer.missing, before.gap), answer))
            still.goes = 1 if still.gap else 0
            return Step(send=still.gap)
        if before is not None and before.goes:
            still.gap, still.sent_through, still.goes = before.gap, before.sent_through, 1
        return Step()

    def sent(self, writer: str, through: int) -> None:
        """Of what was to be sent, the rows up to this seq were."""
        self._writers[writer].sent_through = through

    def failed(self, writer: str) -> None:
        """They could not be sent: this was no go."""
        still = self._writers[writer]
        still.goes = max(0, still.goes - 1)


def _passed_over(answer: Answer) -> Sequence[Interval]:
    return tuple(below(answer.missing, answer))


def below(intervals: Iterable[Interval], answer: Answer) -> Iterator[Interval]:
    """Of these the seqs behind which later ones are stored: they were passed over, and do not merely wait."""
    return common(intervals, [(1, answer.highest_stored)] if answer.highest_stored else [])


def common(one: Iterable[Interval], other: Sequence[Interval]) -> Iterator[Interval]:
    """The seqs that are in both; all intervals ascending."""
    for first, last in one:
        for begin, end in other:
            if max(first, begin) <= min(last, end):
                yield max(first, begin), min(last, end)


def without(one: Iterable[Interval], other: Sequence[Interval]) -> Iterator[Interval]:
    """The seqs that are in `one` and not in `other`; all intervals ascending."""
    for first, last in one:
        for begin, end in other:
            if begin > last:
                break
            if end < first:
                continue
            if first < begin:
                yield first, begin - 1
            first = end + 1
        if first <= last:
            yield first, last
