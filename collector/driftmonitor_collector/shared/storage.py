"""An object store as storage, which any number of collectors use at the same time."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING
from uuid import uuid4

from driftmonitor_collector.config import Config, SharedStore
from driftmonitor_collector.frames import DamagedFile
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import Plan, Submission, plan
from driftmonitor_collector.records import Decoded
from driftmonitor_collector.retention import Expired
from driftmonitor_collector.shared import compaction, names, retention
from driftmonitor_collector.shared.follower import Follower
from driftmonitor_collector.shared.mirror import Mirror
from driftmonitor_collector.shared.references import SharedReferences
from driftmonitor_collector.shared.reports import SharedReports
from driftmonitor_collector.store.damage import labels_since, name_of
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import SEGMENT_BYTES
from driftmonitor_collector.store.objects import Objects, client_opener
from driftmonitor_collector.store.unavailable import StoreUnavailableError, UnusableStoreError
from driftmonitor_collector.windows import WindowQuery

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from driftmonitor_collector.reading import Rows

MAX_TAIL_BYTES = 512 << 20
"""So much of the log may wait for its compaction: every collector keeps a copy of it, and reads it at its start."""
FRESH_SECONDS = 5.0
"""So old may what is known of others be where an idle writer reports the same again: asking costs."""
HELP_SECONDS = 60.0
"""After so long without progress, a compaction that another collector began is done by this one, too."""
_TRIES = 100
_RECOVERY_SECONDS = 60.0
_logger = logging.getLogger(__name__)


def open_shared(config: Config, store: SharedStore) -> "SharedStorage":
    """The storage at the store's address; UnusableDirectoryError."""
    return SharedStorage(config, store, Objects(store.uri, client_opener(store.uri, store.credentials)))


