import itertools
import os
import random
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from driftmonitor_inference import snapshots, tallies
from driftmonitor_inference.metrics import MAX_FEATURES, Metrics, Place, shown_features
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.recordlog import LogState
from driftmonitor_inference.rows import Rows
from driftmonitor_inference.signature import Column
from driftmonitor_inference.tallies import LATENCY_SECONDS, Distribution, Totals, WorkerState

MODEL = {"model": "flights", "model_version": "3"}


def _log(writer: str = "pod/0/S", written: int = 0, **values: int) -> LogState:
    known = {"bytes": 0, "stored_through": 0, "files": 1, "unconfirmed_writers": 0, "unconfirmed_rows": 0} | values
    return LogState(writer=writer, written=written, **known)


class Served:
    """The metrics of one worker, and what its log says."""

    def __init__(self, place: Place | None = None, recovered: dict[str, int] | None = None, start: str = "S") -> None:
        self.now = 0.0
        self.log = _log(f"pod/{place.worker if place else 0}/{start}")
        self.metrics = Metrics(
            "flights",
            "3",
            1000,
            lambda: self.log,
            features={0: "distance"},
            place=place,
            recovered=recovered,
            monotonic=lambda: self.now,
        )

    def predict(self, *distances: float, seconds: float = 0.001, score: float | None = 0.7) -> None:
        rows = Rows([(distance, "JFK") for distance in distances], [])
        self.metrics.predicted(rows, [RowPrediction(label="late", score=score) for _ in distances], seconds)
        self.log = _log(self.log.writer, self.log.written + len(distances))

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def feature(self, stat: str) -> float | None:
        return self.value("model_feature_value", feature="distance", stat=stat, **MODEL)


def test_a_distribution_counts_every_value_below_its_bound() -> None:
    values = [random.Random(1).choice(LATENCY_SECONDS) * factor for _ in range(500) for factor in (0.5, 1.0, 1.1)]
    distribution = Distribution.of(LATENCY_SECONDS)
    distribution.add(values[:700])
    distribution.add(values[700:])
    expected = [0] * (len(LATENCY_SECONDS) + 1)
    for value in values:
        expected[bisect_left(LATENCY_SECONDS, value)] += 1
    assert distribution.counts == expected
    assert distribution.total == pytest.approx(sum(values))


def test_requests_are_counted_with_their_rows_seconds_and_scores() -> None:
    served = Served()
    served.predict(1.0, 2.0, 6.0, seconds=0.003)
    served.predict(3.0, score=None)
    assert served.value("model_predictions_total", **MODEL) == 4
    assert served.value("model_input_size_count", **MODEL) == 2
    assert served.value("model_input_size_bucket", le="2.0", **MODEL) == 1
    assert served.value("model_input_size_bucket", le="5.0", **MODEL) == 2
    assert served.value("model_prediction_latency_seconds_sum", **MODEL) == pytest.approx(0.004)
    assert served.value("model_prediction_latency_seconds_bucket", le="0.001", **MODEL) == 1
    assert served.value("model_prediction_score_count", **MODEL) == 3
    assert served.value("model_prediction_score_bucket", le="0.6", **MODEL) == 0
    assert served.value("model_prediction_score_bucket", le="0.7", **MODEL) == 3
    assert (served.feature("min"), served.feature("mean"), served.feature("max")) == (1.0, 3.0, 6.0)


