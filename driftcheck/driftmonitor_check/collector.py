"""The check's side of the collector's HTTP interface."""

import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import IO, Any, TypeVar

import pyarrow as pa

from driftmonitor_api.v1alpha1 import EndedWriter
from driftmonitor_check.damage import Damage
from driftmonitor_check.evidence import Coverage
from driftmonitor_check.mapping import mapped_table

_ARROW = "application/vnd.apache.arrow.stream"
_MISSING_ROWS, _DAMAGED_LABELS = "Driftmonitor-Missing-Rows", "Driftmonitor-Damaged-Label-Files"
_PIECE_BYTES = 1 << 20
_TRANSIENT = (408, 425, 429)
_NOT_FOUND, _CONFLICT = 404, 409
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0

Answer = TypeVar("Answer")


class CollectorError(Exception):
    """The collector did not do what was asked; the message says what it was and what it answered."""


@dataclass(frozen=True)
class StoredRows:
    """Rows as the collector stores them."""

    table: pa.Table
    damage: Damage


@dataclass(frozen=True)
class Collector:
    """A collector at `url` (no path). A request that may succeed later is tried again for `patience` seconds."""

    url: str
    token: str
    patience: float = 60.0
    timeout: float = 60.0
    """Of each request, seconds without a byte."""
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def window(
        self, start: datetime, end: datetime, limit: int, *, columns: Sequence[str] | None = None, labels: bool = False
    ) -> pa.Table:
        """The newest `limit` rows from `start`, inclusive, to `end`, exclusive, as the collector stores them, or these
        `columns` of them. With `labels` each row has its label, as columns that begin with `actual_`.

        They lie in a temporary file, and in memory only where they are looked at.
        """
        return self.stored_rows(start, end, limit, columns=columns, labels=labels).table

    def stored_rows(
        self, start: datetime, end: datetime, limit: int, *, columns: Sequence[str] | None = None, labels: bool = False
    ) -> StoredRows:
        """The same, and what of it the collector cannot give any more."""
        chosen = {} if columns is None else {"columns": ",".join(columns)}
        if labels:
            chosen["labels"] = "true"
        query = urllib.parse.urlencode({"start": _rfc3339(start), "end": _rfc3339(end), "limit": limit, **chosen})
        request = self._request("GET", f"/v1/window?{query}", headers={"Accept": _ARROW})
        return self._retried("the window", request, _stored_rows)

    def coverage(self, ended: Sequence[EndedWriter] = ()) -> Coverage:
        """Rows written, stored and lost since the monitor's start. Of writers that have ended the collector is told,
        where it does not know of all their rows."""
        body = self._coverage()
        try:
            known = {account["writer"]: int(account["written"]) for account in body["writers"]} if ended else {}
        except (KeyError, TypeError, ValueError) as error:
            raise self._no_coverage(body) from error
        news = [writer for writer in ended if known.get(writer.writer, 0) < writer.written]
        for writer in news:
            report = json.dumps({"writer": writer.writer, "written": writer.written}).encode()
            request = self._request("PUT", "/v1/writers", report, {"Content-Type": "application/json"})
            self._retried(f"what {writer.writer} has written", request, lambda response: response.read())
        if news:
            body = self._coverage()
        try:
            stored, missing = int(body["stored"]), int(body["missing"])
            # A row may be stored before its writer has reported it as written.
            written = max(int(body["written"]), stored + missing)
            return Coverage(written, stored, lost=int(body.get("lost", 0)))  # collectors of 0.1 know of none
        except (KeyError, TypeError, ValueError) as error:
            raise self._no_coverage(body) from error

    def put_report(self, name: str, content: bytes, content_type: str) -> str:
        """Store a report; its path at the collector."""
        path = f"/v1/reports/{name}"
        request = self._request("PUT", path, content, {"Content-Type": content_type})
        self._retried(f"the report {name}", request, lambda response: response.read())
        return path

    def create_reference(self, name: str, content: bytes) -> None:
        """Store a part of a captured reference, unless it is there already, whatever is in it."""
        request = self._request("PUT", f"/v1/references/{name}", content, {"Content-Type": "application/octet-stream"})
        try:
            self._retried(f"the reference {name}", request, lambda response: response.read())
        except CollectorError as error:
            if _status(error) != _CONFLICT:
                raise

    def reference(self, name: str, *, max_bytes: int) -> bytes | None:
        """A part of a captured reference; None where there is none of this name."""
        request = self._request("GET", f"/v1/references/{name}")
        try:
            content: bytes = self._retried(f"the reference {name}", request, lambda answer: answer.read(max_bytes + 1))
        except CollectorError as error:
            if _status(error) == _NOT_FOUND:
                return None
            raise
        if len(content) > max_bytes:
            raise CollectorError(f"{self.url} answered the reference {name} with more than {max_bytes} bytes")
        return content

    def _coverage(self) -> Any:
        return self._retried("the coverage", self._request("GET", "/v1/coverage"), json.load)

    def _no_coverage(self, body: Any) -> CollectorError:
        return CollectorError(f"{self.url} answered the coverage with what is none: {str(body)[:200]}")

    def _request(
        self, method: str, path: str, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> urllib.request.Request:
        authorized = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        address = self.url.rstrip("/") + path
        return urllib.request.Request(address, data, authorized, method=method)  # noqa: S310 - the operator's address

    def _retried(self, what: str, request: urllib.request.Request, read: Callable[[Any], Answer]) -> Answer:
        deadline, pause = self.clock() + self.patience, _FIRST_PAUSE
        # No proxy: the collector is in the cluster, whatever the environment says.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            try:
                with opener.open(request, timeout=self.timeout) as response:
                    return read(response)
            except (OSError, HTTPException, pa.ArrowException, ValueError) as error:
                if _final(error) or self.clock() + pause > deadline:
                    raise CollectorError(f"{self.url} did not give or take {what}: {_reason(error)}") from error
            self.pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _stored_rows(response: Any) -> StoredRows:
    missing, without = (int(response.headers.get(name) or 0) for name in (_MISSING_ROWS, _DAMAGED_LABELS))
    return StoredRows(_arrow_table(response), Damage(missing, without))


def _arrow_table(response: Any) -> pa.Table:
    """Written whole before it is parsed: an Arrow stream that breaks off between two batches looks complete."""

    def copy(file: IO[bytes]) -> None:
        length = response.headers.get("Content-Length")
        shutil.copyfileobj(response, file, _PIECE_BYTES)
        if length is not None and file.tell() != int(length):
            raise pa.ArrowInvalid(f"{file.tell()} bytes have come of {length}")  # else it is the chunks that tell

    return mapped_table(copy)


def _status(error: CollectorError) -> int:
    """The status of the answer that it stands for; 0 where there was none."""
    return error.__cause__.code if isinstance(error.__cause__, urllib.error.HTTPError) else 0


def _final(error: Exception) -> bool:
    return isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code not in _TRANSIENT


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {error.reason}: {error.read(300).decode(errors='replace')}"
    return str(error.reason if isinstance(error, urllib.error.URLError) else error) or type(error).__name__


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
