"""What `/metrics` shows. A request leaves references to what it has seen; they are counted later, many at a time."""

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from driftmonitor_inference import exposition, snapshots, tallies
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.recordlog import LogState
from driftmonitor_inference.rows import Rows
from driftmonitor_inference.signature import Column
from driftmonitor_inference.tallies import Totals, Values, WorkerState

MAX_FEATURES = 50
"""Most features whose values are shown."""
_ROWS_AT_ONCE = 100  # more would hold up the requests behind them for a millisecond or two
_VALUES_PER_SECOND = 1000  # rows whose features are looked at: with all rows it would cost as much as to predict them
_WINDOW_SECONDS = 30.0


class Count:
    """A number, for one thread."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, number: int = 1) -> None:
        """Add."""
        self.value += number

    def dec(self, number: int = 1) -> None:
        """Take away."""
        self.value -= number


class Counts:
    """One number for each value of a label."""

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}

    def labels(self, value: object) -> Count:
        """The number of this value."""
        return self._counts.setdefault(str(value), Count())

    def values(self) -> dict[str, int]:
        """All of them."""
        return {label: count.value for label, count in self._counts.items()}


@dataclass(frozen=True)
class Place:
    """Where a worker stands among those of its pod."""

    worker: int = 0
    workers: int = 1
    directory: Path | None = None
    """Folder that the workers show one another their metrics in; None for a server of one process."""


def shown_features(columns: Sequence[Column], redacted: Sequence[str]) -> dict[int, str]:
    """Place and name of each feature whose values are shown: numbers alone, and none that records must not show."""
    numbers = {
        place: column.name
        for place, column in enumerate(columns)
        if column.type == "Numerical" and column.element_type != "string" and column.name not in redacted
    }
    return dict(list(numbers.items())[:MAX_FEATURES])


class Metrics:
    """The metrics of one worker, and what it knows of the others. For one thread, that of the event loop."""

    def __init__(
        self,
        model: str,
        version: str,
        log_limit: int,
        log_state: Callable[[], LogState],
        *,
        features: Mapping[int, str] | None = None,
        place: Place | None = None,
        recovered: Mapping[str, int] | None = None,
        dropped_lines: Callable[[], int] = lambda: 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`log_limit` is that of all workers in bytes. `features` are those whose values are shown, by their place in
        a row. `recovered` is the highest seq of each writer before this one, as the log shows it. `log_state` and
        `dropped_lines` are asked at each flush."""
        self.in_flight = Count()
        self.errors = Counts()
        self.lost = Count()
        self.unsampled = Count()
        self.refused_rows = Counts()
        self.registry = CollectorRegistry()
        self._model, self._version, self._log_limit, self._log_state = model, version, log_limit, log_state
        self._features = dict(features or {})
        self._place = place or Place()
        self._dropped_lines = dropped_lines
        self._monotonic = monotonic
        self._waiting: list[tuple[Sequence[Sequence[Any]], Sequence[RowPrediction], float]] = []
        self._waiting_rows = 0
        self._batches: list[int] = []
        self._outliers = 0
        self._values_left = _VALUES_PER_SECOND
        self._totals = Totals(starts=1)
        self._window_began = monotonic()
        self._windows: tuple[dict[str, Values], dict[str, Values]] = ({}, {})
        directory, worker = self._place.directory, self._place.worker
        last = snapshots.read(directory, worker) if directory is not None else None
        self._earlier = tallies.before(last, recovered or {})
        self.registry.register(_Collector(self._collect))

    def predicted(self, rows: Rows, predictions: Sequence[RowPrediction], seconds: float) -> None:
        """Count an answered request."""
        self._waiting.append((rows.values, predictions, seconds))
        self._waiting_rows += len(predictions)
        if self._waiting_rows >= _ROWS_AT_ONCE:
            self._count()

    def batch(self, rows: int) -> None:
        """Count one call of the model."""
        self._batches.append(rows)

    def outliers(self, rows: int) -> None:
        """Count rows that the outlier model flagged."""
        self._outliers += rows

    def flush(self) -> None:
        """Count what waits, and show it to the other workers. To be called every second."""
        self._count()
        self._values_left = _VALUES_PER_SECOND
        if self._place.directory is not None:
            snapshots.write(self._place.directory, self._state())

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)

    def _count(self) -> None:
        waiting, self._waiting, self._waiting_rows = self._waiting, [], 0
        batches, self._batches = self._batches, []
        counted = self._totals
        sizes = [len(predictions) for _, predictions, _ in waiting]
        counted.served += sum(sizes)
        counted.input_size.add(sizes)
        counted.batch_size.add(batches)
        counted.latency.add([seconds for _, _, seconds in waiting])
        counted.score.add([row.score for _, predictions, _ in waiting for row in predictions if row.score is not None])
        self._slide()
        if self._features and self._values_left > 0:
            rows = list(
                itertools.islice(itertools.chain.from_iterable(rows for rows, _, _ in waiting), self._values_left)
            )
            self._values_left -= len(rows)
            values = tallies.values_of(self._features, rows)
            self._windows = (tallies.merged((self._windows[0], values)), self._windows[1])

    def _slide(self) -> None:
        """Forget the values of more than two windows ago."""
        now = self._monotonic()
        passed = (now - self._window_began) // _WINDOW_SECONDS
        if passed >= 1:
            self._windows = ({}, self._windows[0] if passed < 2 else {})
            self._window_began = now

    def _state(self) -> WorkerState:
        log, counted = self._log_state(), self._totals
        counted.lost = self.lost.value
        counted.unsampled = self.unsampled.value
        counted.written = log.written - self.lost.value
        counted.sent_again, counted.given_up = log.sent_again, log.given_up
        counted.outliers = self._outliers
        counted.errors = self.errors.values()
        counted.refused = self.refused_rows.values()
        counted.dropped_lines = self._dropped_lines()
        return WorkerState(
            worker=self._place.worker,
            writer=log.writer,
            pid=os.getpid(),
            time=time.time(),
            log=log,
            earlier=self._earlier,
            current=counted,
            in_flight=self.in_flight.value,
            features=tallies.merged(self._windows),
        )

    def _collect(self) -> Iterator[Metric]:
        self.flush()
        place = self._place
        others = snapshots.read_others(place.directory, place.worker, place.workers) if place.directory else []
        states = sorted([self._state(), *others], key=lambda state: state.worker)
        live = snapshots.live(states)
        yield from exposition.families(self._model, self._version, self._log_limit, states, live=live, now=time.time())
        running = [state for state in states if state.worker in live]
        yield from exposition.processes((state.worker, _process(state.pid)) for state in running)


class _Collector(Collector):
    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        return self._collect()


def _process(pid: int) -> list[Metric]:
    return list(ProcessCollector(pid=lambda: pid, registry=None).collect())
