"""What one group commit writes and answers: the decision, made before anything is written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from driftmonitor_collector import frames
from driftmonitor_collector.frames import WriterReport
from driftmonitor_collector.intervals import IntervalSet
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.records import Decoded

Submission = Decoded | WriterReport


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


def plan(ledger: Ledger, submissions: Iterable[Submission]) -> Plan:
    """Drop what the ledger or an earlier submission of the group already has; the ledger stays as it is."""
    change = Ledger()
    parts: list[bytes] = []
    outcomes = []
    for submission in submissions:
        if isinstance(submission, WriterReport):
            parts.extend(_report(ledger, change, submission))
            outcomes.append(Outcome())
        else:
            fresh = _fresh(ledger, change, submission)
            if fresh:
                parts.append(frames.encode(frames.RECORDS, b"\n".join(fresh)))
            if submission.rejected:
                parts.append(frames.encode_rejected(submission.rejected))
            outcome = Outcome(len(fresh), len(submission.lines) - len(fresh), len(submission.rejected))
            change.duplicates += outcome.duplicates
            change.rejected += outcome.rejected
            outcomes.append(outcome)
    return Plan(b"".join(parts), change, outcomes)


def _fresh(ledger: Ledger, change: Ledger, decoded: Decoded) -> list[bytes]:
    return [
        line.data
        for line in decoded.lines
        if not ledger.holds(line.writer, line.seq) and change.account(line.writer).stored.add(line.seq)
    ]


def _report(ledger: Ledger, change: Ledger, report: WriterReport) -> Iterable[bytes]:
    known = ledger.accounts.get(report.writer)
    account = change.account(report.writer)
    given_up = tuple(IntervalSet(report.lost).without(known.given_up if known else IntervalSet()))
    news = [account.given_up.add(first, last) for first, last in given_up]
    # Only news is worth a write: an idle writer reports the same every two seconds.
    if report.written > max(known.reported if known else -1, account.reported) or any(news):
        account.reported = max(account.reported, report.written)
        yield frames.encode(frames.REPORT, msgspec.json.encode(WriterReport(report.writer, report.written, given_up)))
