"""Pure: the metrics of all workers as Prometheus has them: names, meanings, labels."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from driftmonitor_inference.tallies import Distribution, WorkerState, merged, totals

_WINDOW_SECONDS = 90.0  # values of a worker that is gone are no longer those of the last minute
REFUSALS = ("full", "failed")


def families(
    model: str, version: str, limit: int, states: Sequence[WorkerState], *, live: Sequence[int], now: float
) -> Iterator[Metric]:
    """Everything but what the kernel knows of the processes.

    `limit` is that of all workers' logs in bytes, `live` the workers that run, `now` is in seconds since the epoch.
    """
    total = totals(states)
    names, values = ("model", "model_version"), (model, version)

    def counter(name: str, meaning: str, count: float) -> Metric:
        family = CounterMetricFamily(name, meaning, labels=names)
        family.add_metric(values, count)
        return family

    def histogram(name: str, meaning: str, distribution: Distribution) -> Metric:
        family = HistogramMetricFamily(name, meaning, labels=names)
        family.add_metric(values, _cumulative(distribution), distribution.total)
        return family

    yield counter("model_predictions", "Rows predicted and answered", total.served)
    yield histogram(
        "model_prediction_latency_seconds", "Time from the decoded request to its predictions", total.latency
    )
    yield histogram("model_input_size", "Rows in a request", total.input_size)
    yield histogram("model_batch_size", "Rows in one call of the model", total.batch_size)
    yield histogram("model_prediction_score", "Score of the label predicted, of each row", total.score)
    yield counter("model_outliers", "Rows that the outlier model flagged", total.outliers)
    yield _features(names, values, states, now)
    running = [state for state in states if state.worker in live]
    yield GaugeMetricFamily(
        "model_requests_in_flight", "Requests being served", sum(state.in_flight for state in running)
    )
    yield _by_label("model_request_errors", "Requests not served, by HTTP status", "status", total.errors)
    lost = "Rows answered and not logged, since the log was full or failed, as whenFull asks"
    yield counter("model_records_lost", lost, total.lost)
    unsampled = "Rows answered and not logged, as samplingPercent asks"
    yield counter("model_records_unsampled", unsampled, total.unsampled)
    refused = "Rows predicted but neither logged nor answered, since the log was full or failed"
    reasons = dict.fromkeys(REFUSALS, 0) | total.refused
    yield _by_label("prediction_log_refused_rows", refused, "reason", reasons)
    yield CounterMetricFamily("prediction_log_written_rows", "Rows written to the log", total.written)
    again = "Rows written to the log once more, since they had not arrived at the collector; each time counts"
    yield CounterMetricFamily("prediction_log_sent_again_rows", again, total.sent_again)
    given_up = "Rows that were logged and never arrived, however often they were sent: lost for good"
    yield CounterMetricFamily("prediction_log_given_up_rows", given_up, total.given_up)
    yield from _log(states, limit)
    yield from _writers(states)
    yield GaugeMetricFamily("model_server_workers", "Worker processes that serve", len(running))
    restarts = total.starts - len(states)
    yield CounterMetricFamily("model_server_worker_restarts", "Workers started in the place of one that died", restarts)
    dropped = "Lines of the server's own log that were dropped, since they were not read fast enough"
    yield CounterMetricFamily("model_server_log_dropped_lines", dropped, total.dropped_lines)


def processes(workers: Iterable[tuple[int, Iterable[Metric]]]) -> Iterator[Metric]:
    """What the kernel knows of each worker's process, with the worker as a label."""
    found: dict[str, Metric] = {}
    for worker, metrics in workers:
        for metric in metrics:
            family = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            for sample in metric.samples:
                family.add_sample(sample.name, {"worker": str(worker)}, sample.value)
    yield from found.values()


def _features(
    names: tuple[str, ...], values: tuple[str, ...], states: Sequence[WorkerState], now: float
) -> GaugeMetricFamily:
    meaning = "Values of a numerical feature over about the last minute, of the first 1000 rows of each second"
    family = GaugeMetricFamily("model_feature_value", meaning, labels=(*names, "feature", "stat"))
    recent = merged(state.features for state in states if now - state.time < _WINDOW_SECONDS)
    for name, feature in recent.items():
        for stat, value in (("mean", feature.total / feature.rows), ("min", feature.least), ("max", feature.most)):
            family.add_metric((*values, name, stat), value)
    return family


def _by_label(name: str, meaning: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=(label,))
    for value, count in sorted(counts.items()):
        family.add_metric((value,), count)
    return family


def _log(states: Sequence[WorkerState], limit: int) -> Iterator[Metric]:
    logs = [state.log for state in states]
    stored = (
        "Sum over the workers of the highest seq up to which the collector has stored every row of their last start"
    )
    yield GaugeMetricFamily("prediction_log_stored_through", stored, sum(log.stored_through for log in logs))
    unconfirmed = "Rows written that the collector has not confirmed: the queue of the shipper"
    yield GaugeMetricFamily("prediction_log_unconfirmed_rows", unconfirmed, sum(log.unconfirmed_rows for log in logs))
    yield GaugeMetricFamily("prediction_log_bytes", "Size of the log files", sum(log.bytes for log in logs))
    full = "Size at which predictions are refused, or served and not logged; each worker has an equal share"
    yield GaugeMetricFamily("prediction_log_limit_bytes", full, limit)
    yield GaugeMetricFamily("prediction_log_files", "Number of log files", sum(log.files for log in logs))
    writers = "Process starts of this pod with rows that the collector has not stored"
    yield GaugeMetricFamily("prediction_log_unconfirmed_writers", writers, sum(log.unconfirmed_writers for log in logs))


def _writers(states: Sequence[WorkerState]) -> Iterator[Metric]:
    for name, meaning in (
        ("served", "Rows answered by the present start of a worker"),
        ("written", "Rows logged by the present start of a worker; with the lost ones, its highest seq"),
        ("lost", "Rows answered and not logged by the present start of a worker, as whenFull asks"),
    ):
        family = CounterMetricFamily(f"prediction_log_writer_{name}_rows", meaning, labels=("writer",))
        for state in states:
            family.add_metric((state.writer,), getattr(state.current, name))
        yield family


def _cumulative(distribution: Distribution) -> list[tuple[str, float]]:
    buckets, count = [], 0
    for bound, more in zip(
        (*(str(float(bound)) for bound in distribution.bounds), "+Inf"), distribution.counts, strict=True
    ):
        count += more
        buckets.append((bound, float(count)))
    return buckets
