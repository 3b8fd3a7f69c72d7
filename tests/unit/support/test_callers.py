"""The account of rows sees what must never be."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from tests.support.callers import Account, Callers, account, note_of

WRITER = "pod/0/S"


@pytest.fixture
def callers() -> Callers:
    """Nine rows are answered; the tenth was refused."""
    made = Callers("http://127.0.0.1:1")
    made.answered, made.unanswered = set(range(1, 10)), {10}
    return made


def _store(numbers: Sequence[int], **changes: list[Any]) -> pa.Table:
    """Each row has its number for its seq."""
    columns = {
        "writer": [WRITER] * len(numbers),
        "seq": list(numbers),
        "feature_number": [float(number) for number in numbers],
        "feature_note": [note_of(number) for number in numbers],
        "prediction_value": [1.5 * number for number in numbers],
    }
    return pa.table(columns | changes)


def _settle(callers: Callers, table: pa.Table, written: int = 9, missing: Sequence[tuple[int, int]] = ()) -> Account:
    writers = [{"writer": WRITER, "missing_intervals": missing}]
    coverage = {"written": written, "stored": len(set(table["seq"].to_pylist())), "writers": writers}
    return account(callers, coverage, [table])


def test_nothing_is_said_where_every_row_is_stored_once(callers: Callers) -> None:
    found = _settle(callers, _store(range(1, 10)))
    assert (found.stored, found.lost, found.named_missing, found.mistakes) == (9, 0, 0, [])
    assert str(found).endswith("nothing lost in silence, nothing doubled, nothing changed")


def test_a_row_that_was_refused_may_be_stored_all_the_same(callers: Callers) -> None:
    assert _settle(callers, _store(range(1, 11)), written=10).mistakes == []


def test_rows_that_are_named_missing_are_lost_and_no_mistake(callers: Callers) -> None:
    found = _settle(callers, _store([1, 2, 3, 7, 8, 9]), missing=[(4, 6)])
    assert (found.stored, found.lost, found.named_missing, found.mistakes) == (6, 3, 3, [])


def test_a_row_that_is_lost_in_silence_is_a_mistake(callers: Callers) -> None:
    found = _settle(callers, _store(range(1, 9)), written=8)
    assert found.mistakes == ["1 answered rows are not stored, 0 are named missing"]


def test_rows_named_missing_that_nobody_lost_are_a_mistake(callers: Callers) -> None:
    found = _settle(callers, _store(range(1, 10)), written=14, missing=[(10, 14)])
    assert found.mistakes == ["0 answered rows are not stored, 5 are named missing"]


def test_doubled_rows_are_a_mistake_under_the_same_seq_and_under_another(callers: Callers) -> None:
    same = _settle(callers, _store([*range(1, 10), 9]))
    assert "1 rows are doubled by writer and seq" in same.mistakes
    other = _settle(callers, _store([*range(1, 10), 9], seq=[*range(1, 10), 10]), written=10)
    assert "1 rows are doubled by their number" in other.mistakes


def test_a_changed_value_is_a_mistake(callers: Callers) -> None:
    table = _store(range(1, 10), prediction_value=[1.5 * number for number in range(1, 9)] + [13.25])
    (mistake,) = _settle(callers, table).mistakes
    assert mistake.startswith(f"the row of writer {WRITER}, seq 9 is stored as 9.0")


def test_a_row_from_nowhere_is_a_mistake(callers: Callers) -> None:
    assert "1 rows are stored that nobody sent" in _settle(callers, _store([*range(1, 10), 99]), written=10).mistakes


def test_counts_that_do_not_add_up_are_a_mistake(callers: Callers) -> None:
    assert "of 12 rows written 9 are stored and 0 named missing" in _settle(callers, _store(range(1, 10)), 12).mistakes
