"""The account of every writer: what it wrote, what of it is stored, and so what is missing."""

from typing import Any

from driftmonitor_collector.intervals import IntervalSet


class Account:
    """One writer: the highest `seq` it reported, and every `seq` stored."""

    __slots__ = ("reported", "stored")

    def __init__(self, reported: int = 0, stored: IntervalSet | None = None) -> None:
        self.reported = reported
        self.stored = IntervalSet() if stored is None else stored

    @property
    def written(self) -> int:
        """How many records the writer is known to have written."""
        return max(self.reported, self.stored.highest)


class Ledger:
    """All accounts, with the counts of duplicates dropped and of lines rejected."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.duplicates = 0
        self.rejected = 0

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
        """The highest n such that the writer's records 1 to n are all stored."""
        account = self.accounts.get(writer)
        return 0 if account is None else account.stored.stored_through

    def merge(self, other: "Ledger") -> None:
        """Enter everything that `other` says; records known to both count once."""
        for writer, entry in other.accounts.items():
            account = self.account(writer)
            account.reported = max(account.reported, entry.reported)
            account.stored.merge(entry.stored)
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

    def coverage(self) -> dict[str, Any]:
        """The answer of `GET /v1/coverage`."""
        writers = [
            {
                "writer": writer,
                "written": account.written,
                "stored": len(account.stored),
                "missing_intervals": account.stored.missing(account.written),
            }
            for writer, account in sorted(self.accounts.items())
        ]
        written, stored = self.written, self.stored
        return {
            "written": written,
            "stored": stored,
            "duplicates": self.duplicates,
            "missing": written - stored,
            "writers": writers,
        }
