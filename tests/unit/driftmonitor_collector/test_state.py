from pathlib import Path

from driftmonitor_collector.intervals import IntervalSet
from driftmonitor_collector.ledger import Account, Ledger
from driftmonitor_collector.store import state
from driftmonitor_collector.store.state import Checkpoint


def example() -> Ledger:
    ledger = Ledger()
    ledger.accounts["pod/0/1"] = Account(12, IntervalSet([(1, 4), (6, 10)]))
    ledger.accounts["pod/0/2"] = Account(12, IntervalSet([(1, 4)]), IntervalSet([(6, 10)]))
    ledger.duplicates, ledger.rejected = 3, 2
    return ledger


def test_the_state_comes_back_as_it_was(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "state", 6, Ledger()).advance(7, example(), duplicates=3)
    loaded = state.load(tmp_path / "state")
    assert loaded is not None
    assert loaded[0] == 7
    assert loaded[1].coverage() == example().coverage()
    assert loaded[1].rejected == 2


def test_no_flipped_or_missing_byte_goes_unnoticed_and_the_damaged_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "state"
    data = state.encode(7, example())
    for place in range(len(data) - 1):
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]):
            path.write_bytes(damaged)
            assert state.load(path) is None
            assert path.with_name("state.bad").read_bytes() == damaged
            assert not path.exists()


def test_there_is_no_state_at_first(tmp_path: Path) -> None:
    assert state.load(tmp_path / "state") is None
    assert list(tmp_path.iterdir()) == []
