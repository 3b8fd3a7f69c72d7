"""The state file: the ledger of every segment that is compacted.

It is a cache of what the Parquet files hold, and of what its copy knew when the last of them were deleted.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from driftmonitor_collector.intervals import IntervalSet
from driftmonitor_collector.ledger import Account, Keys, Ledger
from driftmonitor_collector.store import checked, files

_HEAD = b"driftmonitor-collector state 1 "
_logger = logging.getLogger(__name__)


class _Writer(msgspec.Struct, omit_defaults=True):
    reported: int
    stored: Sequence[tuple[int, int]]
    lost: Sequence[tuple[int, int]] = ()
    duplicates: int = 0


class _State(msgspec.Struct):
    compacted_through: int
    duplicates: int
    rejected: int
    writers: dict[str, _Writer]
    damaged: dict[str, Keys] = {}


def encode(compacted_through: int, ledger: Ledger) -> bytes:
    """The file's content: a line with a checksum, then JSON."""
    writers = {
        name: _Writer(account.reported, list(account.stored), tuple(account.given_up), account.duplicates)
        for name, account in ledger.accounts.items()
    }
    state = _State(compacted_through, ledger.duplicates, ledger.rejected, writers, ledger.damaged)
    return checked.encode(_HEAD, msgspec.json.encode(state))


def decode(data: bytes) -> tuple[int, Ledger]:
    """The last compacted segment and the ledger; ValueError for anything that `encode` did not make."""
    state = msgspec.json.decode(checked.decode(_HEAD, data), type=_State)
    ledger = Ledger()
    ledger.duplicates, ledger.rejected, ledger.damaged = state.duplicates, state.rejected, state.damaged
    for name, writer in state.writers.items():
        account = Account(writer.reported, IntervalSet(writer.stored), IntervalSet(writer.lost))
        account.duplicates = writer.duplicates
        ledger.accounts[name] = account
    return state.compacted_through, ledger


class Checkpoint:
    """Up to which segment the log is compacted, and the ledger of that: in memory as in the file."""

    def __init__(self, path: Path, compacted_through: int, ledger: Ledger) -> None:
        self._path = path
        self.compacted_through = compacted_through
        self.ledger = ledger
        self._duplicates = {name: account.duplicates for name, account in ledger.accounts.items()}

    def count_duplicates(self, change: Ledger) -> None:
        """Remember those of each writer, which are counted outside the log. Another thread may advance meanwhile."""
        for name, account in change.accounts.items():
            if account.duplicates:
                self._duplicates[name] = self._duplicates.get(name, 0) + account.duplicates

    def advance(self, segment: int, change: Ledger, *, duplicates: int, copy: Path | None = None) -> None:
        """Enter the next segment; when the file cannot be written nothing has changed.

        `duplicates` is counted outside the log; what it is now is remembered along. `copy` is written before the file.
        """
        ledger = self.ledger.merged(change)
        ledger.duplicates = duplicates
        for name, count in self._duplicates.copy().items():
            ledger.account(name).duplicates = count
        data = encode(segment, ledger)
        for path in (copy, self._path):
            if path is not None:
                files.write_atomically(path, lambda file: file.write(data))
        self.compacted_through, self.ledger = segment, ledger

    def save_copy(self, path: Path) -> None:
        """Write the same to another file."""
        data = encode(self.compacted_through, self.ledger)
        files.write_atomically(path, lambda file: file.write(data))

    def save(self, *, duplicates: int) -> None:
        """Write the file again, for the sake of the duplicates."""
        self.advance(self.compacted_through, Ledger(), duplicates=duplicates)


def load(path: Path) -> tuple[int, Ledger] | None:
    """What was saved; None, with the damaged file kept as `<name>.bad`, if there is nothing usable."""
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        kept = path.with_name(f"{path.name}.bad")
        _logger.error("%s is damaged (%s); kept as %s, the ledger is made without it", path, error, kept)
        path.replace(kept)
        return None
