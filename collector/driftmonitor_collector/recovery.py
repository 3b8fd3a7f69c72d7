"""What the data directory holds -> the state to go on from."""

from dataclasses import dataclass
from itertools import groupby

from driftmonitor_collector import frames
from driftmonitor_collector.frames import Frame
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.store import partitions, state
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log, segments_in
from driftmonitor_collector.store.state import Checkpoint


@dataclass(frozen=True, slots=True)
class Recovered:
    """What is compacted, and the ledger of everything stored."""

    checkpoint: Checkpoint
    ledger: Ledger


def recover(layout: Layout, log: Log) -> Recovered:
    """Load the state, or make it again, and replay the log."""
    checkpoint = Checkpoint(layout.state, *(state.load(layout.state) or reconstructed(layout)))
    log.recover(checkpoint.compacted_through, layout.damaged)
    ledger = checkpoint.ledger.merged(Ledger())
    for segment in log.sealed():
        for item in frames.scan(segment.read()):
            if isinstance(item, Frame):
                frames.enter(item, ledger)
    return Recovered(checkpoint, ledger)


def reconstructed(layout: Layout) -> tuple[int, Ledger]:
    """The last compacted segment and the ledger, without the state: from the files, and for deleted ones its copy."""
    last, ledger = count_parquet(layout)
    kept_last, kept = state.load(layout.kept_state) or (0, Ledger())
    return max(last, kept_last), ledger.merged(kept)


def count_parquet(layout: Layout) -> tuple[int, Ledger]:
    """The last compacted segment and the ledger, from the files; writers' reports and duplicates are not in them."""
    ledger, last = Ledger(), 0
    live = {segment.number for segment in segments_in(layout.log)}
    for _, directory in partitions.hours(layout.records):
        for path in partitions.files_in(directory, without=live):
            from driftmonitor_collector.store import columnar  # loads pyarrow, which no ordinary start waits for

            last = max(last, partitions.segment_of(path))
            table = columnar.read(path, ["writer", "seq"]).sort_by([("writer", "ascending"), ("seq", "ascending")])
            rows = zip(table["writer"].to_pylist(), table["seq"].to_pylist(), strict=True)
            for writer, group in groupby(rows, key=lambda row: row[0]):
                stored = ledger.account(writer).stored
                for _, seq in group:
                    stored.add(seq)
    return last, ledger
