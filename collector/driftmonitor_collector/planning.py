"""What one group commit writes and answers: the decision, made before anything is written."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from driftmonitor_collector import frames
from driftmonitor_collector.frames import DamagedFile, WriterReport
from driftmonitor_collector.intervals import IntervalSet
from driftmonitor_collector.labels import Labels
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.records import Decoded, Foreign, Line, as_stored

Submission = Decoded | WriterReport | Labels | DamagedFile


class Outcome(msgspec.Struct):
    """What became of one submission."""

    stored: int = 0
    duplicates: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The bytes to append, what they change in the ledger once they are on disk, and an answer each."""

    data: bytes
    change: Ledger
    outcomes: Sequence[Outcome]
    identities: Sequence[int] = ()
    """Those of the foreign records among the bytes, oldest first."""


def plan(
    ledger: Ledger,
    submissions: Iterable[Submission],
    *,
    identities: Container[int] = (),
    foreign_writer: str = "foreign",
) -> Plan:
    """Drop what the ledger or an earlier submission of the group already has; the ledger stays as it is.

    Foreign records are dropped by `identities`, those stored before, and stored as rows of `foreign_writer`.
    """
    change = Ledger()
    known = _Known(identities)
    parts: list[bytes] = []
    outcomes = []
    for submission in submissions:
        if isinstance(submission, WriterReport):
            parts.extend(_report(ledger, change, submission))
            outcomes.append(Outcome())
        elif isinstance(submission, DamagedFile):
            if submission.file not in ledger.damaged and submission.file not in change.damaged:
                change.damage(submission.file, submission.keys)
                parts.append(frames.encode(frames.DAMAGED, msgspec.json.encode(submission)))
            outcomes.append(Outcome())
        elif isinstance(submission, Labels):
            if submission.lines:
                parts.append(frames.encode(frames.LABELS, b"\n".join(submission.lines)))
            outcomes.append(_rejected(change, parts, submission, Outcome(len(submission.lines))))
        else:
            fresh = _fresh(ledger, change, submission)
            if fresh:
                parts.append(frames.encode(frames.RECORDS, b"\n".join(fresh)))
            new = known.without_duplicates(submission.foreign)
            foreign = _number(ledger, change, foreign_writer, new)
            if foreign:
                parts.append(frames.encode(frames.FOREIGN, b"\n".join(foreign)))
            stored, come = len(fresh) + len(foreign), len(submission.lines) + len(submission.foreign)
            outcomes.append(_rejected(change, parts, submission, Outcome(stored, come - stored)))
            change.duplicates += come - stored
            if len(new) < len(submission.foreign):
                change.account(foreign_writer).duplicates += len(submission.foreign) - len(new)
    return Plan(b"".join(parts), change, outcomes, tuple(known.new))


class _Known:
    """The identities of foreign records that are stored, and those that this plan adds."""

    def __init__(self, before: Container[int]) -> None:
        self._before = before
        self.new: dict[int, None] = {}

    def without_duplicates(self, records: Iterable[Foreign]) -> list[Foreign]:
        return [record for record in records if self._add(record.identity)]

    def _add(self, identity: int | None) -> bool:
        if identity is None:
            return True
        if identity in self.new or identity in self._before:
            return False
        self.new[identity] = None
        return True


def _number(ledger: Ledger, change: Ledger, writer: str, records: Sequence[Foreign]) -> list[bytes]:
    """Lines with the writer's next numbers."""
    if not records:
        return []
    known, account = ledger.accounts.get(writer), change.account(writer)
    first = max(known.stored.highest if known else 0, account.stored.highest) + 1
    account.stored.add(first, first + len(records) - 1)
    return [as_stored(record, writer, seq) for seq, record in enumerate(records, first)]


def _rejected(change: Ledger, parts: list[bytes], submission: Decoded | Labels, outcome: Outcome) -> Outcome:
    """The outcome with the bad lines counted, which are put apart."""
    if submission.rejected:
        parts.append(frames.encode_rejected(submission.rejected))
        change.rejected += len(submission.rejected)
        outcome.rejected = len(submission.rejected)
    return outcome


def _fresh(ledger: Ledger, change: Ledger, decoded: Decoded) -> list[bytes]:
    fresh: list[bytes] = []
    for writer, first, run in _runs(decoded.lines):
        account, known = change.account(writer), ledger.accounts.get(writer)
        last = first + len(run) - 1
        if not account.stored.overlaps(first, last) and (known is None or not known.stored.overlaps(first, last)):
            account.stored.add(first, last)  # the common case: a batch that comes for the first time
            fresh += run
            continue
        for seq, data in enumerate(run, first):
            if not (known and seq in known.stored) and account.stored.add(seq):
                fresh.append(data)
            else:
                account.duplicates += 1
    return fresh


def _runs(lines: Iterable[Line]) -> Iterator[tuple[str, int, list[bytes]]]:
    """Writer, first seq and bytes of the lines that follow one another without a gap."""
    run: list[bytes] = []
    current, expected = "", 0
    for writer, seq, data in lines:
        if seq == expected and writer == current:
            run.append(data)
        else:
            if run:
                yield current, expected - len(run), run
            current, run = writer, [data]
        expected = seq + 1
    if run:
        yield current, expected - len(run), run


def _report(ledger: Ledger, change: Ledger, report: WriterReport) -> Iterable[bytes]:
    known = ledger.accounts.get(report.writer)
    account = change.account(report.writer)
    given_up = tuple(IntervalSet(report.lost).without(known.given_up if known else IntervalSet()))
    news = [account.given_up.add(first, last) for first, last in given_up]
    # Only news is worth a write: an idle writer reports the same every two seconds.
    if report.written > max(known.reported if known else -1, account.reported) or any(news):
        account.reported = max(account.reported, report.written)
        yield frames.encode(frames.REPORT, msgspec.json.encode(WriterReport(report.writer, report.written, given_up)))
