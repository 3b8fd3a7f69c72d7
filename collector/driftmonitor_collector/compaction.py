"""A sealed segment -> Parquet files. Crash-safe at any instruction, because a repetition makes the same files."""

from pathlib import Path

from driftmonitor_collector import frames, tables
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.reading import record_tables
from driftmonitor_collector.store import columnar, files, partitions, state
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log, Segment, segment_name


class Compactor:
    """Compacts segments in their order; it alone holds the ledger of what is compacted."""

    def __init__(self, layout: Layout, log: Log, compacted_through: int, ledger: Ledger) -> None:
        self._layout = layout
        self._log = log
        self._compacted_through = compacted_through
        self._ledger = ledger

    def compact(self, segment: Segment, duplicates: int) -> int:
        """Write the segment's files, then the state, then drop the segment; the number of rows written.

        `duplicates` is the count to remember with the state.
        """
        items = list(segment.frames())
        table = tables.unify(record_tables(items))
        for hour, part in tables.split_by_hour(table):
            columnar.write(partitions.file_path(self._layout.records, hour, segment.number), part)
        self._write_rejected(segment, [item.payload for item in items if item.kind == frames.REJECTED])
        change = Ledger()
        for item in items:
            frames.enter(item, change)
        ledger = self._ledger.merged(change)
        ledger.duplicates = duplicates
        state.save(self._layout.state, segment.number, ledger)
        self._compacted_through, self._ledger = segment.number, ledger
        self._log.drop(segment)
        return int(table.num_rows)

    def _write_rejected(self, segment: Segment, parts: list[bytes]) -> None:
        if parts:
            path: Path = self._layout.rejected / f"{segment_name(segment.number)}.jsonl"
            files.write_atomically(path, lambda file: file.writelines(part + b"\n" for part in parts))

    def save(self, duplicates: int) -> None:
        """Write the state as it is, with the count of duplicates."""
        self._ledger.duplicates = duplicates
        state.save(self._layout.state, self._compacted_through, self._ledger)
