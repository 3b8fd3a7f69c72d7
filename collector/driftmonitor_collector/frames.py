"""Frames of the write-ahead log: magic, kind, length, CRC-32, payload. What a crash or a disk damages is found."""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from driftmonitor_collector.ledger import Keys, Ledger
from driftmonitor_collector.records import Rejected, stored_keys

MAGIC = b"\xffDM\xfe"  # never part of UTF-8, so never inside a payload
_HEADER = struct.Struct("<4scI")
_CHECKSUM = struct.Struct("<I")
_OVERHEAD = _HEADER.size + _CHECKSUM.size

Kind = Literal[b"R", b"F", b"X", b"W", b"L", b"D"]
RECORDS: Kind = b"R"
"""Lines of records, joined by line ends."""
FOREIGN: Kind = b"F"
"""Lines of records of which the collector made the writer and the seq, joined by line ends; see `stored_identities`."""
REJECTED: Kind = b"X"
"""Rejected lines, as JSON lines of `RejectedLine`."""
REPORT: Kind = b"W"
"""A writer's report, as JSON of `WriterReport`."""
LABELS: Kind = b"L"
"""Lines of labels, as JSON of `StoredLabel`, joined by line ends."""
DAMAGED: Kind = b"D"
"""A Parquet file that was found damaged, as JSON of `DamagedFile`."""
RECORD_KINDS = (RECORDS, FOREIGN)


class WriterReport(msgspec.Struct, omit_defaults=True):
    """What a writer says of itself: the highest `seq` it has written, and intervals of those that will never come."""

    writer: str
    written: int
    lost: Sequence[tuple[int, int]] = ()


class DamagedFile(msgspec.Struct):
    """A Parquet file that was found damaged, and the rows that it held; none of them if they cannot be known."""

    file: str
    """Its name below `records/`."""
    keys: Keys


class RejectedLine(msgspec.Struct):
    """A rejected line as it is stored; one that is not UTF-8 has its bad bytes escaped as `\\xff`."""

    reason: str
    line: str


class Frame(NamedTuple):
    """A whole frame, checksum proven."""

    kind: bytes
    payload: bytes


class Damage(NamedTuple):
    """Bytes from `start` to `end` that are no whole frame."""

    start: int
    end: int


def encode(kind: Kind, payload: bytes) -> bytes:
    """One frame."""
    header = _HEADER.pack(MAGIC, kind, len(payload))
    return b"".join((header, _CHECKSUM.pack(zlib.crc32(payload, zlib.crc32(header))), payload))


def encode_rejected(rejected: Iterable[Rejected]) -> bytes:
    """The frame of rejected lines."""
    lines = [RejectedLine(line.reason, line.data.decode("utf-8", "backslashreplace")) for line in rejected]
    return encode(REJECTED, b"\n".join(map(msgspec.json.encode, lines)))


def scan(data: bytes) -> Iterator[Frame | Damage]:
    """Every whole frame in order, and what lies between them; it goes on behind damage at the next good frame."""
    place = 0
    while place < len(data):
        frame = _frame_at(data, place)
        if frame is not None:
            yield frame
            place += _OVERHEAD + len(frame.payload)
            continue
        start, place = place, data.find(MAGIC, place + 1)
        while place != -1 and _frame_at(data, place) is None:
            place = data.find(MAGIC, place + 1)
        if place == -1:
            place = len(data)
        yield Damage(start, place)


def _frame_at(data: bytes, place: int) -> Frame | None:
    body = place + _OVERHEAD
    if body > len(data):
        return None
    magic, kind, length = _HEADER.unpack_from(data, place)
    if magic != MAGIC or body + length > len(data):
        return None
    payload = data[body : body + length]
    (checksum,) = _CHECKSUM.unpack_from(data, place + _HEADER.size)
    if zlib.crc32(payload, zlib.crc32(data[place : place + _HEADER.size])) != checksum:
        return None
    return Frame(kind, payload)


def enter(frame: Frame, ledger: Ledger) -> None:
    """Enter into the ledger what the frame stores."""
    if frame.kind in RECORD_KINDS:
        for writer, seq in stored_keys(frame.payload):
            ledger.account(writer).stored.add(seq)
    elif frame.kind == REJECTED:
        ledger.rejected += frame.payload.count(b"\n") + 1
    elif frame.kind == REPORT:
        report = msgspec.json.decode(frame.payload, type=WriterReport)
        account = ledger.account(report.writer)
        account.reported = max(account.reported, report.written)
        for first, last in report.lost:
            account.given_up.add(first, last)
    elif frame.kind == DAMAGED:
        found = msgspec.json.decode(frame.payload, type=DamagedFile)
        ledger.damage(found.file, found.keys)
