"""What one collector keeps of the store on its own disk: the log's newest part, and Parquet files that were read.

All of it is a copy: the folder may be empty at each start.
"""

import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Segment, segment_name

CACHE_BYTES = 1 << 30


class TailView:
    """A part of the log as readers of a volume's log know it."""

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments

    def segments(self) -> list[Segment]:
        """Oldest first."""
        return self._segments

    def open_all(self, stack: ExitStack) -> list[tuple[Segment, BinaryIO]]:
        """Each, with a file that can be read."""
        return [(item, stack.enter_context(item.path.open("rb"))) for item in self._segments]


class Mirror:
    """Threads may call it."""

    def __init__(self, root: Path, cache_bytes: int = CACHE_BYTES) -> None:
        """`root` is emptied of what an earlier process left."""
        self._tail, self._cache, self._views = root / "wal", root / "cache", root / "views"
        self.scratch = Layout(root / "scratch")
        for folder in (self._tail, self._cache, self._views, self.scratch.root):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._cache_bytes = cache_bytes
        self._lock = threading.Lock()
        self._segments: dict[int, Segment] = {}
        self._cached: OrderedDict[str, int] = OrderedDict()

    @property
    def tail_bytes(self) -> int:
        """Bytes of the log's part that is here."""
        with self._lock:
            return sum(segment.length for segment in self._segments.values())

    def append(self, number: int, data: bytes) -> None:
        """Keep the frames of the log's next object."""
        path = self._tail / f"{segment_name(number)}.log"
        path.write_bytes(data)
        with self._lock:
            self._segments[number] = Segment(number, path, len(data))

    def drop(self, through: int) -> None:
        """Forget the log up to this number."""
        with self._lock:
            dropped = [self._segments.pop(number) for number in list(self._segments) if number <= through]
        for segment in dropped:
            segment.path.unlink(missing_ok=True)

    def tail(self, first: int) -> list[Segment]:
        """The log from this number on."""
        with self._lock:
            return [segment for number, segment in sorted(self._segments.items()) if number >= first]

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder, until the end."""
        folder = self._views / uuid4().hex
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def view(self, first: int) -> Iterator[tuple[Layout, TailView]]:
        """Folders to `link` files into, and the log from `first` on; nothing of it changes until the end."""
        with self.folder() as folder:
            held = []
            with self._lock:
                for number, segment in sorted(self._segments.items()):
                    if number >= first:
                        path = folder / segment.path.name
                        os.link(segment.path, path)
                        held.append(Segment(number, path, segment.length))
            yield Layout(folder), TailView(held)

    def link(self, name: str, target: Path) -> bool:
        """Put the file of that name, if it is here, at the target, too."""
        with self._lock:
            if name not in self._cached:
                return False
            self._cached.move_to_end(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(self._cache_path(name), target)
            return True

    def keep(self, name: str, content: bytes) -> None:
        """Keep a file, which never changes, until others need the room."""
        with self._lock:
            if name in self._cached:
                return
            self._cache_path(name).write_bytes(content)
            self._cached[name] = len(content)
            while sum(self._cached.values()) > self._cache_bytes and len(self._cached) > 1:
                oldest, _ = self._cached.popitem(last=False)
                self._cache_path(oldest).unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Keep a file no longer."""
        with self._lock:
            if self._cached.pop(name, None) is not None:
                self._cache_path(name).unlink(missing_ok=True)

    def _cache_path(self, name: str) -> Path:
        return self._cache / name.replace("/", "~")
