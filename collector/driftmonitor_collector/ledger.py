"""The account of every writer: what it wrote, what of it is stored, and so what is missing."""

from collections.abc import Callable, Iterable
from typing import Any

from driftmonitor_collector.intervals import IntervalSet

Keys = dict[str, list[tuple[int, int]]]
"""Rows: of each writer, the intervals of their seqs."""


class Account:
    """One writer: the highest `seq` it reported, every `seq` stored, and every `seq` that it says will never come."""

    __slots__ = ("_settled_through", "duplicates", "given_up", "reported", "stored")

    def __init__(
        self, reported: int = 0, stored: IntervalSet | None = None, given_up: IntervalSet | None = None
    ) -> None:
        self.reported = reported
        self.stored = IntervalSet() if stored is None else stored
        self.given_up = IntervalSet() if given_up is None else given_up
        self.duplicates = 0
        self._settled_through = 0

    @property
    def written(self) -> int:
        """How many records the writer is known to have written, those it gave up included."""
        return max(self.reported, self.stored.highest, self.given_up.highest)

    @property
    def stored_through(self) -> int:
        """The highest n such that each record of 1 to n is stored or given up."""
        reached = -1
        while reached != self._settled_through:  # both sets grow, but for `withdraw`: it goes on from where it was
            reached = self._settled_through
            self._settled_through = self.given_up.through(self.stored.through(reached))
        return reached

    def withdraw(self, intervals: Iterable[tuple[int, int]]) -> None:
        """Have these as written and not as stored, since what held them is damaged."""
        gone = IntervalSet(intervals)
        self.reported = max(self.written, gone.highest)
        self.stored = IntervalSet(self.stored.without(gone))
        self._settled_through = 0

    def outstanding(self, limit: int) -> list[tuple[int, int]]:
        """The lowest `limit` intervals of what is written and neither stored nor given up: it may still come."""
        found: list[tuple[int, int]] = []
        reached, written = self.stored_through, self.written
        while reached < written and len(found) < limit:
            ends = [self.stored.next_after(reached), self.given_up.next_after(reached), written + 1]
            end = min(number for number in ends if number is not None)
            if end > reached + 1:
                found.append((reached + 1, end - 1))
            reached = self.given_up.through(self.stored.through(end - 1))
        return found

    def lost(self) -> list[tuple[int, int]]:
        """The intervals given up; a record of them that was stored all the same is not lost."""
        return self.given_up.without(self.stored)


class Ledger:
    """All accounts, with the counts of duplicates dropped and of lines rejected."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.duplicates = 0
        self.rejected = 0
        self.damaged: dict[str, Keys] = {}
        """By the name of each Parquet file that was found damaged, the rows that it held."""

    def account(self, writer: str) -> Account:
        """The writer's account, opened if there is none."""
        account = self.accounts.get(writer)
        if account is None:
            account = self.accounts[writer] = Account()
        return account

    def holds(self, writer: str, seq: int) -> bool:
        """Whether that record is stored."""
        account = self.accounts.get(writer)
        return account is not None and seq in account.stored

    def stored_through(self, writer: str) -> int:
        """The highest n such that each of the writer's records 1 to n is stored or given up."""
        account = self.accounts.get(writer)
        return 0 if account is None else account.stored_through

    def damage(self, name: str, keys: Keys) -> None:
        """Have the rows of a damaged file as not stored any more; once, since they may be stored anew after that."""
        if name not in self.damaged:
            self.damaged[name] = keys
            for writer, intervals in keys.items():
                self.account(writer).withdraw(intervals)

    def damaged_rows(self, is_asked: Callable[[str], bool] = lambda _: True) -> int:
        """How many rows of damaged files, of those names that are asked for, were not stored anew."""
        return sum(
            _length(IntervalSet(intervals).without(self.account(writer).stored))
            for name, keys in self.damaged.items()
            if is_asked(name)
            for writer, intervals in keys.items()
        )

    def _damaged_of(self, writer: str, account: Account) -> list[tuple[int, int]]:
        """The intervals of a writer's rows in damaged files that were neither stored anew nor given up."""
        gone = IntervalSet(interval for keys in self.damaged.values() for interval in keys.get(writer, ()))
        return IntervalSet(gone.without(account.stored)).without(account.given_up)

    def keys(self) -> Keys:
        """The rows stored."""
        return {writer: list(account.stored) for writer, account in self.accounts.items() if account.stored}

    def merge(self, other: "Ledger") -> None:
        """Enter everything that `other` says, which is later; records known to both count once."""
        for name, keys in other.damaged.items():
            self.damage(name, keys)
        for writer, entry in other.accounts.items():
            account = self.account(writer)
            account.reported = max(account.reported, entry.reported)
            account.stored.merge(entry.stored)
            account.given_up.merge(entry.given_up)
            account.duplicates += entry.duplicates
        self.duplicates += other.duplicates
        self.rejected += other.rejected

    def merged(self, other: "Ledger") -> "Ledger":
        """A new ledger with what both say."""
        result = Ledger()
        result.merge(self)
        result.merge(other)
        return result

    @property
    def written(self) -> int:
        """Records written, over all writers."""
        return sum(account.written for account in self.accounts.values())

    @property
    def stored(self) -> int:
        """Records stored, over all writers."""
        return sum(len(account.stored) for account in self.accounts.values())

    @property
    def lost(self) -> int:
        """Records given up and not stored, over all writers."""
        return sum(map(_length, (account.lost() for account in self.accounts.values())))

    def coverage(self, lag_seconds: Callable[[str, int], float] = lambda *_: 0.0) -> dict[str, Any]:
        """The answer of `GET /v1/coverage`.

        Of what is missing, some is lost, and some was in a damaged file; what else is missing may still come: the lag.
        `lag_seconds` says of a writer, with the highest seq below which nothing is outstanding, how long it waits.
        """
        writers: list[dict[str, Any]] = [
            {
                "writer": writer,
                "written": account.written,
                "stored": len(account.stored),
                "duplicates": account.duplicates,
                "lost": (lost := _length(lost_intervals := account.lost())),
                "damaged": (damaged := _length(damaged_intervals := self._damaged_of(writer, account))),
                "lag_rows": account.written - len(account.stored) - lost - damaged,
                "lag_seconds": round(lag_seconds(writer, account.stored_through), 3),
                "missing_intervals": account.stored.missing(account.written),
                "lost_intervals": lost_intervals,
                "damaged_intervals": damaged_intervals,
            }
            for writer, account in sorted(self.accounts.items())
        ]
        written, stored = self.written, self.stored
        return {
            "written": written,
            "stored": stored,
            "duplicates": self.duplicates,
            "missing": written - stored,
            "lost": self.lost,
            "damaged": sum(writer["damaged"] for writer in writers),
            "lag_rows": sum(writer["lag_rows"] for writer in writers),
            "lag_seconds": max((writer["lag_seconds"] for writer in writers), default=0.0),
            "rejected_lines": self.rejected,
            "writers": writers,
        }


def _length(intervals: Iterable[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in intervals)
