"""The server's own log: one JSON object a line on stdout, for events, for errors, and where asked for each request."""

import atexit
import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from driftmonitor_inference import tracecontext
from driftmonitor_inference.finished import FinishedRequest
from driftmonitor_inference.lines import LineWriter
from driftmonitor_inference.logfiles import LogFiles

_LOGGER = logging.getLogger(__name__)
_END_SECONDS = 1.0  # for the last lines, of a server whose log nobody reads


class JsonFormatter(logging.Formatter):
    """Renders a record of the standard library's logging, the values of `extra={"fields": {...}}` included."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _LineHandler(logging.Handler):
    def __init__(self, lines: LineWriter) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.write(self.format(record).encode() + b"\n")
        except Exception:
            self.handleError(record)


def configure(directory: Path | None = None, place: str = "0") -> LineWriter:
    """Send all logging, warnings, and exceptions that nobody has caught to stdout as JSON, and give what writes it.

    With a `directory` also to files in it, which are those of this `place` among the processes of one server.
    """
    copy = None
    problem: OSError | None = None
    if directory is not None:
        try:
            copy = LogFiles(directory, place, datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")).write
        except OSError as error:
            problem = error
    lines = LineWriter(sys.stdout.fileno(), copy)
    atexit.register(lines.flush, _END_SECONDS)
    logging.basicConfig(handlers=[_LineHandler(lines)], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    sys.excepthook = lambda kind, error, trace: _LOGGER.critical("the process fails", exc_info=(kind, error, trace))
    threading.excepthook = _thread_failed
    if problem is not None:
        _LOGGER.error("this log is on stdout only: %s: %s", problem.filename, problem.strerror)
    return lines


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None:
        what = (failure.exc_type, failure.exc_value, failure.exc_traceback)
        _LOGGER.error("a thread of the process fails", exc_info=what)


class _AccessLine(msgspec.Struct, omit_defaults=True):
    timestamp: str
    level: str
    logger: str
    message: str
    protocol: str
    method: str
    path: str
    status: int
    seconds: float
    received_bytes: int
    sent_bytes: int
    rows: int | None = None
    request_id: str | None = None
    trace_id: str | None = None
    remote: str | None = None


_ENCODE = msgspec.json.Encoder().encode


class AccessLog:
    """One line for each request."""

    def __init__(self, write: Callable[[bytes], None], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`write` gets each line with its end."""
        self._write = write
        self._now = now

    def __call__(self, request: FinishedRequest) -> None:
        """Log a request that is over."""
        path = request.path.encode(errors="replace").decode()  # a caller may send what UTF-8 cannot
        trace = tracecontext.parse(request.traceparent or request.caller)
        line = _AccessLine(
            timestamp=self._now().isoformat(timespec="milliseconds"),
            level="info",
            logger="access",
            message=f"{request.method} {path} {request.status}",
            protocol=request.protocol,
            method=request.method,
            path=path,
            status=request.status,
            seconds=round(request.seconds, 6),
            received_bytes=request.received_bytes,
            sent_bytes=request.sent_bytes,
            rows=request.rows,
            request_id=request.request_id,
            trace_id=trace.trace_id if trace is not None else None,
            remote=request.remote,
        )
        self._write(_ENCODE(line) + b"\n")
