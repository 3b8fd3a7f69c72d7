"""Bodies of requests: content encodings, within limits."""

import zlib

MAX_BODY_BYTES = 32 << 20
MAX_DECODED_BYTES = 64 << 20


class BodyError(Exception):
    """A body that cannot be taken, with the HTTP status that says so."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


def decompress(body: bytes, encoding: str, limit: int = MAX_DECODED_BYTES) -> bytes:
    """The plain body; BodyError 415 for an unknown encoding, 400 for damage, 413 beyond `limit` bytes."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise BodyError(415, f"Content-Encoding {encoding[:40]!r} is not known; send gzip or plain")
    parts, left = [], limit
    while body:  # shippers send several gzip members one after another
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            part = member.decompress(body, left + 1)
        except zlib.error as error:
            raise BodyError(400, f"the body is not valid gzip: {error}") from None
        left -= len(part)
        if left < 0:
            raise BodyError(413, f"the body has more than {limit} bytes when decompressed; send smaller batches")
        if not member.eof:
            raise BodyError(400, "the body is not valid gzip: it ends too early")
        parts.append(part)
        body = member.unused_data
    return b"".join(parts)
