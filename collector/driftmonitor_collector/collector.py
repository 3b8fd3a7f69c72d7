"""The collector's parts put together: recovery, commits, compaction, windows, reports, and their life."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from driftmonitor_collector.commit import Committer
from driftmonitor_collector.config import Config
from driftmonitor_collector.kafka_config import KafkaConfig
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.metrics import Metrics
from driftmonitor_collector.records import Decoded
from driftmonitor_collector.storage import ReferenceFolder, ReportFolder, Storage
from driftmonitor_collector.store.damage import name_of
from driftmonitor_collector.store.log import DamagedSegmentError
from driftmonitor_collector.store.partitions import touches
from driftmonitor_collector.store.sums import DamagedFileError
from driftmonitor_collector.volume import VolumeStorage
from driftmonitor_collector.windows import WindowQuery

# pyarrow takes longer to load than everything else together: only what reads or writes Parquet loads it.
if TYPE_CHECKING:
    import pyarrow as pa

    from driftmonitor_collector.reading import Rows

_MOST_DAMAGED_FILES = 1000  # that are set apart for one window
_LOOK_SECONDS = 5.0  # between two looks whether there is something to compact before its time
_logger = logging.getLogger(__name__)


def open_storage(config: Config) -> Storage:
    """The storage that the configuration names; UnusableDirectoryError."""
    if config.shared_store is not None:
        from driftmonitor_collector.shared.storage import open_shared  # loads the library for object stores

        return open_shared(config, config.shared_store)
    return VolumeStorage(config)


class Collector:
    """One storage in service."""

    def __init__(self, config: Config, fail: Callable[[str], None], kafka: KafkaConfig | None = None) -> None:
        """As `open_storage`; `fail` is told when the process has to end, and why; `kafka` is a topic to read, too."""
        self._config = config
        self._kafka = kafka
        self._fail = fail
        self._storage = open_storage(config)
        self._committer: Committer | None = None
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
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
        gauge(
            "rows_damaged",
            "Rows that damaged Parquet files held and that are missing.",
            lambda: self.ledger.damaged_rows(),
        )
        gauge("damaged_files", "Parquet files ever found damaged.", lambda: len(self.ledger.damaged))
        gauge("writers", "Writers ever seen.", lambda: len(self.ledger.accounts))
        for name, text, read in self._storage.gauges():
            gauge(name, text, read)

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

    @property
    def reports(self) -> ReportFolder:
        """The reports of checks."""
        return self._storage.reports

    @property
    def references(self) -> ReferenceFolder:
        """The captured references."""
        return self._storage.references

    async def current_ledger(self) -> Ledger:
        """The ledger with all that other collectors of the same store have acknowledged up to now, too."""
        await self.committer.submit(Decoded())
        return self.ledger

    def start(self) -> None:
        """Begin to recover, then to serve, in the background."""
        self._tasks.append(asyncio.create_task(self._run()))

    async def stop(self) -> None:
        """Finish what is submitted, and leave everything durable."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        self._storage.release()

    async def _run(self) -> None:
        try:
            ledger = await asyncio.to_thread(self._storage.recover)
        except Exception as error:
            _logger.exception("recovery failed")
            self._fail(f"recovery of {self._storage.name} failed: {error}")
            return
        committer = Committer(
            ledger, self._storage.write, observe_seconds=self.metrics.commit_seconds.observe, fail=self._fail
        )
        commits = asyncio.create_task(committer.run())
        self._committer = committer
        await self._look_for_damage()
        _logger.info("ready: %d rows of %d writers", self.ledger.stored, len(self.ledger.accounts))
        consuming = asyncio.create_task(self._consume(committer))
        await self._compact_regularly()
        await consuming
        committer.close()
        await commits
        try:
            await asyncio.to_thread(self._storage.close, self.ledger.duplicates)
        except Exception:
            _logger.exception("the last state was not written; the next start goes on from the one before")

    async def _consume(self, committer: Committer) -> None:
        if self._kafka is None:
            return
        from driftmonitor_collector.consuming import Consumption  # loads the library, which few need

        try:
            await Consumption(self._kafka, committer.submit, self.metrics).run(self._stopping)
        except Exception as error:
            _logger.exception("records are not taken from the topic any more")
            self._fail(f"reading the topic {self._kafka.topic} failed: {error}")

    async def _compact_regularly(self) -> None:
        due = 0.0
        while not self._stopping.is_set():
            is_due = monotonic() >= due
            if is_due:
                due = monotonic() + self._config.compaction_seconds
            if is_due or self._storage.is_full_before_time():
                await self._compact_and_expire(prepare=is_due)
            try:
                await asyncio.wait_for(self._stopping.wait(), min(max(due - monotonic(), 0), _LOOK_SECONDS))
            except TimeoutError:
                continue

    async def _compact_and_expire(self, *, prepare: bool) -> None:
        try:
            if prepare:
                await asyncio.to_thread(self._storage.prepare_compaction)
            await self._compact()
        except DamagedSegmentError as error:
            self._fail(str(error))  # the next start sets the damage apart and counts what is left
        except Exception:
            _logger.exception("compaction failed; it is repeated")
            self.metrics.compaction_failures.inc()
        await self._expire()
        if prepare:
            await self._merge()
            await self._look_for_damage()

    async def _compact(self) -> None:
        while not self._stopping.is_set():
            begin = perf_counter()
            rows = await asyncio.to_thread(self._storage.compact_next, self.ledger.duplicates)
            if rows is None:
                return
            self.metrics.compacted_rows.inc(rows)
            self.metrics.compaction_seconds.observe(perf_counter() - begin)

    async def _merge(self) -> None:
        try:
            while not self._stopping.is_set() and await asyncio.to_thread(self._storage.merge_next):
                self.metrics.merged_hours.inc()
        except Exception:
            _logger.exception("small files were not all merged; it is tried again")

    async def _expire(self) -> None:
        try:
            expired = await asyncio.to_thread(self._storage.expire, datetime.now(UTC))
        except Exception:
            _logger.exception("what is past its retention was not all deleted; it is tried again")
            self.metrics.retention_failures.inc()
        else:
            self.metrics.expired_rows.inc(expired.rows)
            self.metrics.expired_files.inc(expired.files)

    def open_window(self, query: WindowQuery) -> "Rows":
        """The query's rows; call it in a thread, and close them.

        A file that is found damaged is set apart; `missing_rows`, called after this, tells of it.
        """
        for _ in range(_MOST_DAMAGED_FILES):
            try:
                return self._storage.open_window(query)
            except FileNotFoundError:
                continue  # set apart for another window
            except DamagedFileError as error:
                self._storage.set_apart(name_of(error.path))
        return self._storage.open_window(query)

    async def _look_for_damage(self) -> None:
        """Read some of the files again, and account for what lies apart, also if another collector put it there."""
        try:
            await asyncio.to_thread(self._storage.scrub)
            await self._account_for_damage()
        except Exception:
            _logger.exception("damaged files were not all looked for; it is tried again")

    async def _account_for_damage(self) -> None:
        """Let the ledger know of every file that lies apart; it counts none twice."""
        for found in await asyncio.to_thread(self._storage.set_apart_files):
            if found.file not in self.ledger.damaged:
                await self.committer.submit(found)

    async def missing_rows(self, start: datetime, end: datetime) -> int:
        """How many rows of the hours that touch [start, end) are missing because their files were damaged."""
        await self._account_for_damage()
        return self.ledger.damaged_rows(lambda name: touches(name, start, end))

    def labels(self) -> Iterator["pa.Table"]:
        """Every label; read them in a thread."""
        return self._storage.labels()

    async def damaged_label_files(self, start: datetime) -> int:
        """How many files of labels that came at `start` or later are damaged: rows may lack the labels in them."""
        return await asyncio.to_thread(self._storage.damaged_label_files, start)
