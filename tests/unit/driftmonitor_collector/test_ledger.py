from itertools import pairwise
from random import Random

import pytest

from driftmonitor_collector.intervals import IntervalSet
from driftmonitor_collector.lags import Lags
from driftmonitor_collector.ledger import Account


@pytest.mark.parametrize("seed", range(30))
def test_what_is_outstanding_is_written_and_neither_stored_nor_given_up(seed: int) -> None:
    random = Random(seed)
    stored = {n for n in range(1, 80) if random.random() < 0.6}
    given_up = {n for n in range(1, 80) if random.random() < 0.2}
    account = Account(random.randint(0, 100), *(IntervalSet((n, n) for n in numbers) for numbers in (stored, given_up)))
    found = account.outstanding(1000)
    rows = [n for first, last in found for n in range(first, last + 1)]
    assert rows == [n for n in range(1, account.written + 1) if n not in stored | given_up]
    assert account.outstanding(3) == found[:3]
    assert all(before[1] + 1 < after[0] for before, after in pairwise(found))


def test_the_lag_is_how_long_the_oldest_outstanding_record_has_been_known() -> None:
    lags = Lags()
    lags.heard("a", 10, 0, now=100)
    lags.heard("a", 20, 5, now=102)
    assert lags.seconds("a", 5, now=110) == 10
    assert lags.seconds("a", 10, now=110) == 8
    assert lags.seconds("a", 20, now=110) == 0
    assert lags.seconds("never heard of", 0, now=110) == 0


def test_the_moments_remembered_are_few_however_long_nothing_is_stored() -> None:
    lags = Lags()
    for number in range(10_000):
        lags.heard("a", number + 1, 0, now=number)
    assert lags.seconds("a", 0, now=10_000) == 10_000
    assert len(lags._marks["a"]) <= 64
    seconds = lags.seconds("a", 5_000, now=10_000)
    assert 0 <= seconds <= 5_000
    lags.heard("a", 10_000, 10_000, now=10_001)
    assert lags._marks == {}
