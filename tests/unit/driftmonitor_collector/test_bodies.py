import gzip
from collections.abc import Callable

import pyarrow as pa
import pytest

from driftmonitor_collector.bodies import BodyError, decompress


def zstd(body: bytes) -> bytes:
    compressed: bytes = pa.compress(body, "zstd", asbytes=True)
    return compressed


def test_plain_and_gzip_and_several_members_are_the_same_body() -> None:
    body = b"some lines\n" * 1000
    assert decompress(body, "") == decompress(body, "identity") == body
    assert decompress(gzip.compress(body), "gzip") == body
    assert decompress(gzip.compress(body[:5000]) + gzip.compress(body[5000:]), "gzip") == body
    assert decompress(zstd(body), "zstd") == body
    assert decompress(zstd(body[:5000]) + zstd(body[5000:]), "zstd") == body


@pytest.mark.parametrize(
    ("body", "encoding", "status", "reason"),
    [
        (b"not gzip", "gzip", 400, "not valid gzip"),
        (gzip.compress(b"x" * 1000)[:-9], "gzip", 400, "ends too early"),
        (gzip.compress(b"x") + b"tail", "gzip", 400, "not valid gzip"),
        (b"not zstd", "zstd", 400, "not valid zstd"),
        (zstd(b"x" * 1000)[:-3], "zstd", 400, "not valid zstd"),
        (zstd(b"x") + b"tail", "zstd", 400, "not valid zstd"),
        (b"x", "br", 415, "'br'"),
    ],
)
def test_what_cannot_be_decompressed_is_refused(body: bytes, encoding: str, status: int, reason: str) -> None:
    with pytest.raises(BodyError, match=reason) as raised:
        decompress(body, encoding)
    assert raised.value.status == status


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstd)])
def test_a_bomb_is_refused_at_the_limit_over_all_members(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    member = compress(b"\0" * 600)
    assert len(decompress(member, encoding, 600)) == 600
    with pytest.raises(BodyError, match="599") as raised:
        decompress(member, encoding, 599)
    assert raised.value.status == 413
    with pytest.raises(BodyError, match="1000"):
        decompress(member + member, encoding, 1000)
