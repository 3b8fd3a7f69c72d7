"""Prometheus metrics of the topic that records come from; they are there only where there is one."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

_PREFIX = "driftmonitor_collector_kafka_"


class KafkaMetrics:
    """Counters since the start of the process; gauges are read when scraped."""

    def __init__(
        self, registry: CollectorRegistry, connected: Callable[[], bool], lag: Callable[[], int | None]
    ) -> None:
        """`lag` gives None where it is not known."""
        self.messages = Counter(_PREFIX + "messages", "Messages taken and stored, or set apart.", registry=registry)
        self.of_others = Counter(
            _PREFIX + "other_messages", "Messages passed over: their key is not this monitor's.", registry=registry
        )
        self.failures = Counter(
            _PREFIX + "failures",
            "Times that messages could not be taken or stored, and were tried again.",
            registry=registry,
        )
        Gauge(_PREFIX + "connected", "Whether a broker answers: 1 or 0.", registry=registry).set_function(
            lambda: float(connected())
        )
        Gauge(
            _PREFIX + "lag_messages",
            "Messages of the topic that are not stored; NaN while not known.",
            registry=registry,
        ).set_function(lambda: float("nan") if (behind := lag()) is None else behind)