def test_what_is_counted_by_hand_is_shown() -> None:
    served = Served()
    metrics = served.metrics
    metrics.in_flight.inc()
    metrics.errors.labels(422).inc()
    metrics.refused_rows.labels("full").inc(3)
    metrics.lost.inc(2)
    metrics.unsampled.inc(5)
    metrics.outliers(4)
    metrics.batch(7)
    served.log = _log(written=9, bytes=700, stored_through=4, files=2, unconfirmed_writers=1, unconfirmed_rows=5)
    served.log = replace(served.log, sent_again=4, given_up=3)
    assert served.value("model_requests_in_flight") == 1
    assert served.value("model_request_errors_total", status="422") == 1
    assert served.value("prediction_log_refused_rows_total", reason="full") == 3
    assert served.value("prediction_log_refused_rows_total", reason="failed") == 0
    assert served.value("model_records_lost_total", **MODEL) == 2
    assert served.value("prediction_log_sent_again_rows_total") == 4
    assert served.value("prediction_log_given_up_rows_total") == 3
    assert served.value("model_records_unsampled_total", **MODEL) == 5
    assert served.value("model_outliers_total", **MODEL) == 4
    assert served.value("model_batch_size_sum", **MODEL) == 7
    assert served.value("prediction_log_written_rows_total") == 7, "9 seqs, of which 2 were given to lost rows"
    assert served.value("prediction_log_writer_written_rows_total", writer="pod/0/S") == 7
    assert served.value("prediction_log_writer_lost_rows_total", writer="pod/0/S") == 2
    assert served.value("prediction_log_stored_through") == 4
    assert served.value("prediction_log_unconfirmed_rows") == 5
    assert served.value("prediction_log_bytes") == 700
    assert served.value("prediction_log_limit_bytes") == 1000
    assert served.value("prediction_log_files") == 2
    assert served.value("prediction_log_unconfirmed_writers") == 1
    metrics.in_flight.dec()
    assert served.value("model_requests_in_flight") == 0


def test_values_of_features_are_forgotten_after_a_minute() -> None:
    served = Served()
    served.predict(100.0)
    served.metrics.flush()
    served.now = 31.0
    served.predict(1.0)
    assert served.feature("max") == 100.0
    served.now = 62.0
    served.predict(2.0)
    assert (served.feature("max"), served.feature("min")) == (2.0, 1.0)
    served.now = 200.0
    assert served.feature("max") is None, "without rows there is no value"


def test_waiting_rows_are_counted_before_they_are_many() -> None:
    served = Served()
    for _ in range(60):
        served.predict(*map(float, range(10)))
    assert len(served.metrics._waiting) < 60
    assert served.value("model_predictions_total", **MODEL) == 600


def test_the_features_of_no_more_than_a_thousand_rows_a_second_are_looked_at() -> None:
    served = Served()
    for distance in (1.0, 2.0, 3.0):
        served.predict(*[distance] * 500)
    assert served.feature("max") == 2.0
    served.predict(4.0)
    assert served.feature("max") == 4.0, "the scrape began another second"
    assert served.value("model_predictions_total", **MODEL) == 1501


def test_numbers_of_any_size_are_shown() -> None:
    served = Served()
    served.predict(1.7e308, 1.7e308, -(2.0**63))
    assert served.feature("mean") == float("inf")
    assert served.feature("max") == 1.7e308


def test_numbers_alone_are_shown_and_none_that_is_redacted() -> None:
    def column(name: str, kind: str = "Numerical", element: str = "float32") -> Column:
        return Column(name, kind, element, "input", 2)  # type: ignore[arg-type]

    columns = [column("a"), column("b", "Categorical", "string"), column("c"), column("d", "Categorical", "int64")]
    assert shown_features(columns, []) == {0: "a", 2: "c"}
    assert shown_features(columns, ["a"]) == {2: "c"}
    assert len(shown_features([column(str(number)) for number in range(99)], [])) == MAX_FEATURES


def test_workers_show_the_sum_of_all(tmp_path: Path) -> None:
    first, second = (Served(Place(number, 2, tmp_path)) for number in range(2))
    first.predict(1.0, 5.0)
    second.predict(3.0, 9.0, 0.0)
    second.metrics.in_flight.inc()
    second.metrics.errors.labels(503).inc()
    first.metrics.errors.labels(503).inc()
    second.metrics.flush()
    assert first.value("model_predictions_total", **MODEL) == 5
    assert first.value("model_request_errors_total", status="503") == 2
    assert first.value("model_requests_in_flight") == 1
    assert (first.feature("min"), first.feature("mean"), first.feature("max")) == (0.0, 3.6, 9.0)
    assert first.value("prediction_log_writer_served_rows_total", writer="pod/1/S") == 3
    assert first.value("model_server_workers") == 2
    assert first.value("process_resident_memory_bytes", worker="1") == pytest.approx(
        first.value("process_resident_memory_bytes", worker="0"), rel=0.1
    )


