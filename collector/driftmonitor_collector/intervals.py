"""A set of positive integers kept as intervals: memory grows with the gaps, not with the numbers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class IntervalSet:
    """Integers >= 1 as sorted, disjoint, non-touching closed intervals."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in intervals:
            self.add(first, last)

    def add(self, first: int, last: int | None = None) -> int:
        """Add `first` to `last` inclusive, and return how many of them are new; ValueError below 1 or reversed."""
        if last is None:
            last = first
        if first < 1 or last < first:
            raise ValueError(f"[{first}, {last}] is not an interval of integers from 1")
        firsts, lasts = self._firsts, self._lasts
        if not lasts or first > lasts[-1] + 1:
            firsts.append(first)
            lasts.append(last)
            return last - first + 1
        if first == lasts[-1] + 1:  # the common case: a writer's lines arrive in order
            lasts[-1] = last
            return last - first + 1
        begin, end = bisect_left(lasts, first - 1), bisect_right(firsts, last + 1)  # those it touches
        known = sum(lasts[place] - firsts[place] + 1 for place in range(begin, end))
        if begin < end:
            first, last = min(first, firsts[begin]), max(last, lasts[end - 1])
        firsts[begin:end], lasts[begin:end] = [first], [last]
        return last - first + 1 - known

    def merge(self, other: "IntervalSet") -> None:
        """Add every number of `other`."""
        for first, last in other:
            self.add(first, last)

    def missing(self, through: int) -> list[tuple[int, int]]:
        """The intervals of 1 to `through` that are not in the set."""
        gaps, expected = [], 1
        for first, last in self:
            if first > through:
                break
            if first > expected:
                gaps.append((expected, first - 1))
            expected = last + 1
        if expected <= through:
            gaps.append((expected, through))
        return gaps

    def without(self, other: "IntervalSet") -> list[tuple[int, int]]:
        """The intervals of the numbers that are in this set and not in the other."""
        left = []
        for first, last in self:
            place = bisect_left(other._lasts, first)
            while first <= last and place < len(other._firsts) and other._firsts[place] <= last:
                if first < other._firsts[place]:
                    left.append((first, other._firsts[place] - 1))
                first, place = other._lasts[place] + 1, place + 1
            if first <= last:
                left.append((first, last))
        return left

    def through(self, number: int) -> int:
        """The highest n such that `number` + 1 to n are all in the set; `number` itself if the next is not."""
        place = bisect_left(self._lasts, number + 1)
        return self._lasts[place] if place < len(self._firsts) and self._firsts[place] <= number + 1 else number

    def next_after(self, number: int) -> int | None:
        """The lowest member above `number`; None if there is none."""
        place = bisect_left(self._lasts, number + 1)
        return max(self._firsts[place], number + 1) if place < len(self._firsts) else None

    def overlaps(self, first: int, last: int) -> bool:
        """Whether any number of `first` to `last` is in the set."""
        place = bisect_left(self._lasts, first)
        return place < len(self._firsts) and self._firsts[place] <= last

    @property
    def highest(self) -> int:
        """The highest number; 0 of an empty set."""
        return self._lasts[-1] if self._lasts else 0

    def __contains__(self, number: int) -> bool:
        place = bisect_left(self._lasts, number)
        return place < len(self._firsts) and self._firsts[place] <= number

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __len__(self) -> int:
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSet) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"IntervalSet({list(self)})"
