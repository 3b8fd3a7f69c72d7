"""Files that are whole or absent: write apart, sync, rename, sync the folder."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class DiskFullError(Exception):
    """There is no room for it; nothing of it was kept."""


@contextmanager
def no_room_as_disk_full(what: str) -> Iterator[None]:
    """Turns the error that says that the volume, or the quota on it, is full into DiskFullError."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFullError(f"no room for {what}") from error
        raise


def free_bytes(path: Path) -> int:
    """Bytes that may still be written to the volume that holds `path`."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def sync_directory(path: Path) -> None:
    """Make creations, renames and deletions in the folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create the folder and its parents, durably."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent)


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Create or replace the file by what `write` puts out; DiskFullError and no trace of it when there is no room.

    Until it is whole it has a name that starts with a dot, which readers of Parquet folders skip.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with no_room_as_disk_full(path.name):
        make_directory(path.parent)
        try:
            with temporary.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    sync_directory(path.parent)
