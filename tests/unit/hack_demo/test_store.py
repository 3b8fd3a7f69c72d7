"""The client's count against the store's."""

from hack.demo.store import Stored, compare
from hack.demo.traffic import Sent


def test_equal_counts_balance() -> None:
    ledger = compare(Sent({"a": 2, "b": 3}), Stored(5, 5, {"a": 2, "b": 3}))
    assert ledger.balanced
    assert (ledger.predicted, ledger.stored) == (5, 5)


def test_a_row_that_was_answered_and_not_stored_is_lost() -> None:
    ledger = compare(Sent({"a": 2, "b": 3}), Stored(4, 4, {"a": 2, "b": 2}))
    assert ledger.lost == 1
    assert not ledger.balanced


def test_a_lost_row_is_not_made_up_for_by_a_duplicate() -> None:
    ledger = compare(Sent({"a": 1, "b": 1}), Stored(2, 1, {"a": 2}))
    assert (ledger.predicted, ledger.stored) == (2, 2)
    assert (ledger.lost, ledger.duplicates) == (1, 1)
    assert not ledger.balanced


def test_rows_whose_answer_was_lost_are_counted_apart() -> None:
    ledger = compare(Sent({"a": 2}, unanswered={"b", "c"}), Stored(5, 5, {"a": 2, "b": 3}))
    assert ledger.without_answer == 3
    assert ledger.balanced


def test_a_duplicate_of_a_row_whose_answer_was_lost_is_found() -> None:
    assert not compare(Sent({}, unanswered={"b"}), Stored(2, 1, {"b": 2})).balanced


def test_rows_that_nobody_sent_do_not_balance() -> None:
    ledger = compare(Sent({"a": 1}), Stored(2, 2, {"a": 1, "refused": 1}))
    assert ledger.unknown == 1
    assert not ledger.balanced
