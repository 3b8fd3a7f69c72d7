import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from driftmonitor_collector.answers import read_body
from driftmonitor_collector.bodies import BodyError


def request(*parts: bytes, ends: bool) -> Request:
    """One whose body comes in these parts, and ends, or stalls."""
    rest = list(parts)

    async def receive() -> Message:
        if rest:
            return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest) or not ends}
        await asyncio.Event().wait()
        raise AssertionError

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


def test_a_body_is_read_within_its_limit_and_room_is_asked_for_each_part() -> None:
    held: list[int] = []
    assert asyncio.run(read_body(request(b"ab", b"cde", ends=True), 5, held.append)) == b"abcde"
    assert sum(held) == 5
    with pytest.raises(BodyError) as raised:
        asyncio.run(read_body(request(b"ab", b"cde", ends=True), 4))
    assert raised.value.status == 413


def test_a_body_that_does_not_go_on_gives_its_place_back() -> None:
    with pytest.raises(BodyError, match="nothing more of the body came") as raised:
        asyncio.run(read_body(request(b"ab", ends=False), 5, patience_seconds=0.05))
    assert raised.value.status == 408
