"""Checksums of a whole Parquet file, kept inside it: what a disk damages anywhere is found, not only within a page.

They stand between the data and the footer, where readers of Parquet look at nothing: a mark, the CRC-32 of all before
it, and that of the footer behind it.
"""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

_SUMS = struct.Struct("<16sII")
_MARK = b"driftmonitor sum"
_END_BYTES = 8  # the footer's length, and Parquet's own mark


class DamagedFileError(Exception):
    """A Parquet file is not what was written; the message names it."""

    def __init__(self, path: Path, problem: object) -> None:
        super().__init__(f"{path} is damaged: {problem}")
        self.path = path


class WrongSumError(ValueError):
    """The bytes are not what was written."""


def with_sums(data: bytes) -> bytes:
    """The file's content with the checksums."""
    body, rest = data[: -_footer_bytes(data)], data[-_footer_bytes(data) :]
    return b"".join((body, _SUMS.pack(_MARK, zlib.crc32(body), zlib.crc32(rest)), rest))


def _footer_bytes(data: bytes) -> int:
    return int.from_bytes(data[-_END_BYTES:-4], "little") + _END_BYTES


def verify(data: bytes) -> bool:
    """Whether there are checksums; WrongSumError if one of them does not hold."""
    size = _footer_bytes(data)
    place = len(data) - size - _SUMS.size
    if place < 0 or data[place : place + len(_MARK)] != _MARK:
        return False
    _, body, rest = _SUMS.unpack_from(data, place)
    view = memoryview(data)
    if zlib.crc32(view[:place]) != body or zlib.crc32(view[-size:]) != rest:
        raise WrongSumError("its checksum does not hold")
    return True


def verify_footer(file: BinaryIO) -> None:
    """The same of the footer alone, at the price of reading nothing else."""
    length = file.seek(0, 2)
    file.seek(max(0, length - _END_BYTES))
    size = _footer_bytes(file.read())
    place = length - size - _SUMS.size
    if place >= 0:
        file.seek(place)
        end = file.read()
        if end.startswith(_MARK) and zlib.crc32(end[_SUMS.size :]) != _SUMS.unpack_from(end)[2]:
            raise WrongSumError("its footer's checksum does not hold")
    file.seek(0)
