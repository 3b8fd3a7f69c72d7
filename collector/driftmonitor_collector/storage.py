"""What the collector asks of the place where it stores: a volume of its own, or an object store shared with others."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from driftmonitor_collector.frames import DamagedFile
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import Plan, Submission
from driftmonitor_collector.retention import Expired
from driftmonitor_collector.windows import WindowQuery

if TYPE_CHECKING:
    import pyarrow as pa

    from driftmonitor_collector.reading import Rows


class ReportFolder(Protocol):
    """Where the reports of checks lie."""

    def put(self, name: str, content: bytes) -> None:
        """Store a report, or replace it, and delete the oldest beyond the number kept."""

    def get(self, name: str) -> bytes | None:
        """The report's content; None if there is no such report."""

    def newest_first(self) -> list[dict[str, Any]]:
        """Name, size in bytes and time of each report, newest first."""


class ReferenceFolder(Protocol):
    """Where captured references lie, which never change."""

    def create(self, name: str, content: bytes) -> bool:
        """Store what must not be there yet; False, and nothing has changed, if it is."""

    def get(self, name: str) -> bytes | None:
        """Its content; None if it is not there."""

    def newest_first(self) -> list[dict[str, Any]]:
        """Name, size in bytes and time of each, newest first."""


class Storage(Protocol):
    """All but the gauges is called in threads; one thread at a time writes, one at a time compacts and expires."""

    name: str
    """Where it lies, for messages."""

    @property
    def reports(self) -> ReportFolder:
        """The reports of checks."""

    @property
    def references(self) -> ReferenceFolder:
        """The captured references."""

    def recover(self) -> Ledger:
        """What is stored; to be called once, before everything else."""

    def write(self, ledger: Ledger, submissions: Sequence[Submission]) -> Plan:
        """The plan for them, once it is on stable storage; its change has what others stored meanwhile, too.

        Nothing is stored when there is no room (DiskFullError); it may be, and is found out when the submissions come
        again, when the store is away (StoreUnavailableError). After any other error the storage cannot be used.
        """

    def prepare_compaction(self) -> None:
        """Let what was written so far be compacted."""

    def is_full_before_time(self) -> bool:
        """Whether something is to be compacted that was not prepared."""

    def compact_next(self, duplicates: int) -> int | None:
        """Compact one piece; its number of rows, None when there is none left. `duplicates` are remembered along."""

    def merge_next(self) -> bool:
        """Make few files of many small ones, one piece; False when there is nothing left."""

    def expire(self, now: datetime) -> Expired:
        """Delete what has passed its retention."""

    def close(self, duplicates: int) -> None:
        """Leave everything durable."""

    def release(self) -> None:
        """Let others have it."""

    def open_window(self, query: WindowQuery) -> "Rows":
        """The query's rows, to be closed; ParameterError for a column that there is not."""

    def set_apart(self, name: str) -> bool:
        """Move a Parquet file, by its name below `records/`, to where nobody reads it, if it is indeed damaged."""

    def scrub(self) -> None:
        """Read some of the Parquet files, the next ones at each call, and set apart those that are damaged."""

    def set_apart_files(self) -> Sequence[DamagedFile]:
        """Every file that was set apart."""

    def labels(self) -> Iterator["pa.Table"]:
        """Every label, as tables of label_tables.SCHEMA in any order; one may come several times. A damaged file is
        set apart, and the others are read."""

    def damaged_label_files(self, start: datetime) -> int:
        """How many files of labels that came at `start` or later were set apart."""

    def gauges(self) -> Iterator[tuple[str, str, Callable[[], float]]]:
        """Name, meaning and value of what it measures of itself."""
