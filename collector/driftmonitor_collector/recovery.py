"""What the data directory holds -> the state to go on from."""

from dataclasses import dataclass

from driftmonitor_collector import frames, merging
from driftmonitor_collector.frames import Frame
from driftmonitor_collector.identities import Identities
from driftmonitor_collector.intervals import IntervalSet
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.records import stored_identities
from driftmonitor_collector.store import damage, identity_files, partitions, state
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log, segments_in
from driftmonitor_collector.store.state import Checkpoint


@dataclass(frozen=True, slots=True)
class Recovered:
    """What is compacted, and the ledger of everything stored, with the newest ids of foreign records."""

    checkpoint: Checkpoint
    ledger: Ledger
    identities: Identities


def recover(layout: Layout, log: Log) -> Recovered:
    """Load the state, or make it again, and replay the log."""
    merging.finish(layout)
    checkpoint = Checkpoint(layout.state, *(state.load(layout.state) or reconstructed(layout)))
    log.recover(checkpoint.compacted_through, layout.damaged)
    ledger, identities = checkpoint.ledger.merged(Ledger()), Identities()
    for numbers in identity_files.read_all(layout.identities):
        identities.add_all(numbers)
    for segment in log.sealed():
        for item in frames.scan(segment.read()):
            if isinstance(item, Frame):
                frames.enter(item, ledger)
                if item.kind == frames.FOREIGN:
                    identities.add_all(stored_identities(item.payload))
    return Recovered(checkpoint, ledger, identities)


def reconstructed(layout: Layout) -> tuple[int, Ledger]:
    """The last compacted segment and the ledger, without the state: from the files, and for deleted ones its copy."""
    last, ledger = count_parquet(layout)
    kept_last, kept = state.load(layout.kept_state) or (0, Ledger())
    for found in damage.set_apart_files(layout):  # before the files: those may have its rows anew
        kept.damage(found.file, found.keys)
    beside = set(map(partitions.segment_of, identity_files.paths(layout.identities))) - live_segments(layout)
    for _, directory in partitions.hours(layout.labels):  # a segment may have held nothing but labels
        beside |= set(map(partitions.segment_of, partitions.files_in(directory, without=live_segments(layout))))
    return max(last, kept_last, *beside), kept.merged(ledger)


def live_segments(layout: Layout) -> set[int]:
    """The numbers of the segments that are still in the log."""
    return {segment.number for segment in segments_in(layout.log)}


def count_parquet(layout: Layout) -> tuple[int, Ledger]:
    """The last compacted segment and the ledger, from the files; writers' reports and duplicates are not in them."""
    ledger, last = Ledger(), 0
    live = live_segments(layout)
    for _, directory in partitions.hours(layout.records):
        for path in partitions.files_in(directory, without=live):
            last = max(last, partitions.segment_of(path))
            for writer, intervals in damage.keys_of(path).items():
                ledger.account(writer).stored.merge(IntervalSet(intervals))
    return last, ledger
