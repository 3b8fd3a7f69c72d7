"""A part of the shared log -> Parquet files, a checkpoint, and room. Any collector may do it, or several at once."""

from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

from driftmonitor_collector import compaction
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.shared import names
from driftmonitor_collector.shared.log import SharedLog
from driftmonitor_collector.store import state
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import DamagedSegmentError, Segment, segment_name
from driftmonitor_collector.store.objects import Objects

_KEPT_CHECKPOINTS = 2


def part_to_compact(tail: Sequence[Segment], most_bytes: int) -> int | None:
    """The number up to which to compact the tail: at least one object, at most so many bytes; None if it is empty."""
    last, total = None, 0
    for segment in tail:
        total += segment.length
        if last is not None and total > most_bytes:
            break
        last = segment.number
    return last


def claim(objects: Objects, log: SharedLog, first: int, last: int, owner: str) -> tuple[int, bool] | None:
    """Up to where the compaction from `first` on goes, for whoever does it, and whether `owner` has decided that.

    None if it is done already. One border for all makes the same rows have the same file, whoever writes it.
    """
    objects.create(names.claim_name(first), f"{last} {owner}".encode())
    content = objects.get(names.claim_name(first))
    # Claims are deleted only behind a checkpoint: this one may be made anew by someone who does not know it yet.
    if content is None or log.newest_checkpoint() >= first:
        return None
    decided, _, claimant = content.decode().partition(" ")
    return int(decided), claimant == owner


def compact(objects: Objects, scratch: Layout, tail: Sequence[Segment]) -> tuple[int, Ledger]:
    """Store the files of this part of the log; the number of their rows and the part's ledger, without duplicates.

    `scratch` is a folder to be used. To be repeated without harm: the files have the name of the part's last object,
    and the same rows.
    """
    last = tail[-1].number
    rmtree(scratch.root)
    scratch.root.mkdir()
    path = scratch.root / f"{segment_name(last)}.log"
    with path.open("wb") as file:
        for segment in tail:
            file.write(segment.read())
    rows, change = compaction.write_files(scratch, Segment(last, path, path.stat().st_size))
    path.unlink()
    made = [file for file in sorted(scratch.root.rglob("*")) if file.is_file()]
    objects.together(lambda file: objects.put(_name(scratch.root, file), file), made)
    return rows, change


def _name(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()


def advance(objects: Objects, first: int, last: int, change: Ledger) -> None:
    """Make the checkpoint: now the files are what holds these rows."""
    before = Ledger()
    if first > 1:
        content = objects.get(names.checkpoint_name(first - 1))
        if content is None:
            return  # two checkpoints further on already
        try:
            _, before = state.decode(content)
        except ValueError as error:
            raise DamagedSegmentError(f"{names.checkpoint_name(first - 1)} is damaged: {error}") from None
    objects.create(names.checkpoint_name(last), state.encode(last, before.merged(change)))


def clean(objects: Objects, compacted: int) -> None:
    """Delete what a checkpoint has made superfluous, also what a collector left that ended in the middle."""
    for folder in (names.LOG, names.CLAIMS):
        passed = [item.name for item in objects.listing(folder) if names.number_of(item.name) <= compacted]
        objects.delete(passed)
    checkpoints = [item.name for item in objects.listing(names.CHECKPOINTS)]
    objects.delete(checkpoints[:-_KEPT_CHECKPOINTS])
