"""Finds the lines of given seqs in files of the log."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from driftmonitor_inference.accounts import Interval
from driftmonitor_inference.gaps import without


class _Seq(msgspec.Struct):
    seq: int


_DECODE = msgspec.json.Decoder(_Seq).decode


@dataclass(frozen=True)
class Found:
    """The lines, with their ends, and what is not there."""

    lines: Sequence[bytes]
    last_seq: int
    """Of the last line."""
    absent: Sequence[Interval]
    """Seqs that no file holds, as far as the search went."""


def find_lines(files: Iterable[tuple[Path, int, int]], wanted: Sequence[Interval], limit: int) -> Found:
    """Look for seqs in ascending order, until the lines have `limit` bytes. `files` are of one writer, each with the
    bytes to read and its last seq. OSError."""
    lines: dict[int, bytes] = {}
    size, through = 0, wanted[-1][1]
    for path, length, last_seq in sorted(files, key=lambda file: file[2]):
        if last_seq < wanted[0][0]:
            continue
        for seq, line in _numbered(path, length):
            if seq not in lines and any(first <= seq <= last for first, last in wanted):
                lines[seq] = line
                size += len(line)
                if size >= limit:
                    through = seq
                    break
        if size >= limit or last_seq >= through:
            break
    seqs = sorted(lines)
    reached = [(first, min(last, through)) for first, last in wanted if first <= through]
    absent = tuple(without(reached, [(seq, seq) for seq in seqs]))
    return Found([lines[seq] for seq in seqs], seqs[-1] if seqs else 0, absent)


def _numbered(path: Path, length: int) -> Iterator[tuple[int, bytes]]:
    """The whole lines of the file's first `length` bytes. One at a time: a file is larger than a pod's spare memory."""
    with path.open("rb") as file:
        for line in file:
            length -= len(line)
            if length < 0 or not line.endswith(b"\n"):
                return
            try:
                yield _DECODE(line).seq, line
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # a torn line
