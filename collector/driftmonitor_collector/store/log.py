"""The write-ahead log: numbered segments of frames, appended and synced, dropped once compacted."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from driftmonitor_collector import frames
from driftmonitor_collector.frames import Damage, Frame
from driftmonitor_collector.store import files
from driftmonitor_collector.store.files import DiskFullError

SEGMENT_BYTES = 64 << 20
_logger = logging.getLogger(__name__)


class DamagedSegmentError(Exception):
    """A segment read back differs from what was synced to it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The part of a segment that is on stable storage."""

    number: int
    path: Path
    length: int

    def read(self) -> bytes:
        """Its bytes; FileNotFoundError once it is dropped."""
        with self.path.open("rb") as file:
            return file.read(self.length)

    def frames(self) -> Iterator[Frame]:
        """Its frames; DamagedSegmentError where a checksum does not hold."""
        for item in frames.scan(self.read()):
            if isinstance(item, Damage):
                raise DamagedSegmentError(f"{self.path} is damaged from byte {item.start} to {item.end}")
            yield item


def segment_name(number: int) -> str:
    """The name, without suffix, of a segment and of everything made of it."""
    return f"{number:012d}"


def segments_in(directory: Path) -> list[Segment]:
    """The segments of the folder as they lie, oldest first."""
    with os.scandir(directory) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.endswith(".log")]
    return sorted((Segment(int(path.stem), path, path.stat().st_size) for path in found), key=lambda item: item.number)


class ReadableLog(Protocol):
    """A log, or a part of one, for who reads windows."""

    def segments(self) -> list[Segment]:
        """Every segment that is not dropped, oldest first, with what is durable of it."""

    def open_all(self, stack: ExitStack) -> list[tuple[Segment, BinaryIO]]:
        """Every segment, all of one moment, with a file that can be read even when the segment is dropped."""


class Log:
    """The segments of one folder. Threads may call it; readers never wait for a sync."""

    def __init__(self, directory: Path, *, reserve_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        """`reserve_bytes` of the volume stay free of it, so that compaction can always make room."""
        self._directory = directory
        self._reserve_bytes = reserve_bytes
        self._segment_bytes = segment_bytes
        self._writing = threading.Lock()  # held through writes and syncs
        self._lock = threading.Lock()  # held for a moment: guards the two below
        self._sealed: dict[int, Segment] = {}
        self._active: tuple[int, Segment] | None = None  # with its file descriptor
        self._next = 1
        self.damaged_bytes = 0

    def recover(self, compacted_through: int, damaged: Path) -> None:
        """Take over what lies in the folder: drop what is compacted, repair the rest, and make it durable.

        Bytes that are no whole frame are moved to the folder `damaged`.
        """
        files.make_directory(self._directory)
        self._next = compacted_through + 1
        for segment in segments_in(self._directory):
            self._next = max(self._next, segment.number + 1)
            if segment.number <= compacted_through:
                segment.path.unlink()
                continue
            length = self._repair(segment, damaged)
            self._sealed[segment.number] = Segment(segment.number, segment.path, length)
        files.sync_directory(self._directory)

    def _repair(self, segment: Segment, damaged: Path) -> int:
        data = segment.read()
        items = list(frames.scan(data))
        damages = [item for item in items if isinstance(item, Damage)]
        for item in damages:
            part = data[item.start : item.end]
            path = damaged / f"{segment_name(segment.number)}.{item.start}.bad"
            _logger.error("%s: %d bytes from %d on are damaged; kept as %s", segment.path, len(part), item.start, path)
            files.write_atomically(path, lambda file, part=part: file.write(part))  # type: ignore[misc]  # mypy and defaults
            self.damaged_bytes += len(part)
        if damages:
            good = [frames.encode(item.kind, item.payload) for item in items if isinstance(item, Frame)]  # type: ignore[arg-type]  # any kind
            data = b"".join(good)
            files.write_atomically(segment.path, lambda file: file.write(data))
        else:  # written before a crash, perhaps never synced
            with segment.path.open("rb") as file:
                os.fsync(file.fileno())
        return len(data)

    def append(self, data: bytes) -> None:
        """Put frames on stable storage; DiskFullError, and nothing of them kept, when there is no room."""
        with self._writing:
            if files.free_bytes(self._directory) - len(data) < self._reserve_bytes:
                self._seal()  # it takes a tenth of the room once it is compacted
                raise DiskFullError(f"less than {self._reserve_bytes} bytes would stay free on the volume")
            if self._active and self._active[1].length + len(data) > self._segment_bytes:
                self._seal()
            with files.no_room_as_disk_full("the log"):
                descriptor, segment = self._active or self._create()
                self._write(descriptor, segment.length, data)
            with self._lock:
                self._active = descriptor, Segment(segment.number, segment.path, segment.length + len(data))

    def _create(self) -> tuple[int, Segment]:
        path = self._directory / f"{segment_name(self._next)}.log"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        self._next += 1
        files.sync_directory(self._directory)
        created = descriptor, Segment(self._next - 1, path, 0)
        with self._lock:
            self._active = created
        return created

    @staticmethod
    def _write(descriptor: int, offset: int, data: bytes) -> None:
        try:
            view, place = memoryview(data), offset
            while view:
                count = os.pwrite(descriptor, view, place)
                view, place = view[count:], place + count
            os.fdatasync(descriptor)
        except OSError:
            os.ftruncate(descriptor, offset)
            raise

    def seal(self) -> None:
        """End the active segment, if it holds anything, so that it can be compacted."""
        with self._writing:
            self._seal()

    def _seal(self) -> None:
        if self._active and self._active[1].length:
            descriptor, segment = self._active
            os.close(descriptor)
            with self._lock:
                self._sealed[segment.number] = segment
                self._active = None

    def sealed(self) -> list[Segment]:
        """The segments to compact, oldest first."""
        with self._lock:
            return list(self._sealed.values())

    def segments(self) -> list[Segment]:
        """Every segment that is not dropped, oldest first, with what is durable of it."""
        with self._lock:
            return self._segments()

    def _segments(self) -> list[Segment]:
        return [*self._sealed.values(), *([self._active[1]] if self._active else [])]

    def open_all(self, stack: ExitStack) -> list[tuple[Segment, BinaryIO]]:
        """Every segment, all of one moment, with a file that can be read even when the segment is dropped."""
        with self._lock:
            return [(item, stack.enter_context(item.path.open("rb"))) for item in self._segments()]

    def drop(self, segment: Segment) -> None:
        """Delete a sealed segment."""
        with self._lock:
            del self._sealed[segment.number]
        segment.path.unlink()
        files.sync_directory(self._directory)

    def close(self) -> None:
        """Close the active segment."""
        with self._writing:
            if self._active:
                os.close(self._active[0])
                self._active = None
