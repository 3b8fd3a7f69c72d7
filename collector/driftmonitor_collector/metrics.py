"""The collector's Prometheus metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from driftmonitor_collector.planning import Outcome

_PREFIX = "driftmonitor_collector_"
_COMMIT_BUCKETS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 5)
_COMPACTION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters since the start of the process; gauges are read when scraped."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double every series
        self.registry = CollectorRegistry()
        self.rows_stored = self._counter("rows_stored", "Rows stored.")
        self.labels_stored = self._counter("labels_stored", "Labels stored, those that came again included.")
        self.duplicates = self._counter("duplicates", "Rows dropped because they were stored already.")
        self.rejected = self._counter("rejected_lines", "Lines stored apart because they are no record.")
        self.received_bytes = self._counter(
            "received_bytes", "Bytes of bodies of records and labels, as they were sent."
        )
        self.refused = self._counter("refused_requests", "Requests refused because the volume is full or memory short.")
        self.compacted_rows = self._counter("compacted_rows", "Rows written to Parquet files.")
        self.compaction_failures = self._counter("compaction_failures", "Compactions that failed and are repeated.")
        self.merged_hours = self._counter("merged_hours", "Times that an hour's small Parquet files were made few.")
        self.expired_rows = self._counter("expired_rows", "Rows deleted because the retention has passed.")
        self.expired_files = self._counter("expired_files", "Reports and files of lines set apart deleted likewise.")
        self.retention_failures = self._counter("retention_failures", "Deletions that failed and are repeated.")
        self.commit_seconds = self._histogram("commit_seconds", "Time of a group commit, seconds.", _COMMIT_BUCKETS)
        self.compaction_seconds = self._histogram(
            "compaction_seconds", "Time of the compaction of a segment, seconds.", _COMPACTION_BUCKETS
        )

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(_PREFIX + name, text, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(_PREFIX + name, text, buckets=buckets, registry=self.registry)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a gauge with the value that `read` returns."""
        Gauge(_PREFIX + name, text, registry=self.registry).set_function(read)

    def count(self, outcome: Outcome) -> None:
        """Count what became of a submission."""
        self.rows_stored.inc(outcome.stored)
        self.duplicates.inc(outcome.duplicates)
        self.rejected.inc(outcome.rejected)
