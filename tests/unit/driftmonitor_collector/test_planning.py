from collections.abc import Callable
from random import Random

import pytest

from driftmonitor_collector import frames
from driftmonitor_collector.frames import Frame, WriterReport
from driftmonitor_collector.ledger import Ledger
from driftmonitor_collector.planning import Outcome, Submission, plan
from driftmonitor_collector.records import decode_body, stored_keys

Lines = Callable[..., bytes]


def commit(ledger: Ledger, *submissions: Submission) -> tuple[list[Outcome], bytes]:
    made = plan(ledger, submissions)
    ledger.merge(made.change)
    return list(made.outcomes), made.data


def test_a_row_is_stored_once_within_a_body_within_a_group_and_over_groups(lines: Lines) -> None:
    ledger = Ledger()
    outcomes, _ = commit(ledger, decode_body(lines([1, 2, 2])), decode_body(lines([2, 3])))
    assert outcomes == [Outcome(stored=2, duplicates=1), Outcome(stored=1, duplicates=1)]
    outcomes, data = commit(ledger, decode_body(lines([1, 2, 3])))
    assert outcomes == [Outcome(duplicates=3)]
    assert data == b""
    assert (ledger.stored, ledger.duplicates) == (3, 5)


def test_writers_do_not_share_numbers(lines: Lines) -> None:
    outcomes, _ = commit(Ledger(), decode_body(lines([1], "a") + lines([1], "b")))
    assert outcomes == [Outcome(stored=2)]


def test_a_plan_changes_nothing_until_it_is_entered(lines: Lines) -> None:
    ledger = Ledger()
    plan(ledger, [decode_body(lines([1]))])
    assert plan(ledger, [decode_body(lines([1]))]).outcomes == [Outcome(stored=1)]


def test_what_is_written_replays_to_the_same_ledger(lines: Lines) -> None:
    ledger, replayed = Ledger(), Ledger()
    _, data = commit(ledger, decode_body(lines([1, 3]) + b"bad\n"), WriterReport("pod/0/1", 9, ((3, 6),)))
    for item in frames.scan(data):
        assert isinstance(item, Frame)
        frames.enter(item, replayed)
    assert replayed.coverage() == ledger.coverage()
    assert replayed.rejected == ledger.rejected == 1
    assert ledger.coverage()["writers"] == [
        {
            "writer": "pod/0/1",
            "written": 9,
            "stored": 2,
            "duplicates": 0,
            "lost": 3,
            "damaged": 0,
            "lag_rows": 4,
            "lag_seconds": 0,
            "missing_intervals": [(2, 2), (4, 9)],
            "lost_intervals": [(4, 6)],
            "damaged_intervals": [],
        }
    ]


def test_only_news_of_a_writer_is_written(lines: Lines) -> None:
    ledger = Ledger()
    assert commit(ledger, WriterReport("a", 5))[1]
    assert commit(ledger, WriterReport("a", 5), WriterReport("a", 4))[1] == b""
    assert commit(ledger, WriterReport("a", 6))[1]
    assert ledger.written == 6
    assert commit(ledger, WriterReport("a", 6, ((2, 3),)))[1]
    assert commit(ledger, WriterReport("a", 6, ((2, 3),)), WriterReport("a", 6, ((3, 3),)))[1] == b""
    assert commit(ledger, WriterReport("a", 6, ((3, 4),)))[1]
    assert ledger.lost == 3


def test_a_report_without_lost_rows_is_written_as_before() -> None:
    data = commit(Ledger(), WriterReport("a", 5))[1]
    assert [item.payload for item in frames.scan(data) if isinstance(item, Frame)] == [b'{"writer":"a","written":5}']


@pytest.mark.parametrize("seed", range(40))
def test_each_row_is_stored_once_in_the_order_it_came_whatever_comes_again(seed: int, lines: Lines) -> None:
    random = Random(seed)
    ledger, stored = Ledger(), set[tuple[str, int]]()
    for _ in range(12):
        rows: list[tuple[str, int]] = []
        for _ in range(random.randint(1, 4)):
            first, writer = random.randint(1, 40), random.choice("ab")
            rows += [(writer, seq) for seq in range(first, first + random.randint(1, 9))]
        if random.random() < 0.3:
            random.shuffle(rows)
        expected = [row for row in dict.fromkeys(rows) if row not in stored]
        outcomes, data = commit(ledger, decode_body(b"".join(lines([seq], writer) for writer, seq in rows)))
        payloads = [item.payload for item in frames.scan(data) if isinstance(item, Frame)]
        assert [key for payload in payloads for key in stored_keys(payload)] == expected
        assert outcomes == [Outcome(stored=len(expected), duplicates=len(rows) - len(expected))]
        stored.update(rows)
    assert {(writer, seq) for writer in "ab" for seq in range(1, 60) if ledger.holds(writer, seq)} == stored
    assert sum(account.duplicates for account in ledger.accounts.values()) == ledger.duplicates
