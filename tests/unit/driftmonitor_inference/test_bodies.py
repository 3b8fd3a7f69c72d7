import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from driftmonitor_inference.bodies import Bodies, ClientGoneError
from driftmonitor_inference.rows import RequestError


def _sent(*blocks: bytes) -> Callable[[], Coroutine[Any, Any, dict[str, Any]]]:
    """A client that sends these blocks."""
    left = list(blocks)

    async def receive() -> dict[str, Any]:
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    return receive


async def _stalled() -> dict[str, Any]:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def _gone() -> dict[str, Any]:
    return {"type": "http.disconnect"}


@pytest.mark.parametrize("blocks", [[b""], [b"abcdef"], [b"", b"abc", b"", b"def"], [b"abcdef", b""]])
def test_a_body_is_read_whole_however_it_comes(blocks: list[bytes]) -> None:
    assert asyncio.run(Bodies(6).read({}, _sent(*blocks))) == b"".join(blocks)


@pytest.mark.parametrize("blocks", [[b"abcdefg"], [b"abc", b"defg"], [b"abc", b"defg", b"never read", b""]])
def test_a_body_that_is_too_large_is_refused_when_that_is_known(blocks: list[bytes]) -> None:
    with pytest.raises(RequestError, match="more than 6 bytes") as caught:
        asyncio.run(Bodies(6).read({}, _sent(*blocks)))
    assert caught.value.status == 413
    with pytest.raises(RequestError, match="more than 6 bytes"):
        asyncio.run(Bodies(6).read({b"content-length": b"7"}, _stalled))


def test_a_body_that_does_not_come_is_given_up_and_others_are_not() -> None:
    async def scenario() -> None:
        bodies = Bodies(6, seconds=0.05)

        async def slowly() -> dict[str, Any]:
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b"a", "more_body": False}

        def half() -> Callable[[], Coroutine[Any, Any, dict[str, Any]]]:
            sent = False

            async def receive() -> dict[str, Any]:
                nonlocal sent
                if sent:
                    return await _stalled()
                sent = True
                return {"type": "http.request", "body": b"a", "more_body": True}

            return receive

        stalled = [asyncio.create_task(bodies.read({}, client)) for client in (_stalled, half(), _stalled)]
        assert await bodies.read({}, slowly) == b"a"
        answers = await asyncio.wait_for(asyncio.gather(*stalled, return_exceptions=True), 60)
        for answer in answers:
            assert isinstance(answer, RequestError)
            assert (answer.status, answer.sentence) == (408, "The body has not come within 0.05 s.")
        assert [task.cancelling() for task in stalled] == [0, 0, 0]
        assert await bodies.read({}, slowly) == b"a"

    asyncio.run(scenario())


def test_a_body_may_come_slowly_block_by_block() -> None:
    async def scenario() -> None:
        bodies, left = Bodies(6), [b"ab", b"", b"cd", b"ef"]

        async def receive() -> dict[str, Any]:
            for _ in range(3):
                await asyncio.sleep(0.001)
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        assert await bodies.read({}, receive) == b"abcdef"

    asyncio.run(scenario())


def test_an_error_of_the_connection_reaches_whoever_waits_for_the_body() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.001)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(Bodies(6).read({}, receive))


def test_a_request_that_is_cancelled_while_its_body_comes_stays_cancelled() -> None:
    async def scenario() -> None:
        bodies = Bodies(6)
        task = asyncio.create_task(bodies.read({}, _stalled))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_a_client_that_has_gone_is_told_from_an_empty_body() -> None:
    with pytest.raises(ClientGoneError):
        asyncio.run(Bodies(6).read({}, _gone))
