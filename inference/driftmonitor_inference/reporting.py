"""Tells the collector how many rows were written and learns how many are stored, outside of the request path."""

import http.client
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from driftmonitor_inference.accounts import Interval, WriterReport
from driftmonitor_inference.gaps import Answer, Gaps
from driftmonitor_inference.recordlog import RecordLog

_LOGGER = logging.getLogger(__name__)
_REQUEST_SECONDS = 5.0
_SHORTEST_INTERVAL_SECONDS = 0.1
_DRAIN_INTERVAL_SECONDS = 0.5
_PATIENCE_INTERVALS = 15
"""For so many reports a gap must stand still before its rows are sent again: 30 s, more than a shipper's pauses."""
_ANSWER_MAX_BYTES = 1 << 16


class ReportError(Exception):
    """The collector did not take a report; the message says why."""


class _Report(msgspec.Struct, omit_defaults=True):
    """The wire form. `lost` is left out while there is none: collectors of earlier versions do not know it."""

    writer: str
    written: int
    lost: tuple[Interval, ...] = ()


class _Stored(msgspec.Struct):
    """Collectors of earlier versions answer the first alone."""

    stored_through: int
    highest_stored: int = 0
    missing: tuple[Interval, ...] = ()
    duplicates: int = 0


class CollectorClient:
    """Sends one report at a time."""

    def __init__(self, url: str, token_file: Path) -> None:
        """`url` is the collector's base address."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._connection_type = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._host, self._port = parts.hostname or "", parts.port or (443 if secure else 80)
        self._path = parts.path.rstrip("/") + "/v1/writers"
        self._token_file = token_file

    def report(self, report: WriterReport, timeout: float) -> Answer:
        """Say what a writer has written and given up; gives what of it is stored. ReportError."""
        body = msgspec.json.encode(_Report(report.writer, report.written, report.lost))
        connection = self._connection_type(self._host, self._port, timeout=timeout)
        try:
            token = self._token_file.read_text().strip()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request("PUT", self._path, body, headers)
            response = connection.getresponse()
            answer = response.read(_ANSWER_MAX_BYTES)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ReportError(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise ReportError(f"it answered {response.status} {response.reason}")
        try:
            stored = msgspec.json.decode(answer, type=_Stored)
        except msgspec.DecodeError as error:
            raise ReportError(f"its answer is not of the form {{'stored_through': 12}}: {error}") from error
        return Answer(stored.stored_through, stored.highest_stored, stored.missing, stored.duplicates)


class Reporter:
    """Reports every writer of the log, in a thread of its own while the server runs, then until all is stored."""

    def __init__(self, log: RecordLog, send: Callable[[WriterReport, float], Answer], interval: float) -> None:
        self._log = log
        self._gaps = Gaps(_PATIENCE_INTERVALS * interval)
        self._send = send
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._problem: str | None = None

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def drain(self, seconds: float) -> int:
        """End the thread, then go on reporting until every row is stored or the time is over; gives the rows left."""
        deadline = time.monotonic() + seconds
        self._stop.set()
        self._log.file_ended.set()
        self._thread.join()
        while (left := self._log.unconfirmed()) and (remaining := deadline - time.monotonic()) > 0:
            self.report_all(min(_REQUEST_SECONDS, remaining))
            if self._log.unconfirmed():
                time.sleep(max(0.0, min(_DRAIN_INTERVAL_SECONDS, deadline - time.monotonic())))
        return left

    def report_all(self, timeout: float = _REQUEST_SECONDS) -> None:
        """One report of each writer."""
        self._log.note_lost()
        problem = None
        for report in self._log.pending():
            try:
                answer = self._send(report, timeout)
                self._log.confirm(report.writer, answer.stored_through)
                self._close_gap(report, answer)
            except (ReportError, OSError) as error:
                problem = str(error)
                break
        self._log.note_lost()
        self._tell(problem)

    def _run(self) -> None:
        """A file that has ended need not wait for the next report: the sooner it is deleted, the fewer pages of memory
        the log takes, and those it takes anew are the costly ones."""
        while not self._stop.is_set():
            self._log.file_ended.wait(self._interval)
            self._log.file_ended.clear()
            if not self._stop.wait(min(_SHORTEST_INTERVAL_SECONDS, self._interval)):
                self.report_all()

    def _close_gap(self, report: WriterReport, answer: Answer) -> None:
        writer = report.writer
        step = self._gaps.step(writer, answer, time.monotonic(), report.written)
        give_up = step.give_up
        if step.send:
            try:
                found = self._log.send_again(writer, step.send, witness=answer.highest_stored)
            except OSError:
                self._gaps.failed(writer)
                raise
            self._gaps.sent(writer, found.last_seq)
            give_up = found.absent
            if found.lines:
                fields = {"writer": writer, "rows": len(found.lines), "first_seq": step.send[0][0]}
                _LOGGER.warning(
                    "rows have not arrived at the collector; their lines are sent again", extra={"fields": fields}
                )
        if give_up:
            self._log.give_up_written(writer, give_up)
            rows = sum(last - first + 1 for first, last in give_up)
            _LOGGER.error(
                "rows are lost between the log and the store",
                extra={"fields": {"writer": writer, "rows": rows, "first_seq": give_up[0][0]}},
            )

    def _tell(self, problem: str | None) -> None:
        """Log a change of state, not every attempt."""
        if problem == self._problem:
            return
        self._problem = problem
        if problem is None:
            _LOGGER.info("the collector takes reports again")
        else:
            _LOGGER.warning(
                "the collector cannot be told what was written; it is tried again",
                extra={"fields": {"problem": problem}},
            )
