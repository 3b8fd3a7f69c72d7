"""The ids of foreign records on the volume: a small file for each segment of the log, the oldest deleted."""

import logging
import zlib
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

from driftmonitor_collector.identities import KEPT
from driftmonitor_collector.store import files
from driftmonitor_collector.store.log import segment_name

_CHECKSUM_BYTES = 4
_logger = logging.getLogger(__name__)


def write(directory: Path, segment: int, identities: Sequence[int], kept: int = KEPT) -> None:
    """Write the file of a segment, and delete the oldest files beyond those that hold the newest `kept`."""
    if not identities:
        return
    data = array("Q", identities).tobytes()
    content = zlib.crc32(data).to_bytes(_CHECKSUM_BYTES, "big") + data
    files.write_atomically(directory / f"{segment_name(segment)}.ids", lambda file: file.write(content))
    held = 0
    for path in reversed(paths(directory)):
        if held >= kept:
            path.unlink()
        else:
            held += (path.stat().st_size - _CHECKSUM_BYTES) // 8


def read_all(directory: Path) -> Iterable[Sequence[int]]:
    """What each file holds, oldest first; a damaged file is left out."""
    for path in paths(directory):
        numbers = decode(path.read_bytes())
        if numbers is None:
            _logger.error("%s is damaged; foreign records of its time may be stored twice if they come again", path)
            continue
        yield numbers


def decode(content: bytes) -> "array[int] | None":
    """What a file of that content holds; None of a damaged one."""
    data = content[_CHECKSUM_BYTES:]
    if zlib.crc32(data).to_bytes(_CHECKSUM_BYTES, "big") != content[:_CHECKSUM_BYTES] or len(data) % 8:
        return None
    numbers = array("Q")
    numbers.frombytes(data)
    return numbers


def paths(directory: Path) -> list[Path]:
    """The files, oldest first."""
    return sorted(directory.glob("*.ids")) if directory.is_dir() else []
