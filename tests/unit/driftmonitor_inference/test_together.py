import asyncio

from driftmonitor_inference.together import Together


class Clock:
    """Time passes only where something is served: so many seconds a row."""

    def __init__(self, seconds_per_row: float) -> None:
        self.seconds_per_row = seconds_per_row
        self.now = 0.0
        self.served: list[list[str]] = []
        self.together: Together[str] = Together(self.run, lambda: self.now, slice_seconds=0.005)

    def run(self, items: list[str]) -> None:
        self.served.append(items)
        self.now += self.seconds_per_row * len(items)


def test_what_comes_in_one_turn_of_the_loop_is_served_together_and_in_order() -> None:
    clock = Clock(0.0001)

    async def main() -> None:
        for item in "abc":
            clock.together.add(item, 1)
        assert clock.served == []
        await asyncio.sleep(0)
        assert clock.served == [["a", "b", "c"]]
        clock.together.add("d", 1)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert clock.served == [["a", "b", "c"], ["d"]]


def test_the_loop_goes_on_between_slices_and_what_comes_meanwhile_waits_behind() -> None:
    clock = Clock(0.001)  # five rows fill a slice
    turns = []

    async def main() -> None:
        for place in range(16):
            clock.together.add(str(place), 1)
        await asyncio.sleep(0)
        for place in range(16, 23):
            clock.together.add(str(place), 1)
        while sum(map(len, clock.served)) < 23:
            turns.append(len(clock.served))
            await asyncio.sleep(0)

    asyncio.run(main())
    assert [len(items) for items in clock.served] == [16, 5, 2], "the first time nothing is known of the model"
    assert [item for items in clock.served for item in items] == [str(place) for place in range(23)]
    assert turns == [1, 2], "other work of the loop ran between"


def test_a_request_of_more_rows_than_a_slice_has_is_served_alone() -> None:
    clock = Clock(0.001)

    async def main() -> None:
        for item, rows in (("small", 1), ("large", 600), ("other", 1)):
            clock.together.add(item, rows)
        while len(clock.served) < 3:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert clock.served == [["small"], ["large"], ["other"]]


def test_all_that_waits_can_be_served_at_once() -> None:
    clock = Clock(1.0)

    async def main() -> None:
        for item in "abc":
            clock.together.add(item, 10)
        clock.together.serve_all()
        assert [item for items in clock.served for item in items] == ["a", "b", "c"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert sum(map(len, clock.served)) == 3, "nothing is served twice"
