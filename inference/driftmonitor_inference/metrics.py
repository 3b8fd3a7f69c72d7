"""What `/metrics` shows, in a registry of its own."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from driftmonitor_inference.recordlog import LogState

_LATENCY_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_SIZE_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


class Metrics:
    """The metrics of one server."""

    def __init__(self, model: str, version: str, log_limit: int, log_state: Callable[[], LogState]) -> None:
        """`log_state` is asked at each scrape."""
        self.registry = CollectorRegistry()
        names, values = ("model", "model_version"), (model, version)
        self.predictions = Counter(
            "model_predictions", "Rows predicted and answered", names, registry=self.registry
        ).labels(*values)
        self.latency = Histogram(
            "model_prediction_latency_seconds",
            "Time from the decoded request to its predictions",
            names,
            registry=self.registry,
            buckets=_LATENCY_BUCKETS,
        ).labels(*values)
        self.input_size = Histogram(
            "model_input_size", "Rows in a request", names, registry=self.registry, buckets=_SIZE_BUCKETS
        ).labels(*values)
        self.in_flight = Gauge("model_requests_in_flight", "Requests being served", registry=self.registry)
        self.errors = Counter(
            "model_request_errors",
            "Requests to /predict not served, by HTTP status",
            ["status"],
            registry=self.registry,
        )
        self.lost = Counter(
            "model_records_lost",
            "Rows answered and not logged, since the log was full or failed, as whenFull asks",
            names,
            registry=self.registry,
        ).labels(*values)
        self.unsampled = Counter(
            "model_records_unsampled",
            "Rows answered and not logged, as samplingPercent asks",
            names,
            registry=self.registry,
        ).labels(*values)
        self.refused_rows = Counter(
            "prediction_log_refused_rows",
            "Rows predicted but neither logged nor answered, since the log was full or failed",
            ["reason"],
            registry=self.registry,
        )
        for reason in ("full", "failed"):
            self.refused_rows.labels(reason)
        self.registry.register(_LogCollector(log_limit, log_state))
        ProcessCollector(registry=self.registry)

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)


class _LogCollector(Collector):
    """The counters that the prediction log keeps itself."""

    def __init__(self, limit: int, state: Callable[[], LogState]) -> None:
        self._limit = limit
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state()
        written = CounterMetricFamily("prediction_log_written_rows", "Rows written by this start: its highest seq")
        written.add_metric([], state.written)
        yield written
        stored = "Highest seq of this start up to which the collector has stored every row"
        yield GaugeMetricFamily("prediction_log_stored_through", stored, state.stored_through)
        yield GaugeMetricFamily("prediction_log_bytes", "Size of the log files", state.bytes)
        yield GaugeMetricFamily("prediction_log_limit_bytes", "Size at which predictions are refused", self._limit)
        yield GaugeMetricFamily("prediction_log_files", "Number of log files", state.files)
        unconfirmed = "Process starts of this pod with rows that the collector has not stored"
        yield GaugeMetricFamily("prediction_log_unconfirmed_writers", unconfirmed, state.unconfirmed_writers)
