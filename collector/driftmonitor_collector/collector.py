"""The collector's parts put together: recovery, commits, compaction, windows, reports, and their life."""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

from driftmonitor_collector.commit import Committer
from driftmonitor_collector.config import Config
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.metrics import Metrics
from driftmonitor_collector.recovery import recover
from driftmonitor_collector.retention import expire
from driftmonitor_collector.store import files
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import DamagedSegmentError, Log, Segment
from driftmonitor_collector.store.reports import Reports
from driftmonitor_collector.store.state import Checkpoint
from driftmonitor_collector.windows import WindowQuery

# pyarrow takes longer to load than everything else together: only what reads or writes Parquet loads it.
if TYPE_CHECKING:
    import pyarrow as pa

_logger = logging.getLogger(__name__)


class Collector:
    """One data directory in service."""

    def __init__(self, config: Config, fail: Callable[[str], None]) -> None:
        """Claims the directory (UnusableDirectoryError); `fail` is told when the process has to end, and why."""
        self._config = config
        self._fail = fail
        self._layout = Layout(config.data_dir)
        self._claim = self._layout.claim()
        self._log = Log(self._layout.log, reserve_bytes=config.reserve_bytes)
        self._committer: Committer | None = None
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.reports = Reports(self._layout.reports)
        self.metrics = Metrics()
        self._add_gauges()

    def _add_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("rows_written", "Rows that the writers say they wrote.", lambda: self.ledger.written)
        gauge(
            "rows_held",
            "Rows stored, over all starts of the collector, those deleted since included.",
            lambda: self.ledger.stored,
        )
        gauge("rows_lost", "Rows that their writers gave up, in their own words.", lambda: self.ledger.lost)
        gauge("writers", "Writers ever seen.", lambda: len(self.ledger.accounts))
        gauge("log_segments", "Segments of the log not yet compacted.", lambda: len(self._log.segments()))
        gauge("log_bytes", "Bytes of those.", lambda: sum(segment.length for segment in self._log.segments()))
        gauge("damaged_bytes", "Bytes of the log found damaged at the start.", lambda: self._log.damaged_bytes)
        gauge("disk_free_bytes", "Bytes free on the volume.", lambda: files.free_bytes(self._layout.root))

    @property
    def ready(self) -> bool:
        """Whether recovery is over."""
        return self._committer is not None

    @property
    def committer(self) -> Committer:
        """Where submissions go; RuntimeError before `ready`."""
        if self._committer is None:
            raise RuntimeError("the collector is still recovering")
        return self._committer

    @property
    def ledger(self) -> Ledger:
        """The ledger of everything stored; an empty one before `ready`."""
        return self._committer.ledger if self._committer else Ledger()

    def start(self) -> None:
        """Begin to recover, then to serve, in the background."""
        self._tasks.append(asyncio.create_task(self._run()))

    async def stop(self) -> None:
        """Finish what is submitted, and leave everything durable."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        os.close(self._claim)

    async def _run(self) -> None:
        try:
            recovered = await asyncio.to_thread(recover, self._layout, self._log)
        except Exception as error:
            _logger.exception("recovery failed")
            self._fail(f"recovery of {self._layout.root} failed: {error}")
            return
        committer = Committer(
            recovered.ledger, self._log, observe_seconds=self.metrics.commit_seconds.observe, fail=self._fail
        )
        commits = asyncio.create_task(committer.run())
        self._committer = committer
        _logger.info("ready: %d rows of %d writers", self.ledger.stored, len(self.ledger.accounts))
        await self._compact_regularly(recovered.checkpoint)
        committer.close()
        await commits
        self._log.close()
        try:
            await asyncio.to_thread(recovered.checkpoint.save, duplicates=self.ledger.duplicates)
        except Exception:
            _logger.exception("the last state was not written; the next start goes on from the one before")

    async def _compact_regularly(self, checkpoint: Checkpoint) -> None:
        while not self._stopping.is_set():
            try:
                await self._compact(checkpoint)
            except DamagedSegmentError as error:
                self._fail(str(error))  # the next start sets the damage apart and counts what is left
            except Exception:
                _logger.exception("compaction failed; it is repeated in %g s", self._config.compaction_seconds)
                self.metrics.compaction_failures.inc()
            await self._expire(checkpoint)
            try:
                await asyncio.wait_for(self._stopping.wait(), self._config.compaction_seconds)
            except TimeoutError:
                continue

    async def _compact(self, checkpoint: Checkpoint) -> None:
        await asyncio.to_thread(self._log.seal)
        for segment in self._log.sealed():
            if self._stopping.is_set():
                return
            begin = perf_counter()
            rows = await asyncio.to_thread(self._compact_one, checkpoint, segment)
            self.metrics.compacted_rows.inc(rows)
            self.metrics.compaction_seconds.observe(perf_counter() - begin)

    def _compact_one(self, checkpoint: Checkpoint, segment: Segment) -> int:
        from driftmonitor_collector.compaction import compact

        return compact(self._layout, self._log, checkpoint, segment, duplicates=self.ledger.duplicates)

    async def _expire(self, checkpoint: Checkpoint) -> None:
        now, retention = datetime.now(UTC), self._config.retention
        try:
            expired = await asyncio.to_thread(expire, self._layout, self.reports, checkpoint, now, retention)
        except Exception:
            _logger.exception("what is past its retention was not all deleted; it is tried again")
            self.metrics.retention_failures.inc()
        else:
            self.metrics.expired_rows.inc(expired.rows)
            self.metrics.expired_files.inc(expired.files)

    def read_window(self, query: WindowQuery) -> "pa.Table":
        """The query's rows; call it in a thread."""
        from driftmonitor_collector.reading import read_window

        return read_window(self._layout.records, self._log, query)
