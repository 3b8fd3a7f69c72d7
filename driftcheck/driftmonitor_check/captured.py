"""Gets the captured reference: what the collector keeps frozen; or freezes it, once there are rows enough."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from driftmonitor_api.base import parse_duration
from driftmonitor_api.v1alpha1 import Capture, CapturedReference, DriftMonitorSpec, ReferenceStatus
from driftmonitor_api.v1alpha1.capture import moment
from driftmonitor_check import capturing
from driftmonitor_check.collector import Collector, StoredRows
from driftmonitor_check.columns import feature_columns
from driftmonitor_check.evidence import Reference, ReferenceProblem
from driftmonitor_check.outputs import output_columns
from driftmonitor_check.tables import TableError, read_table

FIELD = "spec.reference.captureRows"
MAX_BYTES = 128 << 20
"""Of the file with the rows: what the collector takes."""
_ANOTHER = "set spec.reference.captureSince to a time from which on another one is to be captured"
_FIRST_SPAN, _SHORTEST_SPAN = timedelta(hours=1), timedelta(seconds=1)
_SPAN_ROWS = 1_000_000
"""Of so many rows the times are looked at in one request."""
_READ_ROWS = 10_000_000
"""Among so many rows, of other versions too, those that are captured must be."""
_DAMAGED = (
    "Capturing the reference: it waits, as files at the collector with rows of its hours are damaged. What the servers"
    " still have comes again by itself; where the rest does not, set spec.reference.captureSince to a time after the"
    " damaged files' hours, which the collector's log names."
)


@dataclass(frozen=True)
class _FirstRows:
    count: int
    """No more than were wanted."""
    bounds: tuple[datetime, datetime] | None
    """The times that hold these rows, the last exclusive, if they are enough."""
    damaged: bool
    """Whether the collector has lost rows of the hours up to the last of them, of whichever version."""


def read_captured(
    spec: DriftMonitorSpec,
    collector: Collector,
    *,
    now: datetime,
    model_sha256: str | None,
    known: ReferenceStatus | None = None,
    may_freeze: bool = True,
) -> Reference | ReferenceProblem:
    """The captured reference, or why there is none yet, or none any more. Raises CollectorError.

    `known` is what the last check has read: one that was there before is never captured anew. Without `may_freeze` a
    reference is read only.
    """
    name, wanted = spec.reference.capture_name or "", spec.reference.capture_rows or 0
    least = spec.checks.window.min_rows
    if wanted < least:
        few = f"{FIELD}: {wanted} rows are fewer than the {least} that spec.checks.window.minRows asks for; raise it"
        return ReferenceProblem(few, verdict="CheckFailed")
    before = known if known and known.sha256 and known.capture and known.capture.name == name else None
    found: CapturedReference | ReferenceProblem | None = _description(collector, name)
    if found is None and before is not None:
        gone = f"{FIELD}: the captured reference {before.sha256} is no longer at the collector; {_ANOTHER}"
        return ReferenceProblem(gone, status=before)
    if found is None and may_freeze:
        found = _frozen(spec, collector, name, now, model_sha256)
    if found is None:
        return ReferenceProblem(f"{FIELD}: no check has captured it yet")
    if isinstance(found, ReferenceProblem):
        return found
    if before is not None and before.sha256 != found.sha256:
        other = f"{FIELD}: the collector has {found.sha256} instead of {before.sha256}, which checks read before"
        return ReferenceProblem(f"{other}; {_ANOTHER}", status=before)
    status = ReferenceStatus(sha256=found.sha256, rows=found.rows, time=now, capture=found.capture)
    if stale := capturing.staleness(found.capture, spec.model.version, model_sha256):
        message = f"The reference is of another model: {stale}; {_ANOTHER}, or serve that model again"
        return ReferenceProblem(message, verdict="ReferenceStale", status=status)
    return _read(collector, status, found.sha256)


def _description(collector: Collector, name: str) -> CapturedReference | None:
    content = collector.reference(f"{name}.json", max_bytes=1 << 20)
    return None if content is None else CapturedReference.model_validate_json(content)


def _frozen(
    spec: DriftMonitorSpec, collector: Collector, name: str, now: datetime, model_sha256: str | None
) -> CapturedReference | ReferenceProblem | None:
    wanted, version = spec.reference.capture_rows or 0, spec.model.version
    since = spec.reference.capture_since
    start = moment(since) if since is not None else now - parse_duration(spec.collector.retention)
    found = _first_rows(collector, start, now, version, wanted)
    so_far = ReferenceStatus(rows=found.count, time=now, capture=Capture(name=name))
    if found.bounds is None:
        from_then = f" since {since}" if since is not None else ""
        waiting = f"Capturing the reference: {found.count} of {wanted} rows of version {version} have come{from_then}."
        return ReferenceProblem(waiting, status=so_far)
    stored = collector.stored_rows(*found.bounds, limit=_READ_ROWS)
    if found.damaged or stored.damage.missing_rows:  # it is frozen once, and would lack them for good
        return ReferenceProblem(_DAMAGED, status=so_far)
    frozen = capturing.freeze(stored.table, spec, name=name, model_sha256=model_sha256, now=now)
    if frozen is None:  # retention has just deleted some of them
        return ReferenceProblem(f"{FIELD}: rows have gone while they were captured; the next check tries again")
    size = len(frozen.content)
    if size > MAX_BYTES:
        many = f"{FIELD}: {wanted} rows take {size >> 20} MiB, more than the {MAX_BYTES >> 20} MiB allowed; lower it"
        return ReferenceProblem(many, verdict="CheckFailed")
    # First the rows, then what names them, which only one of several checks can create: the others read what it says.
    collector.create_reference(f"{frozen.description.sha256}.parquet", frozen.content)
    collector.create_reference(f"{name}.json", frozen.description.model_dump_json(exclude_none=True).encode())
    return _description(collector, name)


def _first_rows(collector: Collector, start: datetime, end: datetime, version: str, wanted: int) -> _FirstRows:
    """The first rows of the version, as far as there are enough.

    It goes forward in spans that double, so that a month without rows is a few requests and much traffic is not read
    whole.
    """
    count, first, damaged = 0, None, False
    length = _FIRST_SPAN
    while start < end:
        until = min(start + length, end)
        stored = _times(collector, start, until)
        if stored.table.num_rows >= _SPAN_ROWS and length > _SHORTEST_SPAN:  # it may lack the earliest of them
            length = max(length / 8, _SHORTEST_SPAN)
            continue
        times = stored.table.column(capturing.TIME).take(capturing.of_version(stored.table, version))
        lost = stored.damage.missing_rows > 0
        if len(times):
            first = first or capturing.time_at(times, 0)
        if count + len(times) >= wanted:
            after = capturing.time_at(times, wanted - count - 1) + timedelta(microseconds=1)
            # What is damaged further on in a long span is none of the reference's.
            damaged = damaged or (lost and _times(collector, start, after).damage.missing_rows > 0)
            return _FirstRows(wanted, (first or start, after), damaged)
        count, start, length, damaged = count + len(times), until, length * 2, damaged or lost
    return _FirstRows(count, None, damaged)


def _times(collector: Collector, start: datetime, end: datetime) -> StoredRows:
    return collector.stored_rows(start, end, limit=_SPAN_ROWS, columns=(capturing.TIME, capturing.VERSION))


def _read(collector: Collector, status: ReferenceStatus, sha256: str) -> Reference | ReferenceProblem:
    content = collector.reference(f"{sha256}.parquet", max_bytes=MAX_BYTES)
    if content is None:
        gone = f"{FIELD}: the rows {sha256}.parquet are no longer at the collector; {_ANOTHER}"
        return ReferenceProblem(gone, status=status)
    if (digest := hashlib.sha256(content).hexdigest()) != sha256:
        return ReferenceProblem(f"{FIELD}: {sha256}.parquet at the collector has the digest {digest}", status=status)
    with TemporaryDirectory(prefix="reference-") as folder:
        path = Path(folder) / "reference"
        path.write_bytes(content)
        try:
            table = read_table(path)
        except TableError as error:
            return ReferenceProblem(f"{FIELD}: {sha256}.parquet {error}", status=status)
    return Reference(feature_columns(table), status, f"{FIELD}: {sha256}", outputs=output_columns(table))
