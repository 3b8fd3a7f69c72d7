"""Gets the reference: fetch, digest, read."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from driftmonitor_api.storage import StorageError, fetch
from driftmonitor_api.v1alpha1 import ReferenceStatus
from driftmonitor_check.evidence import Reference, ReferenceProblem
from driftmonitor_check.tables import TableError, read_table

MAX_BYTES = 1 << 30


def read_reference(
    uri: str,
    *,
    field: str,
    mount: Path | None,
    columns: Collection[str] | None,
    texts: Collection[str],
    now: datetime,
) -> Reference | ReferenceProblem:
    """The reference at an address (or plain path), or why there is none. Only the `columns` that it has are read.

    `field` is where the address stands, for messages.
    """
    with TemporaryDirectory(prefix="reference-") as folder:
        file = Path(folder) / "reference"
        try:
            fetched = fetch(uri, file, max_bytes=MAX_BYTES, mount=mount)
            table = read_table(file, columns=columns, texts=texts)
        except StorageError as error:
            return ReferenceProblem(f"{field}: {error}")
        except TableError as error:
            return ReferenceProblem(f"{field}: {uri} {error}; it must be a Parquet or CSV file")
    status = ReferenceStatus(storage_uri=uri[:1024], sha256=fetched.sha256, rows=table.num_rows, time=now)
    return Reference(table, status, f"{field}: {uri}")
