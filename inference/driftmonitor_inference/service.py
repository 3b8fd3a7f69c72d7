"""The path of one prediction request, without HTTP: decode, predict, log, answer."""

import itertools
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from driftmonitor_api.config import InferenceConfig
from driftmonitor_inference import wire
from driftmonitor_inference.metrics import Metrics
from driftmonitor_inference.model import Model, PredictionError, RowPrediction
from driftmonitor_inference.recordlog import (
    LogFailedError,
    LogFullError,
    NotLoggedError,
    RecordLog,
    RecordsTooLargeError,
)
from driftmonitor_inference.rows import RequestError, Rows, decoder
from driftmonitor_inference.sampling import is_sampled

_LOGGER = logging.getLogger(__name__)
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace_id>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?"
)
_REQUEST_ID = re.compile(r"[\x20-\x7e]{1,128}")
_RETRY_SECONDS = "2"
_TELL_AGAIN = timedelta(minutes=1)  # a log that is full for long is not told with every request


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    logged: int = 0
    """Rows of it that were written to the log."""


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id of a W3C `traceparent` header; None if there is none or it is not valid, as the standard asks."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or (match["version"] == "00" and match["more"]):
        return None
    return match["trace_id"]


def failure(error: RequestError, headers: dict[str, str] | None = None) -> Reply:
    """The reply to a request that was not served."""
    return Reply(error.status, wire.encode(wire.Failure(error.sentence, error.row, error.field)), headers or {})


class PredictionService:
    """Serves one model. It is called by one thread."""

    def __init__(
        self,
        config: InferenceConfig,
        model: Model,
        log: RecordLog,
        metrics: Metrics,
        *,
        max_rows: int,
        request_id_prefix: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`request_id_prefix` must be unique to this process start."""
        self.config = config
        self.model = model
        self.metrics = metrics
        self._log = log
        self._decode = decoder(model.columns, max_rows=max_rows)
        self._now = now
        self._request_id_prefix = request_id_prefix
        self._numbers = itertools.count(1)
        self._lost = 0
        self._loss_told: datetime | None = None

    def predict(self, body: bytes, request_id: str | None, traceparent: str | None) -> Reply:
        """Answer one request. Its rows stand in the log before this returns 200, but for those that the configuration
        leaves out: requests that are not sampled, and, where they are to be served and counted, rows that found the
        log full."""
        headers: dict[str, str] = {}
        try:
            if request_id is None:
                request_id = f"{self._request_id_prefix}-{next(self._numbers)}"
            elif not _REQUEST_ID.fullmatch(request_id):
                raise RequestError(400, "The header X-Request-Id must have 1 to 128 printable ASCII characters.")
            headers["X-Request-Id"] = request_id
            answer, logged = self._predict(body, request_id, trace_id_of(traceparent))
            return Reply(200, answer, headers, logged)
        except RequestError as error:
            return self._refusal(error, headers)

    def not_synced(self, reply: Reply, error: LogFailedError) -> Reply:
        """What a request is answered instead, whose rows were written to the log and could not be synced."""
        self.metrics.refused_rows.labels("failed").inc(reply.logged)
        return self._refusal(RequestError(503, f"Not answered, since it could not be logged: {error}."), reply.headers)

    def _refusal(self, error: RequestError, headers: dict[str, str]) -> Reply:
        self.metrics.errors.labels(error.status).inc()
        if error.status == 503:
            headers["Retry-After"] = _RETRY_SECONDS
        return failure(error, headers)

    def _predict(self, body: bytes, request_id: str, trace_id: str | None) -> tuple[bytes, int]:
        """The answer, and the number of rows logged."""
        rows = self._decode(body)
        begin = time.perf_counter()
        try:
            predictions = self.model.predict(rows.values)
        except PredictionError as error:
            sentence = str(error)[:1].upper() + str(error)[1:] + "."
            raise RequestError(422 if error.cause == "row" else 500, sentence, error.row) from error
        seconds = time.perf_counter() - begin
        percent = self.config.sampling_percent
        if percent == 100 or is_sampled(request_id, percent):
            logged = self._log_rows(rows, predictions, request_id, trace_id, seconds)
        else:
            logged = 0
            self.metrics.unsampled.inc(len(predictions))
        self.metrics.predictions.inc(len(predictions))
        self.metrics.input_size.observe(len(predictions))
        self.metrics.latency.observe(seconds)
        scores = [wire.Score(row.label, row.score, row.scores, row.value) for row in predictions]
        return wire.encode(wire.Answer(request_id, self.config.model_name, self.config.model_version, scores)), logged

    def _log_rows(
        self, rows: Rows, predictions: list[RowPrediction], request_id: str, trace_id: str | None, seconds: float
    ) -> int:
        """The number of rows logged; RequestError where they must be and cannot."""
        config, writer = self.config, self._log.writer
        timestamp, latency_ms = wire.timestamp(self._now()), round(seconds * 1000, 4)

        def encode(first_seq: int) -> bytes:
            return wire.encode_lines(
                [
                    wire.Record(
                        request_id,
                        place,
                        timestamp,
                        config.monitor,
                        config.model_name,
                        config.model_version,
                        writer,
                        first_seq + place,
                        features,
                        wire.RecordPrediction(prediction.label, prediction.score, prediction.value),
                        latency_ms,
                        trace_id,
                    )
                    for place, (features, prediction) in enumerate(zip(rows.features, predictions, strict=True))
                ]
            )

        count = len(predictions)
        try:
            self._log.append(count, encode)
        except wire.RecordTooLongError as error:
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
        if self._loss_told is None or self._now() - self._loss_told >= _TELL_AGAIN:
            self._loss_told = self._now()
            fields = {"rows": self._lost, "problem": str(error)}
            _LOGGER.warning("rows are served and not logged; they count as lost", extra={"fields": fields})
