"""The prediction log: append-only files of one record a line, which a shipper tails and the collector confirms.

Every line of a request is written by one unbuffered write before the answer is sent, so that it survives the death of
the process. A file is deleted once the collector has stored all of its lines.
"""

import contextlib
import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_FILE_NAME = re.compile(r"predictions\.(?P<start>[A-Za-z0-9]+)\.(?P<number>[0-9]+)\.jsonl")
_ROTATIONS_PER_LIMIT = 8  # a file in use is never deleted, so it may only hold a small part of what fits


class LogFullError(Exception):
    """The log has reached its limit; rows can be taken again once the collector has stored older ones."""


class RecordsTooLargeError(Exception):
    """The records of one request are larger than the whole log may be."""


class LogFailedError(Exception):
    """The log cannot be written; the message says why."""


@dataclass
class LogFile:
    """One file of the log."""

    path: Path
    writer: str
    last_seq: int
    """Highest seq in it; 0 while it has no line."""
    size: int
    """Bytes."""


@dataclass(frozen=True)
class LogState:
    """What the log says of itself to `/metrics`."""

    bytes: int
    written: int
    stored_through: int
    files: int
    unconfirmed_writers: int


def parse_name(name: str) -> tuple[str, int] | None:
    """Start and number of a log file's name; None for any other file."""
    match = _FILE_NAME.fullmatch(name)
    return (match["start"], int(match["number"])) if match else None


class RecordLog:
    """The log of one process start, and what earlier starts left. Appending and confirming may run in two threads."""

    def __init__(
        self, directory: Path, *, writer: str, start: str, limit: int, rotate: int, leftovers: Sequence[LogFile] = ()
    ) -> None:
        """Open the first file; OSError if that cannot be done. `limit` and `rotate` are bytes."""
        self.writer = writer
        self.limit = limit
        self._directory = directory
        self._start = start
        self._rotate = max(1, min(rotate, limit // _ROTATIONS_PER_LIMIT))
        self._lock = threading.Lock()
        self._files = list(leftovers)
        self._bytes = sum(file.size for file in leftovers)
        self._written: dict[str, int] = {}
        for file in leftovers:
            self._written[file.writer] = max(file.last_seq, self._written.get(file.writer, 0))
        self._written[writer] = 0
        self._stored: dict[str, int] = {}
        self._number = 0
        self._torn = False
        self._descriptor = -1
        self._active: LogFile | None = None
        self._active = self._open_next()

    def append(self, rows: int, encode: Callable[[int], bytes]) -> None:
        """Write the lines of one request. `encode` gets the seq of the first row and gives one line for each row.

        LogFullError or LogFailedError if they were not written. No seq is ever given to two lines: where the disk took
        some of the lines before it failed, these stand in the log though their request is refused.
        """
        with self._lock:
            if self._active is None:
                raise LogFailedError("the prediction log is closed")
            lines = encode(self._written[self.writer] + 1)
            if len(lines) > self.limit:
                raise RecordsTooLargeError(f"the request's records have {len(lines)} bytes; the log holds {self.limit}")
            active = self._active
            if active.size > 0 and active.size + len(lines) > self._rotate:
                try:
                    active = self._open_next()
                except OSError as error:
                    raise LogFailedError(
                        f"a new file of the prediction log cannot be opened: {error.strerror}"
                    ) from error
            if self._bytes + len(lines) > self.limit:
                raise LogFullError(
                    f"the prediction log holds {self._bytes} of at most {self.limit} bytes that are not stored yet"
                )
            self._write(active, rows, lines)

    def confirm(self, writer: str, stored_through: int) -> None:
        """Note that the collector has stored a writer's rows up to this seq, and delete the files that held them."""
        with self._lock:
            self._stored[writer] = max(stored_through, self._stored.get(writer, 0))
        self._delete_stored()

    def pending(self) -> dict[str, int]:
        """The highest seq of each writer that the collector must know."""
        with self._lock:
            return {writer: written for writer, written in self._written.items() if written > 0}

    def unconfirmed(self) -> int:
        """Number of rows that the collector has not confirmed."""
        with self._lock:
            return sum(max(0, written - self._stored.get(writer, 0)) for writer, written in self._written.items())

    def close(self) -> None:
        """End the file in use; reports and confirmations go on."""
        with self._lock:
            self._close_active()
        self._delete_stored()

    def state(self) -> LogState:
        """A snapshot of the counters."""
        with self._lock:
            stored = self._stored.get(self.writer, 0)
            unconfirmed = sum(1 for writer, written in self._written.items() if written > self._stored.get(writer, 0))
            return LogState(self._bytes, self._written[self.writer], stored, len(self._files), unconfirmed)

    def _write(self, active: LogFile, rows: int, lines: bytes) -> None:
        done = 0
        try:
            if self._torn:
                self._grow(active, os.write(self._descriptor, b"\n"))
                self._torn = False
            while done < len(lines):
                done += os.write(self._descriptor, lines[done:] if done else lines)
        except OSError as error:
            # Lines that are complete may have been shipped already: their seq is used up.
            complete = lines.count(b"\n", 0, done) + (lines[done : done + 1] == b"\n")
            self._torn = self._torn or (done > 0 and lines[done - 1 : done] != b"\n")
            self._advance(active, complete)
            self._grow(active, done)
            raise LogFailedError(f"the prediction log cannot be written: {error.strerror}") from error
        self._advance(active, rows)
        self._grow(active, done)

    def _advance(self, active: LogFile, rows: int) -> None:
        if rows:
            self._written[self.writer] += rows
            active.last_seq = self._written[self.writer]

    def _grow(self, active: LogFile, size: int) -> None:
        active.size += size
        self._bytes += size

    def _open_next(self) -> LogFile:
        path = self._directory / f"predictions.{self._start}.{self._number + 1:06d}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._close_active()
        self._number += 1
        self._descriptor = descriptor
        self._active = LogFile(path, self.writer, 0, 0)
        self._files.append(self._active)
        return self._active

    def _close_active(self) -> None:
        if self._active is None:
            return
        if self._torn:
            with contextlib.suppress(OSError):  # else the next start ends the line
                self._grow(self._active, os.write(self._descriptor, b"\n"))
            self._torn = False
        os.close(self._descriptor)
        self._descriptor, self._active = -1, None

    def _delete_stored(self) -> None:
        with self._lock:
            done = [
                file
                for file in self._files
                if file is not self._active and file.last_seq <= self._stored.get(file.writer, 0)
            ]
            for file in done:
                self._files.remove(file)
            self._forget_finished_writers()
        for file in done:  # outside of the lock: requests need not wait for the disk
            file.path.unlink(missing_ok=True)
        with self._lock:
            self._bytes -= sum(file.size for file in done)

    def _forget_finished_writers(self) -> None:
        kept = {file.writer for file in self._files} | {self.writer}
        for writer in [writer for writer in self._written if writer not in kept]:
            del self._written[writer]
            self._stored.pop(writer, None)
