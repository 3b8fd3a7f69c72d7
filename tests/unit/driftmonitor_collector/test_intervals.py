from itertools import pairwise
from random import Random

import pytest

from driftmonitor_collector.intervals import IntervalSet


@pytest.mark.parametrize("seed", range(30))
def test_it_agrees_with_a_plain_set_whatever_is_added(seed: int) -> None:
    random = Random(seed)
    intervals, plain = IntervalSet(), set[int]()
    for _ in range(random.randint(0, 120)):
        first = random.randint(1, 150)
        last = min(150, first + int(random.expovariate(0.3)))
        assert intervals.add(first, last) == len(set(range(first, last + 1)) - plain)
        plain |= set(range(first, last + 1))
        assert len(intervals) == len(plain)
        assert intervals.highest == max(plain)
    assert [number for number in range(1, 160) if number in intervals] == sorted(plain)
    begin = random.randint(1, 150)
    for end in range(begin, 160):
        assert intervals.overlaps(begin, end) == (not plain.isdisjoint(range(begin, end + 1)))
    through = random.randint(0, 160)
    missing = [number for first, last in intervals.missing(through) for number in range(first, last + 1)]
    assert missing == [number for number in range(1, through + 1) if number not in plain]
    for begin in (0, 40, 149):
        assert intervals.next_after(begin) == min((n for n in plain if n > begin), default=None)
        assert intervals.through(begin) == next(n for n in range(begin, 161) if n + 1 not in plain)


@pytest.mark.parametrize("seed", range(10))
def test_merging_is_the_union_in_either_direction(seed: int) -> None:
    random = Random(seed)
    one, other = (IntervalSet((n, n) for n in random.choices(range(1, 60), k=30)) for _ in range(2))
    union = IntervalSet((n, n) for n in range(1, 60) if n in one or n in other)
    left, right = IntervalSet(one), IntervalSet(other)
    left.merge(other)
    right.merge(one)
    assert left == right == union


@pytest.mark.parametrize("seed", range(30))
def test_one_without_another_is_the_difference(seed: int) -> None:
    random = Random(seed)
    one, other = (IntervalSet((n, n) for n in random.choices(range(1, 60), k=random.randint(0, 60))) for _ in range(2))
    left = one.without(other)
    assert list(IntervalSet(left)) == left
    assert IntervalSet(left) == IntervalSet((n, n) for n in range(1, 60) if n in one and n not in other)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_stay_sorted_apart_and_as_few_as_can_be(seed: int) -> None:
    random = Random(seed)
    numbers = list(range(1, 200))
    random.shuffle(numbers)
    intervals = IntervalSet()
    for number in numbers:
        intervals.add(number)
        found = list(intervals)
        assert all(last + 1 < first for (_, last), (first, _) in pairwise(found))
    assert list(intervals) == [(1, 199)]


def test_a_number_that_is_added_again_is_not_new() -> None:
    intervals = IntervalSet([(1, 10), (20, 30)])
    assert [intervals.add(5), intervals.add(1, 10), intervals.add(5, 25)] == [0, 0, 9]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (-1, 5), (5, 4)])
def test_what_is_no_interval_from_1_is_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="not an interval"):
        IntervalSet().add(first, last)
