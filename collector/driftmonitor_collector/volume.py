"""A volume of its own as storage: write-ahead log, Parquet files, state and reports in one data directory."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from driftmonitor_collector.config import Config
from driftmonitor_collector.frames import DamagedFile
from driftmonitor_collector.identities import Identities
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.merging import Merging
from driftmonitor_collector.planning import Plan, Submission, plan
from driftmonitor_collector.recovery import recover
from driftmonitor_collector.retention import Expired, expire, stored_bytes
from driftmonitor_collector.scrubbing import Scrubbing
from driftmonitor_collector.store import damage, files, partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.log import Log
from driftmonitor_collector.store.references import References
from driftmonitor_collector.store.reports import Reports
from driftmonitor_collector.store.state import Checkpoint
from driftmonitor_collector.store.sums import DamagedFileError
from driftmonitor_collector.windows import WindowQuery

# pyarrow takes longer to load than everything else together: only what reads or writes Parquet loads it.
if TYPE_CHECKING:
    import pyarrow as pa

    from driftmonitor_collector.reading import Rows


SCRUB_BYTES = 64 << 20
"""So much is read between two compactions to find damage that no window has met: at 300 s, 18 GiB a day."""


class VolumeStorage:
    """One data directory. Ledger and log are this process's alone."""

    def __init__(self, config: Config) -> None:
        """Claims the directory (UnusableDirectoryError)."""
        self._config = config
        self._layout = Layout(config.data_dir)
        self._claim = self._layout.claim()
        self._log = Log(self._layout.log, reserve_bytes=config.reserve_bytes)
        self._checkpoint: Checkpoint
        self._identities = Identities()
        self._merging = Merging(self._layout)
        self._scrubbing = Scrubbing(self._layout)
        # Of this start alone, so that it never gives a number twice.
        self._foreign_writer = f"foreign/{secrets.token_hex(8)}"
        self.name = str(self._layout.root)
        self.reports = Reports(self._layout.reports)
        self.references = References(self._layout.references)

    def recover(self) -> Ledger:
        """Load or make the state, and replay the log."""
        recovered = recover(self._layout, self._log)
        self._checkpoint, self._identities = recovered.checkpoint, recovered.identities
        return recovered.ledger

    def write(self, ledger: Ledger, submissions: Sequence[Submission]) -> Plan:
        """Append to the log what is new in them."""
        made = plan(ledger, submissions, identities=self._identities, foreign_writer=self._foreign_writer)
        if made.data:
            self._log.append(made.data)
            self._identities.add_all(made.identities)
        self._checkpoint.count_duplicates(made.change)
        return made

    def prepare_compaction(self) -> None:
        """Seal the log's active segment."""
        self._log.seal()

    def is_full_before_time(self) -> bool:
        """Whether the log began another segment."""
        return bool(self._log.sealed())

    def compact_next(self, duplicates: int) -> int | None:
        """Compact the oldest sealed segment."""
        segments = self._log.sealed()
        if not segments:
            return None
        from driftmonitor_collector.compaction import compact
        from driftmonitor_collector.memory import give_back

        try:
            return compact(self._layout, self._log, self._checkpoint, segments[0], duplicates=duplicates)
        finally:
            give_back()

    def merge_next(self) -> bool:
        """Merge the small files of one hour, except the newest."""
        try:
            if not self._merging.step(self._checkpoint.compacted_through):
                return False
        except DamagedFileError as error:
            return self.set_apart(damage.name_of(error.path))
        from driftmonitor_collector.memory import give_back

        give_back()
        return True

    def expire(self, now: datetime) -> Expired:
        """Delete hours, reports and lines set apart that have passed the retention."""
        config = self._config
        return expire(
            self._layout, self.reports, self._checkpoint, now, config.retention, retention_bytes=config.retention_bytes
        )

    def close(self, duplicates: int) -> None:
        """Close the log and write the state."""
        self._log.close()
        self._checkpoint.save(duplicates=duplicates)

    def release(self) -> None:
        """Give the directory back."""
        os.close(self._claim)

    def open_window(self, query: WindowQuery) -> "Rows":
        """The query's rows, from files and log."""
        from driftmonitor_collector.reading import open_window

        return open_window(self._layout, self._log, query)

    def set_apart(self, name: str) -> bool:
        """Move a damaged Parquet file to `damaged/`."""
        if partitions.segment_of(Path(name)) > self._checkpoint.compacted_through:
            return False  # the log still has its rows
        return damage.set_apart(self._layout, name)

    def scrub(self) -> None:
        """Read the next files, SCRUB_BYTES of them."""
        for path in self._scrubbing.suspects(SCRUB_BYTES):
            self.set_apart(damage.name_of(path))

    def set_apart_files(self) -> Sequence[DamagedFile]:
        """Those in `damaged/`."""
        return list(damage.set_apart_files(self._layout))

    def labels(self) -> Iterator["pa.Table"]:
        """Those in files and log."""
        from driftmonitor_collector.store import label_files

        return label_files.read_all(
            self._layout.labels, self._log, lambda path: damage.labels_again(self._layout, path)
        )

    def damaged_label_files(self, start: datetime) -> int:
        """Of those in `damaged/`."""
        return damage.labels_since((path.name for path in self._layout.damaged.glob("[!.]*.parquet")), start)

    def gauges(self) -> Iterator[tuple[str, str, Callable[[], float]]]:
        """Of log and volume."""
        yield "log_segments", "Segments of the log not yet compacted.", lambda: len(self._log.segments())
        yield "log_bytes", "Bytes of those.", lambda: sum(segment.length for segment in self._log.segments())
        yield "damaged_bytes", "Bytes of the log found damaged at the start.", lambda: self._log.damaged_bytes
        yield "stored_bytes", "Bytes of stored records and labels.", lambda: stored_bytes(self._layout)
        yield "disk_free_bytes", "Bytes free on the volume.", lambda: files.free_bytes(self._layout.root)
