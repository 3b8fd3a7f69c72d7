"""docs/operations.md explains every reason that a condition or an Event can have."""

import re
from pathlib import Path

import pytest

from driftmonitor_operator.reasons import CONDITIONS, WORKS, EventReason, Reason

PAGE = Path(__file__).parents[3] / "docs/operations.md"


def rows(title: str) -> list[list[str]]:
    """The cells of the table under a title, without its head."""
    section = PAGE.read_text().partition(f"### {title}\n")[2].partition("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def named(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def explained() -> set[tuple[str, str, str]]:
    return {
        (condition, status, reason)
        for conditions, status, reasons, *_ in rows("Conditions and reasons")
        for condition in named(conditions)
        for reason in named(reasons)
    }


PARTS = [
    (condition, status, reason)
    for condition, says in CONDITIONS.items()
    for status, reason in sorted(says)
    if condition != "Ready" or status == "True"
]


@pytest.mark.parametrize(("condition", "status", "reason"), PARTS)
def test_the_page_says_what_a_reason_means_and_what_to_do(condition: str, status: str, reason: Reason) -> None:
    assert (condition, status, str(reason)) in explained(), f"docs/operations.md: add a row for {condition}, {reason}"


def test_the_page_explains_no_reason_that_there_is_not() -> None:
    said = {(condition, status, str(reason)) for condition, status, reason in PARTS}
    extra = {row for row in explained() - said if row[0] != "Ready"}
    assert not extra
    assert {row[2] for row in explained() if row[0] == "Ready"} == {"Ready", *WORKS}


def test_every_row_says_what_it_means_and_what_to_do() -> None:
    assert all(len(row) == 5 and all(row) for row in rows("Conditions and reasons"))
    assert any(named(row[2]) == {"InvalidSpec"} for row in rows("Conditions and reasons"))


def test_the_page_lists_every_reason_of_an_event() -> None:
    listed = {reason for row in rows("Events") for reason in named(row[0])}
    assert listed == set(map(str, EventReason))