def test_no_scrape_shows_less_than_the_one_before_whichever_worker_answers(tmp_path: Path) -> None:
    workers = [Served(Place(number, 2, tmp_path)) for number in range(2)]
    seen = 0.0
    for answering, serving in itertools.product(workers * 3, workers):
        serving.predict(1.0)
        rows = answering.value("model_predictions_total", **MODEL) or 0.0
        assert rows >= seen
        seen = rows
    assert seen > 0


def test_a_new_start_goes_on_where_the_one_before_ended(tmp_path: Path) -> None:
    place = Place(1, 2, tmp_path)
    first = Served(place, start="A")
    first.predict(1.0, 2.0)
    first.metrics.lost.inc(1)
    first.log = _log("pod/1/A", 3)
    first.metrics.flush()
    second = Served(place, {"pod/1/A": 8}, start="B")
    assert second.value("model_predictions_total", **MODEL) == 2
    assert second.value("prediction_log_written_rows_total") == 7, "as the log shows: 8 seqs, one of them lost"
    assert second.value("prediction_log_writer_served_rows_total", writer="pod/1/B") == 0
    assert second.value("prediction_log_writer_served_rows_total", writer="pod/1/A") is None
    assert second.value("model_server_worker_restarts_total") == 1
    second.predict(4.0)
    third = Served(place, {}, start="C")
    assert third.value("model_predictions_total", **MODEL) == 2, "what was not yet shown is not known"
    second.metrics.flush()
    assert Served(place, {}, start="D").value("model_predictions_total", **MODEL) == 3


def test_a_worker_that_is_gone_has_no_requests_in_flight_and_no_process(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    gone = WorkerState(
        1, "pod/1/S", process.pid, 1e12, _log(bytes=50), Totals(), Totals(starts=1, served=4), in_flight=3
    )
    snapshots.write(tmp_path, gone)
    served = Served(Place(0, 2, tmp_path))
    assert served.value("model_requests_in_flight") == 0
    assert served.value("model_server_workers") == 1
    assert served.value("process_open_fds", worker="1") is None
    assert served.value("model_predictions_total", **MODEL) == 4
    assert served.value("prediction_log_bytes") == 50, "its files are still there"


def test_a_torn_or_missing_file_and_a_full_disk_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "metrics.1.msgpack").write_bytes(b"torn")
    served = Served(Place(0, 3, tmp_path))
    served.predict(1.0)
    assert served.value("model_predictions_total", **MODEL) == 1
    away = Served(Place(0, 2, tmp_path / "absent"))
    away.predict(1.0)
    assert away.value("model_predictions_total", **MODEL) == 1


def test_totals_add_up_in_every_field() -> None:
    one = Totals(**dict.fromkeys(("starts", "served", "unsampled", "lost", "written", "outliers"), 1))  # type: ignore[arg-type]
    one.sent_again = one.given_up = 1
    one.dropped_lines, one.errors, one.refused = 1, {"503": 1}, {"full": 1}
    for distribution in (one.latency, one.input_size, one.batch_size, one.score):
        distribution.add([0.5])
    state = WorkerState(0, "w", os.getpid(), 0.0, _log(), one, one)
    added = tallies.totals([state, state])
    for name in Totals.__struct_fields__:
        value, single = getattr(added, name), getattr(one, name)
        if isinstance(single, Distribution):
            assert value.counts == [4 * count for count in single.counts], name
            assert value.total == 4 * single.total, name
        elif isinstance(single, dict):
            assert value == dict.fromkeys(single, 4), name
        else:
            assert value == 4, name


def test_counting_a_request_costs_no_more_than_a_few_appends() -> None:
    """Compared with work of the same interpreter, so that a slow machine does not matter."""
    import timeit

    served = Served()
    rows, predictions = Rows([(0.5, "JFK")], []), [RowPrediction(label="late", score=0.7)]

    def best(work: Callable[[], object]) -> float:
        return min(timeit.repeat(work, number=5000, repeat=7))

    counted = best(lambda: served.metrics.predicted(rows, predictions, 0.001))
    yardstick = best(lambda: [number * number for number in range(50)])
    assert counted < 3 * yardstick
