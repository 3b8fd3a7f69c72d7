"""Parquet files of the store that were found damaged, moved to where nobody reads them, as on a volume."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from driftmonitor_collector.frames import DamagedFile
from driftmonitor_collector.shared import names
from driftmonitor_collector.shared.mirror import Mirror
from driftmonitor_collector.store import columnar, damage, key_files
from driftmonitor_collector.store.objects import Objects
from driftmonitor_collector.store.sums import DamagedFileError

_logger = logging.getLogger(__name__)


def set_apart(objects: Objects, mirror: Mirror, name: str) -> bool:
    """False if it is whole in the store, and only this collector's copy was damaged, or if it is gone."""
    place = names.RECORDS + name
    beside = key_files.path_of(Path(place)).as_posix()
    mirror.forget(place)
    content, keys = objects.get(place), objects.get(beside)
    if content is None:
        return False
    with mirror.folder() as folder:
        copy = folder / "file.parquet"
        copy.write_bytes(content)
        if keys is not None:
            key_files.path_of(copy).write_bytes(keys)
        try:
            columnar.verify(copy)
        except DamagedFileError:
            known = damage.keys_of(copy)
        else:
            return False
    apart = names.DAMAGED + damage.flat_name(name)
    _logger.error("%s is damaged; it is kept as %s, and its rows are missing from now on", place, apart)
    objects.put(_keys_name(apart), key_files.encode(known))
    objects.put(apart, content)
    objects.delete([place, beside])
    return True


def set_apart_files(objects: Objects) -> Sequence[DamagedFile]:
    """Every file that lies apart."""
    found = []
    for item in objects.listing(names.DAMAGED):
        if item.name.endswith(".parquet") and not item.name.startswith(names.DAMAGED + damage.LABELS):
            content = objects.get(_keys_name(item.name))
            name = item.name.removeprefix(names.DAMAGED).replace("~", "/")
            found.append(DamagedFile(name, key_files.decode(content) if content else {}))
    return found


def labels_again(objects: Objects, mirror: Mirror, name: str) -> pa.Table | None:
    """The labels of a file whose copy is damaged, where the store's own is whole; else that is put apart, and None."""
    place = names.LABELS + name
    mirror.forget(place)
    content = objects.get(place)
    if content is None:
        return None
    with mirror.folder() as folder:
        copy = folder / "file.parquet"
        copy.write_bytes(content)
        try:
            return columnar.read(copy)
        except DamagedFileError:
            apart = names.DAMAGED + damage.LABELS + damage.flat_name(name)
    _logger.error("%s is damaged; it is kept as %s, and rows lack its labels until these are sent again", place, apart)
    objects.put(apart, content)
    objects.delete([place])
    return None


def _keys_name(apart: str) -> str:
    return apart.removesuffix(".parquet") + ".keys"
