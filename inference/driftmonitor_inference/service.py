"""The path of one prediction request, whatever its protocol: predict, redact, log, sync."""

import itertools
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from driftmonitor_api.base import parse_duration
from driftmonitor_api.config import InferenceConfig
from driftmonitor_inference import tracecontext, wire
from driftmonitor_inference.batching import Batcher
from driftmonitor_inference.metrics import Metrics
from driftmonitor_inference.model import Model, PredictionError
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.recordlines import Logged, RecordLines, RecordTooLongError, compact_bytes
from driftmonitor_inference.recordlog import (
    LogFailedError,
    LogFullError,
    NotLoggedError,
    RecordLog,
    RecordsTooLargeError,
)
from driftmonitor_inference.rows import RequestError, Rows
from driftmonitor_inference.sampling import is_sampled
from driftmonitor_inference.syncing import GroupSync
from driftmonitor_inference.tracecontext import TraceContext

_LOGGER = logging.getLogger(__name__)
_MAX_REQUEST_ID = 128
_TELL_AGAIN_NANOSECONDS = 60 * 10**9  # a log that is full for long is not told with every request

Redact = Callable[[list[msgspec.Struct]], list[Any]]
"""What records hold of the features of rows, in the same order."""


class Call(msgspec.Struct):
    """What a request says of itself beside its rows."""

    request_id: str | None = None
    """Given by the caller, in the field or header that the protocol has for it."""
    traceparent: str | None = None
    """The header of the W3C."""


class Predicted(msgspec.Struct):
    """What a request is answered with."""

    request_id: str
    traceparent: str | None
    """Of the answer: the trace of the caller, and a span of the server's own; None if there is no trace."""
    trace_id: str | None
    predictions: list[RowPrediction]
    logged: int
    """Rows that stand in the log."""


class _Request(msgspec.Struct):
    """One request in hand, and what has become of it."""

    rows: Rows
    request_id: str
    trace: TraceContext | None
    predictions: list[RowPrediction] = []
    logged: int = 0
    error: RequestError | None = None


