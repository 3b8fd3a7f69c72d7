"""Small files that are read whole: a line with what they are and a CRC-32, then the body."""

import zlib


def encode(head: bytes, body: bytes) -> bytes:
    """The file's content; `head` says what it is, in one line."""
    return b"%s%08x\n%s\n" % (head, zlib.crc32(body), body)


def decode(head: bytes, data: bytes) -> bytes:
    """The body; ValueError for anything that `encode` did not make of this head."""
    first, _, rest = data.partition(b"\n")
    body = rest.removesuffix(b"\n")
    if first != b"%s%08x" % (head, zlib.crc32(body)):
        raise ValueError("its checksum does not hold")
    return body
