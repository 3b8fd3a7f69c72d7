"""Bodies of requests: content encodings, within limits."""

import zlib
from collections.abc import Callable

MAX_BODY_BYTES = 32 << 20
MAX_DECODED_BYTES = 64 << 20
_PIECE_BYTES = 1 << 20


class BodyError(Exception):
    """A body that cannot be taken, with the HTTP status that says so."""

    def __init__(self, status: int, problem: str, retry_after_seconds: int | None = None) -> None:
        """`retry_after_seconds`: when it may be taken."""
        super().__init__(problem)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


def decompress(body: bytes, encoding: str, limit: int = MAX_DECODED_BYTES) -> bytes:
    """The plain body; BodyError 415 for an unknown encoding, 400 for damage, 413 beyond `limit` bytes."""
    if encoding in ("", "identity"):
        return body
    if encoding not in _DECODERS:
        raise BodyError(415, f"Content-Encoding {encoding[:40]!r} is not known; send gzip, zstd or plain")
    return _DECODERS[encoding](body, limit)


def _gunzip(body: bytes, limit: int) -> bytes:
    parts, left = [], limit
    while body:  # shippers send several gzip members one after another
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            part = member.decompress(body, left + 1)
        except zlib.error as error:
            raise BodyError(400, f"the body is not valid gzip: {error}") from None
        left -= len(part)
        if left < 0:
            raise _too_large(limit)
        if not member.eof:
            raise BodyError(400, "the body is not valid gzip: it ends too early")
        parts.append(part)
        body = member.unused_data
    return b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    import pyarrow as pa  # loaded by the first such body, not by the start

    parts, left = [], limit
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:  # one frame or several
            while part := stream.read(_PIECE_BYTES):
                left -= len(part)
                if left < 0:
                    raise _too_large(limit)
                parts.append(part)
    except OSError as error:
        raise BodyError(400, f"the body is not valid zstd: {error}") from None
    return b"".join(parts)


def _too_large(limit: int) -> BodyError:
    return BodyError(413, f"the body has more than {limit} bytes when decompressed; send smaller batches")


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {"gzip": _gunzip, "x-gzip": _gunzip, "zstd": _unzstd}
