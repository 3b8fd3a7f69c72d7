"""What earlier starts of the same pod left in the log's folder: a restarted container finds its files again."""

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from driftmonitor_inference import losses
from driftmonitor_inference.accounts import Account, Interval
from driftmonitor_inference.recordlog import Leftovers, LogFile, parse_name


class _Numbered(msgspec.Struct):
    """The part of a record that says who wrote it."""

    writer: str
    seq: int


_DECODE = msgspec.json.Decoder(_Numbered).decode


def heir(worker: int, workers: int) -> Callable[[int], bool]:
    """Says whose files a worker takes over: its own of earlier starts, and the first one those of workers that there
    are no longer."""
    return lambda other: other == worker or (worker == 0 and other >= workers)


def recover(directory: Path, *, with_gaps: bool = False, takes: Callable[[int], bool] = lambda _: True) -> Leftovers:
    """Make the log files in a folder fit to be shipped and confirmed. OSError if that cannot be done.

    `takes` says of which workers; the files of the others may be in use.

    A line that was torn when its process died is ended, so that what a shipper reads after it stays whole; files
    without a single whole record are deleted, since nothing in them was ever answered. `with_gaps` says that rows may
    have been answered without being logged: seqs that are not in the files are then given up, which reads them whole.
    """
    names = [
        (parsed, path)
        for path in directory.iterdir()
        if (parsed := parse_name(path.name)) is not None and takes(parsed[0])
    ]
    files: list[LogFile] = []
    for _, path in sorted(names):
        _end_torn_line(path)
        last = _last_record(path)
        if last is None:
            path.unlink()
        else:
            files.append(LogFile(path, last.writer, last.seq, path.stat().st_size))
    writers: dict[str, list[LogFile]] = {}
    for file in files:
        writers.setdefault(file.writer, []).append(file)
    accounts = {}
    for writer, own in writers.items():
        accounts[writer] = Account(max(file.last_seq for file in own), _gaps(own) if with_gaps else ())
    for note in losses.read(directory) if with_gaps else ():
        if not takes(note.worker):
            continue
        known = accounts.get(note.writer, Account())
        # What the files say is the latest; the note knows of rows that were given up after the last line.
        later = [interval for interval in note.lost if interval[0] > known.written]
        accounts[note.writer] = Account(max(known.written, note.written), [*known.lost, *later])
    return Leftovers(files, accounts)


def _gaps(files: list[LogFile]) -> Iterator[Interval]:
    """The seqs of one writer that are not in its files. Those of files that are deleted are stored, and stay so."""
    expected = 1
    for file in files:
        with file.path.open("rb") as lines:
            for line in lines:
                try:
                    seq = _DECODE(line).seq
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue  # a piece of a line: its row was given up
                if seq > expected:
                    yield expected, seq - 1
                expected = max(expected, seq + 1)  # a file of lines that were sent again goes back


def _end_torn_line(path: Path) -> None:
    with path.open("r+b", buffering=0) as file:
        if file.seek(0, 2) == 0:
            return
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _last_record(path: Path) -> _Numbered | None:
    if path.stat().st_size == 0:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = len(content)
        while end > 0:
            start = content.rfind(b"\n", 0, end - 1) + 1
            try:
                return _DECODE(content[start : end - 1])
            except (msgspec.DecodeError, UnicodeDecodeError):
                end = start
    return None
