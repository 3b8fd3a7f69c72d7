"""Pure: the checksum with which an inference server ends each line of its log, checked and taken off.

Whoever carries lines keeps them for a while, on a disk or in memory that may change a byte: a digit of a number is none
the less JSON.
"""

from zlib import crc32

_MEMBER = b',"crc32":'
_MOST_BYTES = len(_MEMBER) + len(b"4294967295}")


class ChecksumError(Exception):
    """A line is not what its writer wrote."""


def checked(line: bytes) -> bytes:
    """The line without its checksum; as it is where it has none. ChecksumError."""
    place = _place(line)
    if place < 0:
        return line
    body = line[:place]
    if crc32(body) != int(line[place + len(_MEMBER) : -1]):
        raise ChecksumError("crc32 is not that of the bytes before it: it was changed on the way; send it as it is")
    return body + b"}"


def unchecked(line: bytes) -> bytes:
    """The same for a line that was taken apart and written anew on the way: its checksum says nothing any more."""
    place = _place(line)
    return line if place < 0 else line[:place] + b"}"


def _place(line: bytes) -> int:
    """Where the checksum begins; -1 where there is none."""
    place = line.rfind(_MEMBER, -_MOST_BYTES)
    return place if place < 0 or (line[place + len(_MEMBER) : -1].isdigit() and line.endswith(b"}")) else -1
