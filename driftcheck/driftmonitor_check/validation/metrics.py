"""The validation service's Prometheus metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from driftmonitor_check.validation.messages import Answer
from driftmonitor_check.validation.workforce import Workforce

_PREFIX = "driftmonitor_validation_"
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters since the start of the process; gauges are read when scraped."""

    def __init__(self, workforce: Workforce) -> None:
        """Of this worker."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double every series
        self.registry = CollectorRegistry()
        self._requests = Counter(
            f"{_PREFIX}requests", "Requests by the HTTP status answered.", ["status"], registry=self.registry
        )
        self._verdicts = Counter(f"{_PREFIX}verdicts", "Answers by verdict.", ["verdict"], registry=self.registry)
        self._rows = Counter(f"{_PREFIX}rows", "Rows that were judged.", registry=self.registry)
        self.seconds = Histogram(
            f"{_PREFIX}seconds", "Time from a whole body to its answer.", buckets=_BUCKETS, registry=self.registry
        )
        self.in_hand = Gauge(f"{_PREFIX}requests_in_hand", "Requests computed or waiting.", registry=self.registry)
        self._gauge("reference_rows", "Rows of the reference held; 0 where none is.", lambda: workforce.rows)
        self._gauge(
            "reference_failing",
            "1 where it is not there, or could not be read when last tried.",
            lambda: workforce.failing,
        )
        self._gauge("worker_restarts", "Workers that ended unasked.", lambda: workforce.restarts)

    def _gauge(self, name: str, text: str, read: object) -> None:
        Gauge(_PREFIX + name, text, registry=self.registry).set_function(read)  # type: ignore[arg-type]

    def count(self, answer: Answer) -> None:
        """Count an answer."""
        self._requests.labels(str(answer.status)).inc()
        if answer.verdict:
            self._verdicts.labels(answer.verdict).inc()
            self._rows.inc(answer.rows)

    def exposition(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