class SharedStorage:
    """The storage of one collector of several. Its folder holds copies only."""

    def __init__(self, config: Config, store: SharedStore, objects: Objects) -> None:
        """Claims the folder (UnusableDirectoryError); `objects` are those of the store's address."""
        self._config = config
        self._store = store
        layout = Layout(config.data_dir)
        self._claim = layout.claim()
        self._objects = objects
        self._mirror = Mirror(layout.root / "mirror")
        self._follower = Follower(self._objects, self._mirror, lambda: uuid4().hex)
        self._lock = threading.Lock()  # held by who follows or appends
        # Of this start alone, so that it never gives a number twice.
        self._id = uuid4().hex[:16]
        self._foreign_writer = f"foreign/{self._id}"
        self._written = -store.commit_seconds
        self._seen_claim = (0, 0.0)
        self.name = store.uri
        self.reports = SharedReports(self._objects)
        self.references = SharedReferences(self._objects)

    def recover(self) -> Ledger:
        """Read the newest checkpoint and the log behind it; tried for a minute while the store is away."""
        deadline = monotonic() + _RECOVERY_SECONDS
        while True:
            try:
                self._follower.log.require_conditional_creation()
                with self._lock:
                    self._follower.follow()
                    return self._follower.take_news()
            except UnusableStoreError:
                raise
            except StoreUnavailableError:
                if monotonic() > deadline:
                    raise
            sleep(1)

    def write(self, ledger: Ledger, submissions: Sequence[Submission]) -> Plan:
        """Append to the log what is new in them; `ledger` is what `recover` and the plans' changes have made."""
        follower, fresh_seconds = self._follower, _freshness(submissions)
        with self._lock:
            if self._mirror.tail_bytes > MAX_TAIL_BYTES:
                follower.follow()  # others may have compacted it
            for _ in range(_TRIES):
                head = follower.log.head
                made = plan(
                    follower.ledger,
                    submissions,
                    identities=follower.identities,
                    foreign_writer=self._foreign_writer,
                )
                if not made.data:
                    if not follower.is_fresh(fresh_seconds):
                        follower.follow()
                        fresh_seconds = float("inf")
                        continue
                    follower.count(made.change)
                    break
                self._make_way()
                if follower.append(made, head):
                    break
                follower.follow()
            else:
                raise StoreUnavailableError(f"{self.name}: other collectors are always faster")
            return Plan(made.data, follower.take_news(), made.outcomes, made.identities)

    def _make_way(self) -> None:
        """Not too much of the log at once, and not too often: each object costs, and each takes what waits together."""
        if self._mirror.tail_bytes > MAX_TAIL_BYTES:
            raise StoreUnavailableError(f"more than {MAX_TAIL_BYTES} bytes wait for their compaction")
        sleep(max(0.0, self._written + self._store.commit_seconds - monotonic()))
        self._written = monotonic()

    def prepare_compaction(self) -> None:
        """Find out what there is to compact."""
        with self._lock:
            self._follower.follow()
            self._follower.flush()

    def is_full_before_time(self) -> bool:
        """Whether so much of the log waits that it is compacted at once."""
        return self._mirror.tail_bytes >= SEGMENT_BYTES

    def compact_next(self, duplicates: int) -> int | None:
        """Compact the oldest part of the log, unless another collector is at it."""
        log, first = self._follower.log, self._follower.log.compacted + 1
        last = compaction.part_to_compact(self._mirror.tail(first), SEGMENT_BYTES)
        if last is None:
            return None
        claimed = compaction.claim(self._objects, log, first, last, self._id)
        if claimed is None:  # another collector was faster
            with self._lock:
                self._follower.follow()
            return None
        last, mine = claimed
        if not mine and not self._help(first):
            return None
        if last > log.head:
            self.prepare_compaction()
        with ExitStack() as stack:
            with self._lock:
                if log.compacted >= first:
                    return None
                counts = self._follower.counted(first, last)
                _, tail = stack.enter_context(self._mirror.view(first))
            part = [segment for segment in tail.segments() if segment.number <= last]
            rows, change = compaction.compact(self._objects, self._mirror.scratch, part)
        change.merge(counts)
        compaction.advance(self._objects, first, last, change)
        with self._lock:
            self._follower.follow()
        compaction.clean(self._objects, log.compacted)
        return rows

    def _help(self, first: int) -> bool:
        """Whether the collector that claimed this part was given time enough."""
        known, since = self._seen_claim
        if known != first:
            self._seen_claim = first, monotonic()
            return False
        return monotonic() - since >= HELP_SECONDS

    def merge_next(self) -> bool:
        """The files stay as they are: each collector may be reading them."""
        return False

    def expire(self, now: datetime) -> Expired:
        """Delete what has passed the retention."""
        return retention.expire(self._objects, self.reports, now, self._config.retention)

    def close(self, duplicates: int) -> None:
        """Write down what was counted since the last object."""
        with self._lock:
            self._follower.flush()

    def release(self) -> None:
        """Give the folder back."""
        os.close(self._claim)

    def open_window(self, query: WindowQuery) -> "Rows":
        """The query's rows, with all that any collector has acknowledged when this is called."""
        from driftmonitor_collector import reading
        from driftmonitor_collector.shared.fetching import fetch_window

        with ExitStack() as stack:
            with self._lock:
                self._follower.follow()
                compacted = self._follower.log.compacted
                layout, tail = stack.enter_context(self._mirror.view(compacted + 1))
            fetch_window(self._objects, self._mirror, layout, compacted, query)
            rows = reading.open_window(layout, tail, query)
            stack.callback(rows.close)
            return replace(rows, close=stack.pop_all().close)

    def set_apart(self, name: str) -> bool:
        """Move a damaged Parquet file to `damaged/`."""
        from driftmonitor_collector.shared import damage

        return damage.set_apart(self._objects, self._mirror, name)

    def scrub(self) -> None:
        """Object stores do that by themselves."""

    def set_apart_files(self) -> Sequence[DamagedFile]:
        """Those in `damaged/`."""
        from driftmonitor_collector.shared import damage

        return damage.set_apart_files(self._objects)

    def labels(self) -> "Iterator[pa.Table]":
        """Every label that any collector has acknowledged when this is called."""
        from driftmonitor_collector.shared.fetching import fetch_labels
        from driftmonitor_collector.store import label_files

        with ExitStack() as stack:
            with self._lock:
                self._follower.follow()
                compacted = self._follower.log.compacted
                layout, tail = stack.enter_context(self._mirror.view(compacted + 1))
            fetch_labels(self._objects, self._mirror, layout, compacted)
            yield from label_files.read_all(layout.labels, tail, self._labels_again)

    def _labels_again(self, path: "Path") -> "pa.Table | None":
        from driftmonitor_collector.shared import damage

        return damage.labels_again(self._objects, self._mirror, name_of(path))

    def damaged_label_files(self, start: datetime) -> int:
        """Of those in `damaged/`."""
        return labels_since((item.name.rpartition("/")[2] for item in self._objects.listing(names.DAMAGED)), start)

    def gauges(self) -> Iterator[tuple[str, str, Callable[[], float]]]:
        """Of the log."""
        log = self._follower.log
        yield "log_segments", "Objects of the log not yet compacted.", lambda: log.head - log.compacted
        yield "log_bytes", "Bytes of those.", lambda: self._mirror.tail_bytes


def _freshness(submissions: Sequence[Submission]) -> float:
    """How old, in seconds, what is known of others may be. Who asks what is stored submits what has no content."""
    asked = any(isinstance(item, Decoded) and not (item.lines or item.foreign or item.rejected) for item in submissions)
    return 0.0 if asked else FRESH_SECONDS
