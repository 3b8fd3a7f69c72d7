"""Gets the training's rows: fetch, digest, read."""

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from driftmonitor_api.storage import StorageError, fetch
from driftmonitor_api.v1alpha1.skew import Skew
from driftmonitor_check.evidence import TrainingRows
from driftmonitor_check.reference import MAX_BYTES
from driftmonitor_check.tables import TableError, read_table

FIELD, OPTION = "spec.checks.skew", "--training"


def read_training(
    skew: Skew,
    *,
    columns: Collection[str],
    texts: Collection[str],
    mount: Path | None = None,
    credentials: Path | None = None,
    given: str | None = None,
) -> TrainingRows:
    """The training's rows, or why there are none. Of the file the ids and those of the `columns` that it has are read,
    all columns where none are named. `given` is the path or address of one that is read instead of the object's."""
    uri, field = (skew.storage_uri, f"{FIELD}.storageUri") if given is None else (given, OPTION)
    wanted = {*columns, skew.id_column} if columns else None
    with TemporaryDirectory(prefix="training-") as folder:
        file = Path(folder) / "training"
        try:
            fetch(
                uri,
                file,
                max_bytes=MAX_BYTES,
                mount=mount,
                credentials=credentials,
                credentials_field=f"{FIELD}.credentialsSecret",
                sha256=skew.sha256 if given is None else None,
            )
            return TrainingRows(read_table(file, columns=wanted, texts={*texts, skew.id_column}))
        except StorageError as error:
            return TrainingRows(None, f"{field}: {error}")
        except TableError as error:
            form = "it must be a Parquet, Arrow IPC or CSV file"
            return TrainingRows(None, f"{field}: {uri} {error}; {form}")
