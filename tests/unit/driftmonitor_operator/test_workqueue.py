import asyncio
from collections.abc import Awaitable, Callable

from driftmonitor_operator.workqueue import WorkQueue


def run(test: Callable[[WorkQueue[str]], Awaitable[None]], *, base_delay: float = 0.01) -> None:
    async def with_queue() -> None:
        await asyncio.wait_for(test(WorkQueue(base_delay=base_delay, max_delay=4 * base_delay)), timeout=30)

    asyncio.run(with_queue())


def test_a_key_added_many_times_is_handed_out_once() -> None:
    async def test(queue: WorkQueue[str]) -> None:
        for key in ("a", "b", "a", "a"):
            queue.add(key)
        assert len(queue) == 2
        assert [await queue.get(), await queue.get()] == ["a", "b"]
        assert len(queue) == 0

    run(test)


def test_a_key_added_while_it_is_worked_on_comes_once_more_afterwards() -> None:
    async def test(queue: WorkQueue[str]) -> None:
        queue.add("a")
        assert await queue.get() == "a"
        queue.add("a")
        queue.add("a")
        queue.add("b")
        assert await queue.get() == "b"  # not "a", which is in a worker's hands
        queue.done("a")
        assert await queue.get() == "a"
        queue.done("a")
        queue.done("b")
        assert len(queue) == 0

    run(test)


def test_a_worker_waits_until_a_key_is_added() -> None:
    async def test(queue: WorkQueue[str]) -> None:
        waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
        await asyncio.sleep(0)
        queue.add("a")
        queue.add("b")
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            more, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert {task.result() for task in done} == {"a", "b"}
        queue.close()
        assert await next(iter(pending)) is None

    run(test)


def test_the_delay_of_a_failing_key_doubles_up_to_its_bound_and_starts_over_after_success() -> None:
    async def test(queue: WorkQueue[str]) -> None:
        delays = []
        queue.add("a")
        for _ in range(4):
            assert await queue.get() == "a"
            delays.append(queue.failed("a"))
        assert delays == [0.01, 0.02, 0.04, 0.04]
        assert await queue.get() == "a"
        queue.done("a")
        queue.add("a")
        assert await queue.get() == "a"
        assert queue.failed("a") == 0.01

    run(test)


def test_a_failing_key_holds_up_no_other() -> None:
    async def test(queue: WorkQueue[str]) -> None:
        queue.add("bad")
        assert await queue.get() == "bad"
        queue.failed("bad")
        queue.add("good")
        assert await queue.get() == "good"
        assert queue.delayed == 1

    run(test, base_delay=60)


def test_an_event_brings_a_delayed_key_at_once_and_only_once() -> None:
    async def test(queue: WorkQueue[str]) -> None:
        queue.add_after("a", 60)
        queue.add("a")
        assert await queue.get() == "a"
        queue.done("a")
        assert queue.delayed == 0
        assert len(queue) == 0

    run(test)


def test_of_two_delays_the_shorter_counts() -> None:
    async def test(queue: WorkQueue[str]) -> None:
        queue.add_after("a", 60)
        queue.add_after("a", 0.01)
        queue.add_after("a", 60)
        assert queue.delayed == 1
        assert await queue.get() == "a"

    run(test)


def test_a_closed_queue_hands_out_nothing_more() -> None:
    async def test(queue: WorkQueue[str]) -> None:
        queue.add("a")
        queue.add_after("b", 60)
        queue.add("c")
        assert await queue.get() == "a"
        queue.close()
        queue.add("d")
        assert await queue.get() is None
        queue.done("a")
        assert (len(queue), queue.delayed) == (0, 0)

    run(test)
