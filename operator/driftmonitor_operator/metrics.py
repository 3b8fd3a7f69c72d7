"""The operator's own metrics, in Prometheus' format."""

import asyncio
from collections.abc import Callable, Mapping

from prometheus_client import Counter, Gauge, Histogram

RECONCILE_SECONDS = Histogram(
    "driftmonitor_operator_reconcile_duration_seconds", "Duration of one reconcile of one DriftMonitor."
)
RECONCILE_ERRORS = Counter(
    "driftmonitor_operator_reconcile_errors_total",
    "Reconciles that failed and are tried again, by kind of error.",
    ["error"],
)
QUEUE_DEPTH = Gauge("driftmonitor_operator_queue_depth", "DriftMonitors that wait for a worker.")
QUEUE_DELAYED = Gauge("driftmonitor_operator_queue_delayed", "DriftMonitors that are looked at again after a delay.")
RESYNC_TIMESTAMP = Gauge(
    "driftmonitor_operator_last_resync_timestamp_seconds", "When everything was last listed, Unix time in seconds."
)
LEADER = Gauge("driftmonitor_operator_leader", "1 where this process works, 0 where it stands by.")
TASKS = Gauge("driftmonitor_operator_asyncio_tasks", "Tasks of the process that are not done.")
MONITORS = Gauge("driftmonitor_operator_monitors", "DriftMonitors by what status.drift says.", ["drift"])
DRIFT_WORDS = ("Unknown", "Stable", "Warning", "Drifted")


def measure_monitors(counts: Callable[[], Mapping[str, int]]) -> None:
    """Have the monitors counted at each scrape."""
    for word in DRIFT_WORDS:
        MONITORS.labels(drift=word).set_function(lambda word=word: counts().get(word, 0))  # type: ignore[misc]


def measure_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Have the event loop's tasks counted at each scrape."""
    TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
