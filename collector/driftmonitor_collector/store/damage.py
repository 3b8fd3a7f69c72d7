"""Parquet files found damaged: put apart, so that the others can be read, with the keys of the rows that they held.

They are kept until their retention has passed. The ledger hears of a file once it lies apart: a collector that ends in
between finds it there at its next start.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from driftmonitor_collector.frames import DamagedFile
from driftmonitor_collector.ledger import Keys, Ledger
from driftmonitor_collector.store import files, key_files, partitions
from driftmonitor_collector.store.layout import Layout
from driftmonitor_collector.store.sums import DamagedFileError

if TYPE_CHECKING:
    import pyarrow as pa

LABELS = "labels~"
"""Of files of labels; those of records have the names that they had below `records/`."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_logger = logging.getLogger(__name__)


def name_of(path: Path) -> str:
    """The name below `records/` of a file of an hour."""
    return "/".join(path.parts[-3:])


def flat_name(name: str) -> str:
    """The name that a file has when it is put apart."""
    return name.replace("/", "~")


def keys_of(path: Path) -> Keys:
    """The rows of a Parquet file; none of them where neither it nor the file beside it can say. FileNotFoundError."""
    keys = key_files.read(path)
    if keys is not None:
        return keys
    from driftmonitor_collector import tables  # loads pyarrow, which no ordinary start waits for
    from driftmonitor_collector.store import columnar

    ledger, table = Ledger(), columnar.read_undamaged(path, ["writer", "seq"])
    if table is None:
        _logger.error("%s and the file with its keys are both damaged: its rows cannot be named", path)
    else:
        tables.enter_keys(table, ledger)
    return ledger.keys()


def set_apart(layout: Layout, name: str) -> bool:
    """Move the file to `damaged/`; False if it is gone, or whole after all."""
    from driftmonitor_collector.store import columnar

    path, apart = layout.records / name, layout.damaged / flat_name(name)
    with layout.snapshots.moving:
        try:
            columnar.verify(path)
        except DamagedFileError as error:
            _logger.error("%s; it is kept as %s, and its rows are missing from now on", error, apart)
        except FileNotFoundError:
            return False
        else:
            return False
        content = key_files.encode(keys_of(path))
        files.write_atomically(key_files.path_of(apart), lambda file: file.write(content))
        path.rename(apart)
        key_files.path_of(path).unlink(missing_ok=True)
        files.sync_directory(layout.damaged)
        files.sync_directory(path.parent)
    return True


def set_apart_files(layout: Layout) -> Iterator[DamagedFile]:
    """Every file that lies apart."""
    for path in sorted(layout.damaged.glob("[!.]*.parquet")):
        if not path.name.startswith(LABELS):
            yield DamagedFile(path.name.replace("~", "/"), key_files.read(path) or {})


def labels_again(layout: Layout, path: Path) -> "pa.Table | None":
    """The labels of a file that was found damaged, if it is whole after all; else it moves to `damaged/`, and None."""
    from driftmonitor_collector.store import columnar

    apart = layout.damaged / (LABELS + flat_name(name_of(path)))
    try:
        return columnar.read(path)
    except FileNotFoundError:
        return None
    except DamagedFileError as error:
        _logger.error("%s; it is kept as %s, and rows lack its labels until these are sent again", error, apart)
    files.make_directory(layout.damaged)
    try:
        path.rename(apart)
    except FileNotFoundError:  # another window has moved it
        return None
    files.sync_directory(layout.damaged)
    files.sync_directory(path.parent)
    return None


def labels_since(names: Iterable[str], start: datetime) -> int:
    """How many of these files in `damaged/` have labels that came at `start` or later."""
    found = [name.removeprefix(LABELS).replace("~", "/") for name in names if name.startswith(LABELS)]
    return sum(partitions.touches(name, start, _NEVER) for name in found)
