"""The path of one prediction request, whatever its protocol: predict, redact, log, sync."""

import itertools
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec

from driftmonitor_api.base import parse_duration
from driftmonitor_api.config import InferenceConfig
from driftmonitor_inference import tracecontext, wire
from driftmonitor_inference.batching import Batcher
from driftmonitor_inference.metrics import Metrics
from driftmonitor_inference.model import Model, PredictionError
from driftmonitor_inference.predictions import RowPrediction
from driftmonitor_inference.recordlines import RecordLines, RecordTooLongError, compact_bytes, encoded, texts_of
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
        self._lines = RecordLines(config.monitor, config.model_name, config.model_version, log.writer)
        self._compact = compact_bytes(model.columns)
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

    async def predict(self, rows: Rows, call: Call, *, live: bool = True) -> Predicted:
        """Answer one request, or RequestError. Its rows stand in the log before this returns, but for those that the
        configuration leaves out: requests that are not sampled, and, where they are to be served and counted, rows that
        found the log full. Rows that are not `live` are neither logged nor counted: they say nothing of the world. It
        suspends only where it must wait for the disk or for others to be predicted with."""
        request_id = self.request_id(call.request_id)
        trace = tracecontext.parse(call.traceparent) if call.traceparent else None
        if trace is None and self._new_trace is not None:
            trace = self._new_trace()
        begin = time.perf_counter()
        predictions = self.run(rows) if self._batcher is None else await self._batcher.predict(rows)
        seconds = time.perf_counter() - begin
        percent = self.config.sampling_percent
        if not live:
            return self._predicted(request_id, trace, predictions, 0)
        if percent == 100 or is_sampled(request_id, percent):
            logged = self._log_rows(rows, predictions, request_id, trace, seconds)
        else:
            logged = 0
            self.metrics.unsampled.inc(len(predictions))
        if self._group_sync is not None and logged:
            await self._sync(self._group_sync, logged)
        self.metrics.predicted(rows, predictions, seconds)
        if predictions[0].outlier is not None:  # then each has one
            self.metrics.outliers(sum(row.outlier is not None and row.outlier.flag for row in predictions))
        return self._predicted(request_id, trace, predictions, logged)

    def _new_batcher(self) -> Batcher | None:
        batching = self.config.batching
        if batching is None:
            return None
        seconds = parse_duration(batching.max_latency).total_seconds()
        return Batcher(self.run, max_rows=batching.max_batch_size, max_latency=seconds, in_hand=self.metrics.in_flight)

    def _predicted(
        self, request_id: str, trace: TraceContext | None, predictions: list[RowPrediction], logged: int
    ) -> Predicted:
        if trace is None:
            return Predicted(request_id, None, None, predictions, logged)
        own = tracecontext.render(trace._replace(span_id=f"{next(self._spans) & (1 << 64) - 1:016x}"))
        return Predicted(request_id, own, trace.trace_id, predictions, logged)

    def run(self, rows: Rows) -> list[RowPrediction]:
        """What the model says of rows; RequestError where it gives no answer."""
        self.metrics.batch(len(rows.values))
        try:
            return self.model.predict(rows.values)
        except PredictionError as error:
            sentence = str(error)[:1].upper() + str(error)[1:] + "."
            raise RequestError(422 if error.cause == "row" else 500, sentence, error.row) from error

    async def _sync(self, group_sync: GroupSync, logged: int) -> None:
        try:
            await group_sync.wait()
        except LogFailedError as error:
            self.metrics.refused_rows.labels("failed").inc(logged)
            raise RequestError(503, f"Not answered, since it could not be logged: {error}.") from error

    def _log_rows(
        self, rows: Rows, predictions: list[RowPrediction], request_id: str, trace: TraceContext | None, seconds: float
    ) -> int:
        """The number of rows logged; RequestError where they must be and cannot."""
        config = self.config
        timestamp, latency_ms = self._timestamps.at(self._nanoseconds()), round(seconds * 1000, 4)
        trace_id = trace.trace_id if trace is not None else None
        redact = self._redact

        def encode(first_seq: int) -> bytes:
            texts = texts_of(rows, self._compact) if redact is None else encoded(redact(rows.features))
            return self._lines.encode(first_seq, request_id, timestamp, texts, predictions, latency_ms, trace_id)

        count = len(predictions)
        try:
            self._log.append(count, encode)
        except RecordTooLongError as error:
            raise RequestError(413, f"The row is too large: {error}.", error.row) from error
        except RecordsTooLargeError as error:
            raise RequestError(413, f"The request is too large: {error}.") from error
        except NotLoggedError as error:
            if config.when_full == "ServeAndCount":
                self._give_up(count - error.logged, error)
                return error.logged
            self.metrics.refused_rows.labels("full" if isinstance(error, LogFullError) else "failed").inc(count)
            raise RequestError(503, f"Not predicted, since it could not be logged: {error}.") from error
        return count

    def _give_up(self, rows: int, error: NotLoggedError) -> None:
        self._log.give_up(rows)
        self.metrics.lost.inc(rows)
        self._lost += rows
        now = self._nanoseconds()
        if self._loss_told is None or now - self._loss_told >= _TELL_AGAIN_NANOSECONDS:
            self._loss_told = now
            fields = {"rows": self._lost, "problem": str(error)}
            _LOGGER.warning("rows are served and not logged; they count as lost", extra={"fields": fields})
