"""The prediction log: append-only files of one record a line, which a shipper tails and the collector confirms.

Every line of a request is written by one unbuffered write before the answer is sent, so that it survives the death of
the process; `sync` makes it survive the death of the machine. A file is deleted once the collector has stored all of
its lines.
"""

import contextlib
import errno
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from driftmonitor_inference import losses
from driftmonitor_inference.accounts import Account, Interval, WriterReport
from driftmonitor_inference.linesearch import Found, find_lines

_FILE_NAME = re.compile(r"predictions\.(?:(?P<worker>[0-9]{1,3})-)?(?P<start>[A-Za-z0-9]+)\.(?P<number>[0-9]+)\.jsonl")
_ROTATIONS_PER_LIMIT = 8  # a file in use is never deleted, so it may only hold a small part of what fits
_FILE_BYTES, _MOST_FILES = 8 << 20, 512  # small, so that disk and memory are free again soon; a shipper watches each
_SENT_AGAIN_BYTES = 4 << 20  # they are held in memory
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class NotLoggedError(Exception):
    """The rows of a request were not logged; the message says why."""

    def __init__(self, message: str, logged: int = 0) -> None:
        """`logged` is the number of its first rows that the log holds all the same."""
        super().__init__(message)
        self.logged = logged


class LogFullError(NotLoggedError):
    """The log has reached its limit, or its disk is full; rows can be taken again once older ones are stored."""


class LogFailedError(NotLoggedError):
    """The log cannot be written."""


class RecordsTooLargeError(Exception):
    """The records of one request are larger than the whole log may be."""


def _failed(problem: str, error: OSError, logged: int = 0) -> NotLoggedError:
    kind = LogFullError if error.errno in _DISK_FULL else LogFailedError
    return kind(f"{problem}: {error.strerror}", logged)


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
class Leftovers:
    """What earlier starts of the same pod left: their files, oldest first, and the account of each who wrote them."""

    files: Sequence[LogFile] = ()
    accounts: Mapping[str, Account] = field(default_factory=dict)


@dataclass(frozen=True)
class LogState:
    """What the log says of itself to `/metrics`."""

    writer: str
    bytes: int
    written: int
    """Highest seq given out by this start."""
    stored_through: int
    files: int
    unconfirmed_writers: int
    unconfirmed_rows: int
    sent_again: int = 0
    """Rows that this start has written once more, each time they were."""
    given_up: int = 0
    """Rows that were logged and that this start has given up, since they never arrived."""


