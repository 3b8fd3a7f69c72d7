import pytest

from driftmonitor_collector.bodies import BodyError
from driftmonitor_collector.holding import Holding


def test_a_body_waits_outside_while_others_fill_the_room_and_one_alone_may_have_more() -> None:
    refused: list[None] = []
    holding = Holding(100, lambda: refused.append(None))
    with holding.request() as hold:
        hold(60)
        hold(90)  # alone, it may
        with pytest.raises(BodyError, match="send this one again") as raised, holding.request() as other:
            other(1)
        assert (raised.value.status, raised.value.retry_after_seconds, len(refused)) == (503, 1, 1)
    with holding.request() as first, holding.request() as second:
        first(50)
        second(50)
        with pytest.raises(BodyError):
            first(1)
    with holding.request() as hold, holding.request() as other:
        hold(99)
        other(1)  # all that was held before is let go
