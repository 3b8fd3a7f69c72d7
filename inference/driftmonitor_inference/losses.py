"""A note beside the log of the seqs that were given up, so that a start after a crash still knows them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from driftmonitor_inference.accounts import Interval


class Note(msgspec.Struct, frozen=True):
    """What one writer gave up, and the highest seq that it had given out by then."""

    writer: str
    written: int
    lost: tuple[Interval, ...]

    @property
    def worker(self) -> int:
        """The worker that its writer was."""
        worker = self.writer.split("/")[-2:][0]
        return int(worker) if worker.isdecimal() else 0


_DECODE = msgspec.json.Decoder(Note).decode


def write(directory: Path, note: Note) -> None:
    """Replace the writer's note; OSError if the disk does not take it, and then the one before stands."""
    path = _path(directory, note.writer)
    unfinished = path.with_suffix(".unfinished")
    try:
        unfinished.write_bytes(msgspec.json.encode(note))
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def remove(directory: Path, writer: str) -> None:
    """Delete the writer's note, if there is one."""
    _path(directory, writer).unlink(missing_ok=True)


def read(directory: Path) -> Iterator[Note]:
    """The notes of all writers; what is no note is passed over. OSError if a file cannot be read."""
    for path in sorted(directory.glob("lost.*.json")):
        with contextlib.suppress(msgspec.DecodeError):
            yield _DECODE(path.read_bytes())


def _path(directory: Path, writer: str) -> Path:
    return directory / f"lost.{'-'.join(writer.split('/')[-2:])}.json"
