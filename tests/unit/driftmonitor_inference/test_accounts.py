import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftmonitor_inference.accounts import MAX_LOST_INTERVALS, Account, WriterReport


def test_rows_given_up_take_the_next_seqs_and_neighbours_are_one_interval() -> None:
    account = Account()
    account.give_up(2)
    account.give_up(3)
    account.advance(4)
    account.give_up(1)
    assert account.report("w") == WriterReport("w", 10, ((1, 5), (10, 10)))


def test_what_the_collector_has_passed_is_forgotten() -> None:
    account = Account()
    for _ in range(3):
        account.advance(1)
        account.give_up(1)
    account.confirm(3)
    assert account.report("w").lost == ((4, 4), (6, 6))
    account.confirm(2)
    assert (account.stored_through, account.unconfirmed) == (3, 3)
    account.confirm(6)
    assert (account.report("w").lost, account.unconfirmed) == ((), 0)


def test_a_report_holds_so_many_intervals_and_the_rest_follow() -> None:
    account = Account()
    for _ in range(MAX_LOST_INTERVALS + 1):
        account.give_up(1)
        account.advance(1)
    first = account.report("w").lost
    assert (first[0], len(first)) == ((1, 1), MAX_LOST_INTERVALS)
    account.confirm(first[-1][1] + 1)
    assert account.report("w").lost == ((2 * MAX_LOST_INTERVALS + 1,) * 2,)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5))), st.integers(0, 30))
def test_what_is_lost_is_exactly_what_was_given_up_beyond_what_is_confirmed(
    steps: list[tuple[bool, int]], confirmed: int
) -> None:
    account, given_up, written = Account(), set(), 0
    for lose, rows in steps:
        (account.give_up if lose else account.advance)(rows)
        given_up |= set(range(written + 1, written + rows + 1)) if lose else set()
        written += rows
    account.confirm(min(confirmed, written))
    lost = account.report("w").lost
    assert {seq for first, last in lost for seq in range(first, last + 1)} >= {s for s in given_up if s > confirmed}
    assert all(later[0] > earlier[1] + 1 for earlier, later in itertools.pairwise(lost))
    assert all(set(range(first, last + 1)) <= given_up for first, last in lost)
    assert account.report("w").written == written


@pytest.mark.parametrize("lost", [(), ((1, 2), (4, 4))])
def test_an_account_goes_on_from_what_an_earlier_start_left(lost: tuple[tuple[int, int], ...]) -> None:
    account = Account(5, lost)
    account.give_up(1)
    assert account.report("w") == WriterReport("w", 6, (*lost, (6, 6)))