class PredictionService:
    """Serves one model. It is called by one thread, that of the event loop."""

    def __init__(
        self,
        config: InferenceConfig,
        model: Model,
        log: RecordLog,
        metrics: Metrics,
        *,
        request_id_prefix: str,
        group_sync: GroupSync | None = None,
        redact: Redact | None = None,
        new_trace: Callable[[], TraceContext] | None = None,
        nanoseconds: Callable[[], int] = time.time_ns,
    ) -> None:
        """`request_id_prefix` must be unique to this process start. With `group_sync` an answer waits until its rows
        are on the disk. `new_trace` begins a trace for a request whose caller has none."""
        self.config = config
        self.model = model
        self.metrics = metrics
        self._log = log
        names = config.monitor, config.model_name, config.model_version, log.writer
        self._lines = RecordLines(*names, compact_bytes(model.columns), all_scores=config.scores == "All")
        self._group_sync = group_sync
        self._redact = redact
        self._new_trace = new_trace
        self._batcher = self._new_batcher()
        self._nanoseconds = nanoseconds
        self._timestamps = wire.Timestamps()
        self._request_id_prefix = request_id_prefix
        self._numbers = itertools.count(1)
        self._spans = itertools.count(secrets.randbits(63) + 1)
        self._lost = 0
        self._loss_told: int | None = None

    def request_id(self, given: str | None) -> str:
        """The caller's id, else a new one; RequestError for one that no header or record can carry."""
        if given is None:
            return f"{self._request_id_prefix}-{next(self._numbers)}"
        if not (0 < len(given) <= _MAX_REQUEST_ID and given.isascii() and given.isprintable()):
            raise RequestError(400, "The id of a request (X-Request-Id) must have 1 to 128 printable ASCII characters.")
        return given

    @property
    def waits(self) -> bool:
        """Whether an answer must wait for the disk, or for others to be predicted with."""
        return self._group_sync is not None or self._batcher is not None

    async def predict(self, rows: Rows, call: Call, *, live: bool = True) -> Predicted:
        """Answer one request, or RequestError. Its rows stand in the log before this returns, but for those that the
        configuration leaves out: requests that are not sampled, and, where they are to be served and counted, rows that
        found the log full. Rows that are not `live` are neither logged nor counted: they say nothing of the world. It
        suspends only where it `waits`."""
        request = self._begin(rows, call)
        begin = time.perf_counter()
        request.predictions = self.run(rows) if self._batcher is None else await self._batcher.predict(rows)
        seconds = time.perf_counter() - begin
        if not live:
            return self._predicted(request)
        self._log_sampled([request], seconds)
        if request.error is not None:
            raise request.error
        if self._group_sync is not None and request.logged:
            await self._sync(self._group_sync, request.logged)
        self._count(request, seconds)
        return self._predicted(request)

    def predict_together(self, asked: Sequence[tuple[Rows, Call]]) -> list[Predicted | RequestError]:
        """Answer requests that came at the same time as `predict` does each, with one call of the model and one write
        where that can be. Not for a service that `waits`. An answer says how long the call took that predicted it."""
        requests = [self._begin(rows, call) for rows, call in asked]
        begin = time.perf_counter()
        self._run_together(requests)
        seconds = time.perf_counter() - begin
        self._log_sampled([request for request in requests if request.error is None], seconds)
        answers: list[Predicted | RequestError] = []
        for request in requests:
            if request.error is None:
                self._count(request, seconds)
            answers.append(request.error or self._predicted(request))
        return answers

    def _begin(self, rows: Rows, call: Call) -> _Request:
        trace = tracecontext.parse(call.traceparent) if call.traceparent else None
        if trace is None and self._new_trace is not None:
            trace = self._new_trace()
        return _Request(rows, self.request_id(call.request_id), trace)

    def _count(self, request: _Request, seconds: float) -> None:
        predictions = request.predictions
        self.metrics.predicted(request.rows, predictions, seconds)
        if predictions[0].outlier is not None:  # then each has one
            self.metrics.outliers(sum(row.outlier is not None and row.outlier.flag for row in predictions))

    def _new_batcher(self) -> Batcher | None:
        batching = self.config.batching
        if batching is None:
            return None
        seconds = parse_duration(batching.max_latency).total_seconds()
        return Batcher(self.run, max_rows=batching.max_batch_size, max_latency=seconds, in_hand=self.metrics.in_flight)

    def _predicted(self, request: _Request) -> Predicted:
        trace = request.trace
        if trace is None:
            return Predicted(request.request_id, None, None, request.predictions, request.logged)
        own = tracecontext.render(trace._replace(span_id=f"{next(self._spans) & (1 << 64) - 1:016x}"))
        return Predicted(request.request_id, own, trace.trace_id, request.predictions, request.logged)

    def run(self, rows: Rows) -> list[RowPrediction]:
        """What the model says of rows; RequestError where it gives no answer."""
        self.metrics.batch(len(rows.values))
        try:
            return self.model.predict(rows.values)
        except PredictionError as error:
            sentence = str(error)[:1].upper() + str(error)[1:] + "."
            raise RequestError(422 if error.cause == "row" else 500, sentence, error.row) from error

    def _run_together(self, requests: Sequence[_Request]) -> None:
        """Predict them with one call; each on its own if the model refuses a row, which is one request's fault."""
        if len(requests) > 1:
            values = [row for request in requests for row in request.rows.values]
            try:
                predictions = self.run(Rows(values, []))
            except RequestError:
                pass
            else:
                first = 0
                for request in requests:
                    last = first + len(request.rows.values)
                    request.predictions = predictions[first:last]
                    first = last
                return
        for request in requests:
            try:
                request.predictions = self.run(request.rows)
            except RequestError as error:
                request.error = error

    async def _sync(self, group_sync: GroupSync, logged: int) -> None:
        try:
            await group_sync.wait()
        except LogFailedError as error:
            self.metrics.refused_rows.labels("failed").inc(logged)
            raise RequestError(503, f"Not answered, since it could not be logged: {error}.") from error

    def _log_sampled(self, requests: Sequence[_Request], seconds: float) -> None:
        """Log the requests of the sample. `logged` or `error` of each says what became of it."""
        percent = self.config.sampling_percent
        if percent != 100:
            sampled = []
            for request in requests:
                if is_sampled(request.request_id, percent):
                    sampled.append(request)
                else:
                    self.metrics.unsampled.inc(len(request.predictions))
            requests = sampled
        if requests:
            self._log_all(requests, self._timestamps.at(self._nanoseconds()), round(seconds * 1000, 4))

    def _log_all(self, requests: Sequence[_Request], timestamp: str, latency_ms: float) -> None:
        """Log them with one write; where that fails, those whose rows did not get there each on its own."""
        alone, redact = len(requests) == 1, self._redact

        def encode(first_seq: int) -> bytes:
            logged: list[Logged] = [
                (
                    request.request_id,
                    request.rows if redact is None else Rows([], redact(request.rows.features)),
                    request.predictions,
                    None if request.trace is None else request.trace.trace_id,
                )
                for request in requests
            ]
            return self._lines.encode(first_seq, timestamp, logged, latency_ms)

        try:
            self._log.append(sum([len(request.predictions) for request in requests]), encode)
        except (RecordTooLongError, RecordsTooLargeError) as error:
            if alone:
                requests[0].error = _too_large(error)
            else:
                self._log_each(requests, timestamp, latency_ms)
        except NotLoggedError as error:
            if alone:
                self._not_logged(requests[0], error, error.logged)
            else:
                self._log_rest(requests, error, timestamp, latency_ms)
        else:
            for request in requests:
                request.logged = len(request.predictions)

    def _log_each(self, requests: Sequence[_Request], timestamp: str, latency_ms: float) -> None:
        for request in requests:
            self._log_all([request], timestamp, latency_ms)

    def _log_rest(self, requests: Sequence[_Request], error: NotLoggedError, timestamp: str, latency_ms: float) -> None:
        """The log took the first rows and failed then: what is whole is logged, the request that was torn is not."""
        left = error.logged
        for place, request in enumerate(requests):
            if left < len(request.predictions):
                if left:
                    self._not_logged(request, error, left)
                    place += 1
                self._log_each(requests[place:], timestamp, latency_ms)
                return
            request.logged = len(request.predictions)
            left -= request.logged

    def _not_logged(self, request: _Request, error: NotLoggedError, logged: int) -> None:
        """Only the first rows of a request got into the log."""
        count = len(request.predictions)
        if self.config.when_full == "ServeAndCount":
            self._give_up(count - logged, error)
            request.logged = logged
            return
        self.metrics.refused_rows.labels("full" if isinstance(error, LogFullError) else "failed").inc(count)
        request.error = RequestError(503, f"Not predicted, since it could not be logged: {error}.")

    def _give_up(self, rows: int, error: NotLoggedError) -> None:
        self._log.give_up(rows)
        self.metrics.lost.inc(rows)
        self._lost += rows
        now = self._nanoseconds()
        if self._loss_told is None or now - self._loss_told >= _TELL_AGAIN_NANOSECONDS:
            self._loss_told = now
            fields = {"rows": self._lost, "problem": str(error)}
            _LOGGER.warning("rows are served and not logged; they count as lost", extra={"fields": fields})


def _too_large(error: RecordTooLongError | RecordsTooLargeError) -> RequestError:
    if isinstance(error, RecordTooLongError):
        return RequestError(413, f"The row is too large: {error}.", error.row)
    return RequestError(413, f"The request is too large: {error}.")
