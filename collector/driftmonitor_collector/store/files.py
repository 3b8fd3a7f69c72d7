"""Files that are whole or absent: write apart, sync, rename, sync the folder."""

import errno
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

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


def content(path: Path) -> bytes | None:
    """What the file holds; None if there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def newest_first(directory: Path, is_name: Callable[[str], bool]) -> list[tuple[Path, os.stat_result]]:
    """The files of the folder with such a name. Others may delete some meanwhile."""
    found = []
    for path in directory.iterdir() if directory.is_dir() else ():
        if is_name(path.name):
            with suppress(FileNotFoundError):
                found.append((path, path.stat()))
    return sorted(found, key=lambda item: (item[1].st_mtime_ns, item[0].name), reverse=True)


def described(found: Iterable[tuple[Path, os.stat_result]]) -> list[dict[str, Any]]:
    """Name, size in bytes and time of each file."""
    return [
        {"name": path.name, "bytes": status.st_size, "modified": datetime.fromtimestamp(status.st_mtime, UTC)}
        for path, status in found
    ]


def create_atomically(path: Path, write: Callable[[BinaryIO], object]) -> bool:
    """As `write_atomically` a file that must not be there yet; False, and nothing has changed, if it is."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")  # several threads may try at once
    with no_room_as_disk_full(path.name):
        make_directory(path.parent)
        try:
            _write_synced(temporary, write)
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
    sync_directory(path.parent)
    return True


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Create or replace the file by what `write` puts out; DiskFullError and no trace of it when there is no room.

    Until it is whole it has a name that starts with a dot, which readers of Parquet folders skip.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with no_room_as_disk_full(path.name):
        make_directory(path.parent)
        try:
            _write_synced(temporary, write)
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    sync_directory(path.parent)


def _write_synced(path: Path, write: Callable[[BinaryIO], object]) -> None:
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