def file_size(limit: int) -> int:
    """Bytes of a file, if nobody has said so: of a log of this many bytes there shall not be too many."""
    return max(_FILE_BYTES, limit // _MOST_FILES)


def parse_name(name: str) -> tuple[int, str, int] | None:
    """Worker, start and number of a log file's name; None for any other file. A name without a worker is worker 0's."""
    match = _FILE_NAME.fullmatch(name)
    return (int(match["worker"] or 0), match["start"], int(match["number"])) if match else None


class RecordLog:
    """The log of one process start, and what earlier starts left. Appending and confirming may run in two threads."""

    def __init__(
        self,
        directory: Path,
        *,
        writer: str,
        start: str,
        limit: int,
        rotate: int,
        leftovers: Leftovers | None = None,
        synced: bool = False,
    ) -> None:
        """Open the first file; OSError if that cannot be done. `limit` and `rotate` are bytes. `start` is the part of
        the files' names that tells them from those of other workers and starts.

        `synced` says that `sync` will be called, and so must find the files that were ended since the last time.
        """
        leftovers = leftovers or Leftovers()
        self.writer = writer
        self.limit = limit
        self._directory = directory
        self._start = start
        self.file_ended = threading.Event()
        """Set each time that a file is full: once its rows are confirmed it is deleted, so it pays to ask."""
        self._rotate = max(1, min(rotate, limit // _ROTATIONS_PER_LIMIT))
        self._lock = threading.Lock()
        self._files = list(leftovers.files)
        self._bytes = sum(file.size for file in leftovers.files)
        self._account = Account()
        self._accounts = {**leftovers.accounts, writer: self._account}
        self._number = 0
        self._torn = False
        self._note: losses.Note | None = None
        self._synced = synced
        self._unsynced: list[int] = []  # descriptors of files that were ended since the last sync
        self._directory_changed = False
        self._sent_again: dict[str, LogFile] = {}
        self._rows_sent_again = self._rows_given_up = 0
        self._descriptor = -1
        self._active: LogFile | None = None
        self._active = self._open_next()

    def append(self, rows: int, encode: Callable[[int], bytes]) -> None:
        """Write the lines of one request. `encode` gets the seq of the first row and gives one line for each row.

        NotLoggedError if they were not written. No seq is ever given to two lines: where the disk took some of the
        lines before it failed, these stand in the log though their request failed.
        """
        with self._lock:
            if self._active is None:
                raise LogFailedError("the prediction log is closed")
            lines = encode(self._account.written + 1)
            if len(lines) > self.limit:
                raise RecordsTooLargeError(f"the request's records have {len(lines)} bytes; the log holds {self.limit}")
            active = self._active
            if active.size > 0 and active.size + len(lines) > self._rotate:
                try:
                    active = self._open_next()
                except OSError as error:
                    raise _failed("a new file of the prediction log cannot be opened", error) from error
            if self._bytes + len(lines) > self.limit:
                raise LogFullError(
                    f"the prediction log holds {self._bytes} of at most {self.limit} bytes that are not stored yet"
                )
            self._write(active, rows, lines)

    def give_up(self, rows: int) -> None:
        """Use up seqs for rows that are answered and will never be logged, so that the store sees them as missing."""
        with self._lock:
            self._account.give_up(rows)

    def note_lost(self) -> None:
        """Write down what this start gave up, if that has changed. One thread at a time may call it."""
        with self._lock:
            lost, written = self._account.lost, self._account.written
        if lost == (self._note.lost if self._note is not None else ()):
            return
        if not lost:
            losses.remove(self._directory, self.writer)
            self._note = None
            return
        note = losses.Note(self.writer, written, lost)
        with contextlib.suppress(OSError):  # a full disk keeps the note before, and the next call tries again
            losses.write(self._directory, note)
            self._note = note

    def sync(self) -> None:
        """Sync to the disk every line that was appended before; LogFailedError. One thread at a time may call it."""
        with self._lock:
            descriptors, self._unsynced = self._unsynced, []
            if self._active is not None:  # a duplicate: the next append may end the file meanwhile
                descriptors.append(os.dup(self._descriptor))
            directory_changed, self._directory_changed = self._directory_changed, False
        try:
            for descriptor in descriptors:
                os.fdatasync(descriptor)
            if directory_changed:
                self._sync_directory()
        except OSError as error:
            raise LogFailedError(f"the prediction log cannot be synced: {error.strerror}") from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def confirm(self, writer: str, stored_through: int) -> None:
        """Note that the collector has stored a writer's rows up to this seq, and delete the files that held them."""
        with self._lock:
            if writer in self._accounts:
                self._accounts[writer].confirm(stored_through)
        self._delete_stored()

    def send_again(self, writer: str, missing: Sequence[Interval], *, witness: int = 0) -> Found:
        """Write the lines of these seqs to a new file, where a shipper takes them for new: some of the lowest, and what
        is left the next time; behind them that of the witness, if there is one. Gives what was found, without that.
        OSError. One thread at a time may call this and `confirm`.

        The limit does not hold for this file: a full log gets no emptier while rows of it do not arrive.
        """
        with self._lock:
            held = [file for file in self._files if file.writer == writer and file is not self._sent_again.get(writer)]
            sizes = [(file.path, file.size, file.last_seq) for file in held]
            self._number += 1
            path = self._path(self._number)
        found = find_lines(sizes, missing, min(_SENT_AGAIN_BYTES, self.limit // _ROTATIONS_PER_LIMIT))
        self._forget_sent_again(writer)
        if found.lines:
            lines = b"".join([*found.lines, *(find_lines(sizes, [(witness, witness)], 1).lines if witness else ())])
            try:
                path.write_bytes(lines)
            except OSError:  # no room: what was shipped of it does no harm
                path.unlink(missing_ok=True)
                raise
            file = LogFile(path, writer, found.last_seq, len(lines))
            with self._lock:
                self._files.append(file)
                self._bytes += file.size
                self._sent_again[writer] = file
                self._rows_sent_again += len(found.lines)
        return found

    def give_up_written(self, writer: str, intervals: Sequence[Interval]) -> None:
        """Give up seqs that were given out, so that the collector passes them."""
        with self._lock:
            if writer in self._accounts:
                self._rows_given_up += self._accounts[writer].give_up_written(intervals)

    def pending(self) -> list[WriterReport]:
        """What the collector must know of each writer."""
        with self._lock:
            return [account.report(writer) for writer, account in self._accounts.items() if account.written > 0]

    def unconfirmed(self) -> int:
        """Number of rows that the collector has not confirmed."""
        with self._lock:
            return sum(account.unconfirmed for account in self._accounts.values())

    def close(self) -> None:
        """End the file in use; reports and confirmations go on."""
        with self._lock:
            self._close_active()
            while self._unsynced:
                os.close(self._unsynced.pop())
        self._delete_stored()

    def state(self) -> LogState:
        """A snapshot of the counters."""
        with self._lock:
            waiting = [account.unconfirmed for account in self._accounts.values() if account.unconfirmed]
            own = self._account
            return LogState(
                writer=self.writer,
                bytes=self._bytes,
                written=own.written,
                stored_through=own.stored_through,
                files=len(self._files),
                unconfirmed_writers=len(waiting),
                unconfirmed_rows=sum(waiting),
                sent_again=self._rows_sent_again,
                given_up=self._rows_given_up,
            )

    def _write(self, active: LogFile, rows: int, lines: bytes) -> None:
        done = 0
        try:
            if self._torn:
                self._took(active, 0, os.write(self._descriptor, b"\n"))
                self._torn = False
            while done < len(lines):
                done += os.write(self._descriptor, lines[done:] if done else lines)
        except OSError as error:
            # Lines that are complete may have been shipped already: their seq is used up.
            complete = lines.count(b"\n", 0, done) + (lines[done : done + 1] == b"\n")
            self._torn = self._torn or (done > 0 and lines[done - 1 : done] != b"\n")
            self._took(active, complete, done)
            raise _failed("the prediction log cannot be written", error, complete) from error
        self._took(active, rows, done)

    def _took(self, active: LogFile, rows: int, size: int) -> None:
        """Count the whole lines and the bytes that the file has taken."""
        active.size += size
        self._bytes += size
        if rows:
            self._account.advance(rows)
            active.last_seq = self._account.written

    def _open_next(self) -> LogFile:
        path = self._path(self._number + 1)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        if self._active is not None:
            self._close_active()
            self.file_ended.set()
        self._number += 1
        self._descriptor = descriptor
        self._directory_changed = True
        self._active = LogFile(path, self.writer, 0, 0)
        self._files.append(self._active)
        return self._active

    def _path(self, number: int) -> Path:
        return self._directory / f"predictions.{self._start}.{number:06d}.jsonl"

    def _forget_sent_again(self, writer: str) -> None:
        """Delete the file that was made the last time: what is still missing of it is in the next."""
        with self._lock:
            file = self._sent_again.pop(writer, None)
            if file not in self._files:
                return
            self._files.remove(file)
            self._bytes -= file.size
        file.path.unlink(missing_ok=True)

    def _close_active(self) -> None:
        if self._active is None:
            return
        if self._torn:
            with contextlib.suppress(OSError):  # else the next start ends the line
                self._took(self._active, 0, os.write(self._descriptor, b"\n"))
            self._torn = False
        if self._synced:
            self._unsynced.append(self._descriptor)
        else:
            os.close(self._descriptor)
        self._descriptor, self._active = -1, None

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _delete_stored(self) -> None:
        with self._lock:
            done = [
                file
                for file in self._files
                if file is not self._active and file.last_seq <= self._accounts[file.writer].stored_through
            ]
            for file in done:
                self._files.remove(file)
            forgotten = self._forget_finished_writers()
        for file in done:  # outside of the lock: requests need not wait for the disk
            file.path.unlink(missing_ok=True)
        for writer in forgotten:
            losses.remove(self._directory, writer)
        with self._lock:
            self._bytes -= sum(file.size for file in done)

    def _forget_finished_writers(self) -> list[str]:
        kept = {file.writer for file in self._files} | {self.writer}
        finished = [
            writer for writer, account in self._accounts.items() if writer not in kept and not account.unconfirmed
        ]
        for writer in finished:
            del self._accounts[writer]
        return finished
