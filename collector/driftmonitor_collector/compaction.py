"""A sealed segment -> Parquet files. Crash-safe at any instruction, because a repetition makes the same files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from driftmonitor_collector import frames, parsing, tables
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.records import stored_identities
from driftmonitor_collector.store import columnar, files, identity_files, key_files, label_files, partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log, Segment, segment_name
from driftmonitor_collector.store.state import Checkpoint


def compact(layout: Layout, log: Log, checkpoint: Checkpoint, segment: Segment, *, duplicates: int) -> int:
    """Write the files of the oldest sealed segment, then the state, then drop it; the number of rows written."""
    rows, change = write_files(layout, segment)
    # Its copy would have the rows of a damaged file as stored, if it were ever all that is left.
    copy = layout.kept_state if change.damaged and layout.kept_state.exists() else None
    checkpoint.advance(segment.number, change, duplicates=duplicates, copy=copy)
    log.drop(segment)
    return rows


def write_rows(path: Path, table: pa.Table, ledger: Ledger) -> None:
    """Write a Parquet file, and before it the one with its keys; enter these as stored."""
    held = Ledger()
    tables.enter_keys(table, held)
    key_files.write(path, held)
    columnar.write(path, table)
    ledger.merge(held)


def write_files(layout: Layout, segment: Segment) -> tuple[int, Ledger]:
    """Write the files of a segment, each with its number in its name; the number of rows, and the segment's ledger."""
    change, beside = Ledger(), _Beside()
    table = tables.in_order(tables.unify(parsing.record_tables(_payloads(segment, change, beside))))
    for hour, part in tables.split_by_hour(table):
        write_rows(partitions.file_path(layout.records, hour, segment.number), part, change)
    _write_rejected(layout, segment, beside.rejected)
    label_files.write(layout.labels, segment.number, beside.labels)
    identity_files.write(layout.identities, segment.number, beside.identities)
    return int(table.num_rows), change


@dataclass
class _Beside:
    """What a segment holds beside records, part by part."""

    rejected: list[bytes] = field(default_factory=list)
    labels: list[bytes] = field(default_factory=list)
    identities: list[int] = field(default_factory=list)


def _payloads(segment: Segment, change: Ledger, beside: _Beside) -> Iterator[bytes]:
    """Those of records; everything else is entered or put beside."""
    for frame in segment.frames():  # one at a time: a list of them would hold the segment twice
        if frame.kind in frames.RECORD_KINDS:
            yield frame.payload
        else:
            frames.enter(frame, change)
        if frame.kind == frames.REJECTED:
            beside.rejected.append(frame.payload)
        elif frame.kind == frames.LABELS:
            beside.labels.append(frame.payload)
        elif frame.kind == frames.FOREIGN:
            beside.identities += stored_identities(frame.payload)


def _write_rejected(layout: Layout, segment: Segment, parts: list[bytes]) -> None:
    if parts:
        path = layout.rejected / f"{segment_name(segment.number)}.jsonl"
        files.write_atomically(path, lambda file: file.writelines(part + b"\n" for part in parts))
