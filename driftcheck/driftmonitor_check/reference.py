"""Gets the reference: fetch, digest, read; or an earlier window of the store."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from driftmonitor_api.storage import StorageError, fetch
from driftmonitor_api.v1alpha1 import ReferenceStatus, ReferenceWindow
from driftmonitor_check.collector import Collector
from driftmonitor_check.columns import feature_columns
from driftmonitor_check.evidence import Reference, ReferenceProblem
from driftmonitor_check.outputs import output_columns
from driftmonitor_check.spans import span
from driftmonitor_check.tables import TableError, read_table

MAX_BYTES = 16 << 30
"""Of the file, which lies on the disk, and once more as it is read."""


def read_reference(
    uri: str,
    *,
    field: str,
    mount: Path | None,
    columns: Collection[str] | None,
    texts: Collection[str],
    now: datetime,
    credentials: Path | None = None,
    sha256: str | None = None,
) -> Reference | ReferenceProblem:
    """The reference at an address (or plain path), or why there is none. Only the `columns` that it has are read.

    `field` is where the address stands, for messages; `credentials` the folder where the Secret for it is mounted;
    `sha256` the digest that the file must have, hexadecimal.
    """
    with TemporaryDirectory(prefix="reference-") as folder:
        file = Path(folder) / "reference"
        try:
            fetched = fetch(
                uri,
                file,
                max_bytes=MAX_BYTES,
                mount=mount,
                credentials=credentials,
                credentials_field="spec.reference.credentialsSecret",
                sha256=sha256,
            )
            table = read_table(file, columns=columns, texts=texts)
        except StorageError as error:
            return ReferenceProblem(f"{field}: {error}")
        except TableError as error:
            return ReferenceProblem(f"{field}: {uri} {error}; it must be a Parquet, Arrow IPC or CSV file")
    status = ReferenceStatus(storage_uri=uri[:1024], sha256=fetched.sha256, rows=table.num_rows, time=now)
    return Reference(table, status, f"{field}: {uri}")


def read_rolling(window: ReferenceWindow, collector: Collector, *, max_rows: int, now: datetime) -> Reference:
    """The newest `max_rows` rows of an earlier window, which may be none. Raises CollectorError."""
    times = span(window, now)
    found = collector.stored_rows(times.start, times.end, max_rows)
    stored = found.table
    table = feature_columns(stored)
    status = ReferenceStatus(window_start=times.start, window_end=times.end, rows=table.num_rows, time=now)
    return Reference(
        table,
        status,
        f"spec.reference.window: {times}",
        cut=table.num_rows >= max_rows,
        outputs=output_columns(stored),
        damage=found.damage,
    )
